"""A worker as a process of its own, for tests: ``python -m tests.peers.worker_process <settings as JSON>``.

Every plugin counts as on, and the jobs "core.slow" (writes a file, sleeps, writes another) and "core.count" exist.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from core import db, jobs, settings, tenancy
from core.settings import Settings
from core.worker import Worker


def main() -> None:
    """Run until SIGTERM."""
    chosen = Settings(**json.loads(sys.argv[1]))

    def slow(payload: dict[str, Any]) -> None:
        folder = Path(payload["folder"])
        (folder / "begun").touch()
        time.sleep(payload["seconds"])
        (folder / "done").touch()

    def count(payload: dict[str, Any]) -> None:
        # Exclusive creation: a second run of the same job would fail loudly.
        (Path(payload["folder"]) / payload["name"]).open("x").close()

    def load() -> None:
        settings.configure(chosen)
        db.configure(chosen)
        tenancy.switches.answered_by(lambda: {"photo_request"})
        jobs.register(jobs.Job("core.slow", slow), jobs.Job("core.count", count, max_attempts=1))

    Worker(chosen, load).run()


if __name__ == "__main__":
    main()
