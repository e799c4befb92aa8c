"""What happened with a patient, from every part of the house, in one order."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened. `at`: aware, UTC. `icon`: a Tabler icon's name. `owner`: "core" or the plugin's name."""

    at: datetime
    title: str
    detail: str = ""
    icon: str = "circle"
    url: str | None = None
    owner: str = "core"


def collect(*sources: Iterable[TimelineEntry], limit: int | None = None) -> list[TimelineEntry]:
    """All entries of all sources, the newest first; what two sources both tell is told once.

    Entries of one moment keep the order in which the sources gave them.
    """
    entries = list(dict.fromkeys(entry for source in sources for entry in source))
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return entries if limit is None else entries[:limit]
