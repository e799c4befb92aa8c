"""A process beside the test: for each practice's id on a line it answers, in a new unit of work, what is on there and
how many photos its settings allow."""

from __future__ import annotations

import sys
from uuid import UUID

from core import db, settings, tenancy
from core.plugin_system import activation, plugin_settings, wiring


def answer(practice_id: UUID) -> str:
    with tenancy.practice_scope(practice_id, write=False):
        most = plugin_settings.of("photo_request").model_dump()["max_photos"]
        return f"{','.join(sorted(activation.enabled()))} {most}"


def main() -> None:
    chosen = settings.configure(settings.from_environment())
    db.configure(chosen)
    wiring.start(chosen)
    for line in sys.stdin:
        print(answer(UUID(line.strip())), flush=True)


if __name__ == "__main__":
    main()
