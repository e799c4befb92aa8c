"""Rows that are work to do: leased by one worker at a time, tried again when the lease runs out."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import String, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from core.db.scope import scope
from core.db.types import UtcDateTime, utcnow


class Lease:
    """Mixin. A row is due when state is "queued" (or its lease ran out while "running") and due_at is past."""

    state: Mapped[str] = mapped_column(String(16), default="queued", index=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(500), default=None)


class _Leased(Protocol):
    state: Any
    due_at: Any
    lease_until: Any
    attempts: Any

    @property
    def practice_id(self) -> Any: ...

    @property
    def id(self) -> Any: ...


Row = TypeVar("Row", bound=_Leased)


def lease_due(
    model: type[Row], limit: int, seconds: int, *, running: str = "running"
) -> list[tuple[UUID, UUID]]:
    """Claim up to ``limit`` due rows of all practices for ``seconds`` and answer their (practice_id, id).

    Two workers never claim the same row: PostgreSQL skips locked rows, SQLite has one writer at a time.
    """
    now = utcnow()
    with scope(across_practices=True) as session:
        rows = session.scalars(
            select(model)
            .where(model.state.in_(("queued", running)), model.due_at <= now)
            .where(or_(model.lease_until.is_(None), model.lease_until < now))
            .order_by(model.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            row.state, row.lease_until = running, now + timedelta(seconds=seconds)
            row.attempts += 1
        return [(row.practice_id, row.id) for row in rows]
