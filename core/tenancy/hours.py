"""When a practice is open: by weekday, in its own clock, less the days on which it is closed.

Kept in the profile: ``hours`` is {"0": [["08:30", "12:30"], ["14:00", "18:00"]], ...} with Monday as 0, and
``closed_days`` {"2026-12-25": "Christmas"}.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.tenancy.models import Practice

MOST_SPANS: Final = 2
_LOOK_AHEAD: Final = 60


@dataclass(frozen=True, slots=True)
class Span:
    """From one time of a day until another of the same day, by the practice's clock."""

    opens: time
    closes: time

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            raise ValueError("it closes before it opens")


@dataclass(frozen=True, slots=True)
class Hours:
    """A week, and the days on which it does not hold. is_known: has the practice said anything?"""

    week: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    closed: Mapping[date, str] = field(default_factory=dict)

    @property
    def is_known(self) -> bool:
        return any(self.week.values())

    def on(self, day: date) -> tuple[Span, ...]:
        """The spans of a day; none when it is closed."""
        return () if day in self.closed else self.week.get(day.weekday(), ())

    def stored(self) -> dict[str, Any]:
        """As the profile keeps it."""
        return {
            "hours": {
                str(day): [[f"{span.opens:%H:%M}", f"{span.closes:%H:%M}"] for span in spans]
                for day, spans in sorted(self.week.items())
                if spans
            },
            "closed_days": {day.isoformat(): name for day, name in sorted(self.closed.items())},
        }


def of(practice: Practice) -> Hours:
    """The opening hours of a practice. What is stored and makes no sense counts as closed."""
    return read(practice.profile.get("hours"), practice.profile.get("closed_days"))


def read(hours: Any, closed_days: Any) -> Hours:
    """From what the profile keeps."""
    week: dict[int, tuple[Span, ...]] = {}
    for day, spans in (hours or {}).items():
        try:
            week[int(day)] = tuple(Span(time.fromisoformat(a), time.fromisoformat(b)) for a, b in spans)
        except (TypeError, ValueError):
            continue
    closed: dict[date, str] = {}
    for day, name in (closed_days or {}).items():
        try:
            closed[date.fromisoformat(day)] = str(name)
        except (TypeError, ValueError):
            continue
    return Hours(week, closed)


def is_open(practice: Practice, moment: datetime) -> bool | None:
    """Is it open at this moment? None: the practice has not said when it is."""
    hours = of(practice)
    if not hours.is_known:
        return None
    here = moment.astimezone(ZoneInfo(practice.time_zone))
    return any(span.opens <= here.time() < span.closes for span in hours.on(here.date()))


def next_opening(practice: Practice, after: datetime) -> datetime | None:
    """When it opens next, in the time zone of ``after``; None: unknown, or not within two months."""
    hours, zone = of(practice), ZoneInfo(practice.time_zone)
    here = after.astimezone(zone)
    for days in range(_LOOK_AHEAD):
        day = here.date() + timedelta(days=days)
        for span in sorted(hours.on(day), key=lambda one: one.opens):
            # By the wall clock of that day: the night on which clocks change is an hour shorter or longer.
            opens = datetime.combine(day, span.opens, zone)
            if opens > here:
                return opens.astimezone(after.tzinfo)
    return None
