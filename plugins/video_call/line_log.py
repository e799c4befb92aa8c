"""The log of a call's line: what clinicians and operators read of how well it went. Figures and codes only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from core.sdk import SocketRefused, db, utcnow, uuid7
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
