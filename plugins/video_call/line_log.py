"""The log of a call's line: what clinicians and operators read of how well it went. Figures and codes only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import mean, median
from typing import Any, Final
from uuid import UUID

from sqlalchemy import case, func, select

from core.sdk import LineDay, SocketRefused, db, i18n, utcnow, uuid7
from plugins.video_call import said
from plugins.video_call.models import LineEntry

_MOST: Final = 2000


def note(call_id: UUID, role: str, line: said.Line) -> None:
    """Keep an entry. Raises SocketRefused for a call that has too many already."""
    count = db.session().scalar(
        select(func.count()).select_from(LineEntry).where(LineEntry.call_id == call_id)
    )
    if (count or 0) >= _MOST:
        raise SocketRefused("full")
    db.session().add(
        LineEntry(
            id=uuid7(), call_id=call_id, role=role, kind=line.kind,
            detail=line.detail.model_dump(exclude_none=True), created_at=utcnow(),
        )
    )  # fmt: skip


def entries(call_id: UUID) -> Sequence[LineEntry]:
    """The whole log of a call, the oldest first."""
    return db.session().scalars(
        select(LineEntry).where(LineEntry.call_id == call_id).order_by(LineEntry.created_at, LineEntry.id)
    ).all()  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """A side's line in a few figures. rtt: ms; loss: %; kbps: of the picture. None: nobody measured it."""

    role: str
    rtt: float | None
    loss: float | None
    kbps: float | None
    relay: bool
    stalls: int
    longest: int
    rebuilt: int


def summaries(call_id: UUID) -> list[Summary]:
    """For each side that said anything, how its line was: medians, and how often and how long it broke."""
    by_role: dict[str, list[LineEntry]] = {}
    for entry in entries(call_id):
        by_role.setdefault(entry.role, []).append(entry)
    return [_summary(role, found) for role, found in sorted(by_role.items())]


def days(since: datetime) -> list[LineDay]:
    """How the lines of this practice's calls were, day by day, in two queries: figures alone, for the operator."""
    asked = LineEntry.created_at >= since
    begun = {
        call_id: i18n.local(at).date()
        for call_id, at in db.session().execute(
            select(LineEntry.call_id, func.min(LineEntry.created_at)).where(asked).group_by(LineEntry.call_id)
        )
    }
    rows = (
        db.session()
        .execute(
            select(
                LineEntry.call_id,
                LineEntry.kind,
                func.count(),
                func.max(LineEntry.detail["ms"].as_float()),
                func.avg(LineEntry.detail["rtt"].as_float()),
                func.avg(LineEntry.detail["loss"].as_float()),
                func.max(case((LineEntry.detail["relay"].as_boolean(), 1), else_=0)),
            )
            .where(asked, LineEntry.kind.in_(("quality", "stalled", "recovered", "lost")))
            .group_by(LineEntry.call_id, LineEntry.kind)
        )
        .all()
    )
    return [
        _day(day, [row for row in rows if begun[row[0]] == day], calls)
        for day, calls in sorted(Counter(begun.values()).items())
    ]


def _day(day: date, rows: Sequence[Any], calls: int) -> LineDay:
    of = {
        kind: [row for row in rows if row[1] == kind] for kind in ("quality", "stalled", "recovered", "lost")
    }

    def middle(column: int) -> float | None:
        values = [row[column] for row in of["quality"] if row[column] is not None]
        return mean(values) if values else None

    return LineDay(
        day=day,
        calls=calls,
        relayed=sum(row[6] for row in of["quality"]),
        interruptions=sum(row[2] for row in of["stalled"]),
        longest=max((row[3] or 0 for row in of["recovered"]), default=0) / 1000,
        given_up=len(of["lost"]),
        rtt=middle(4),
        loss=middle(5),
    )


def _summary(role: str, found: list[LineEntry]) -> Summary:
    quality = [entry.detail for entry in found if entry.kind == "quality"]

    def middle(name: str) -> float | None:
        values = [detail[name] for detail in quality if name in detail]
        return median(values) if values else None

    kinds = [entry.kind for entry in found]
    return Summary(
        role=role,
        rtt=middle("rtt"),
        loss=middle("loss"),
        kbps=middle("kbps"),
        relay=any(detail.get("relay") for detail in quality),
        stalls=kinds.count("stalled"),
        longest=max((entry.detail.get("ms", 0) for entry in found if entry.kind == "recovered"), default=0),
        rebuilt=kinds.count("rebuilt") + kinds.count("relayed"),
    )
