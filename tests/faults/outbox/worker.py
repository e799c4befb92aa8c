"""A worker whose waits are a tenth of the real ones: ``python -m tests.faults.outbox.worker <settings as JSON>``."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

from core import db, notifications, settings, tenancy, worker
from core.notifications import breaker, delivery
from core.settings import Settings
from tests.peers.clinic import INVITATION

HANDS = 6


def shorten() -> None:
    """What is 60, 45, 20 and 5 seconds in life."""
    delivery._SHORTEST_LEASE = 6.0
    delivery._WAIT_FOR_CALLBACK = timedelta(seconds=4.5)
    delivery._FIRST_RETRY, delivery._LONGEST_RETRY = timedelta(seconds=0.5), timedelta(seconds=5)
    breaker._FIRST_PAUSE, breaker._LONGEST_PAUSE = 0.5, 6.0
    worker._RENEW_SECONDS = 1.0


def main() -> None:
    """Run until it is killed."""
    chosen = Settings(**json.loads(sys.argv[1]))
    shorten()

    def load() -> None:
        settings.configure(chosen)
        db.configure(chosen)
        tenancy.switches.answered_by(lambda: {"photo_request"})
        notifications.templates.register(INVITATION)

    worker.Worker(chosen, load, message_hands=HANDS).run()


if __name__ == "__main__":
    main()
