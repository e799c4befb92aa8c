"""Rows that are work to do: leased by one worker at a time, tried again when the lease runs out."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    Executable,
    Index,
    Integer,
    String,
    Table,
    and_,
    bindparam,
    event,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from core.db.scope import scope
from core.db.types import UtcDateTime, utcnow


class Lease:
    """Mixin. A row is due when state is "queued" and due_at is past, or when its lease ran out while "running".

    Its table gets indexes of (state, due_at) and (state, lease_until): what is done stays in the table, and a search by
    due_at alone would pass through all of it.
    """

    state: Mapped[str] = mapped_column(String(16), default="queued")
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(500), default=None)


@event.listens_for(Lease, "instrument_class", propagate=True)
def _index(mapper: Mapper[Any], cls: type) -> None:
    table = mapper.local_table
    if isinstance(table, Table):
        Index(f"ix_{table.name}_due", table.c.state, table.c.due_at)
        Index(f"ix_{table.name}_lease", table.c.state, table.c.lease_until)


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
    asked = {"lease_now": now, "lease_end": now + timedelta(seconds=seconds), "lease_most": limit}
    with scope(across_practices=True) as session:
        claimed = sorted(session.execute(_claim(model, running), asked), key=lambda each: each.due_at)
    return [(each.practice_id, each.id) for each in claimed]


@lru_cache
def _claim(model: type[_Leased], running: str) -> Executable:
    """One statement for both, made once: building it costs more than running it."""
    row = cast(Any, model)  # columns on the class, values on its rows
    now, most = bindparam("lease_now", type_=UtcDateTime), bindparam("lease_most", type_=Integer)

    def locked(name: str, condition: ColumnElement[bool], order: Any) -> CTE:
        found = select(row.practice_id, row.id).where(condition).order_by(order).limit(most)
        # A CTE is looked up once; as a plain subquery the planner may run it again, and lock more each time.
        return found.with_for_update(skip_locked=True).cte(name)

    # What a worker left behind comes first: it has waited longest. Each of the two has an index of its own.
    left = locked("left_behind", and_(row.state == running, row.lease_until < now), row.lease_until)
    new = locked("waiting", and_(row.state == "queued", row.due_at <= now), row.due_at)
    both = union_all(select(left), select(new)).limit(most).subquery()
    return (
        update(model)
        .where(tuple_(row.practice_id, row.id).in_(select(both.c.practice_id, both.c.id)))
        .values(
            state=running,
            lease_until=bindparam("lease_end", type_=UtcDateTime),
            attempts=row.attempts + 1,
        )
        .returning(row.practice_id, row.id, row.due_at)
        .execution_options(synchronize_session=False)
    )
