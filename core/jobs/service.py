"""Put work in the queue, and open the scope in which a job does it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import db, tenancy
from core.jobs import wakeup
from core.jobs.models import JobRow

_practice: ContextVar[UUID | None] = ContextVar("careroom_job_practice", default=None)


def enqueue(kind: str, *, due_at: datetime | None = None, key: str | None = None, **payload: Any) -> JobRow:
    """Add a job to the current transaction: it exists when, and only when, that commits.

    due_at: not before this moment; None: at once.
    key: a job with the same key in this practice, waiting or done within the last week, is answered instead of
        a new one.
    payload: JSON values; UUIDs and dates are stored as text and reach the handler as text. Ids only: a payload
        carries no personal data.
    """
    session = db.session()
    if key is not None and (known := _with_key(key)) is not None:
        return known
    row = JobRow(
        kind=kind, payload={k: _plain(v) for k, v in payload.items()}, key=key, due_at=due_at or db.utcnow()
    )
    try:
        with db.savepoint():
            session.add(row)
            session.flush()
    except IntegrityError:
        # Another transaction was quicker with this key.
        known = _with_key(key) if key is not None else None
        if known is None:
            raise
        return known
    db.after_commit(wakeup.ring)
    return row


def withdraw(key: str) -> bool:
    """Take back the waiting job with this key; False when there is none or it has begun."""
    row = _with_key(key)
    if row is None or row.state != "queued":
        return False
    db.session().delete(row)
    return True


@contextmanager
def scope(*, write: bool = True) -> Iterator[Session]:
    """Inside a handler: a scope of the job's practice, in its language. Raises db.NoPractice elsewhere.

    A handler may open several, one after the other: none while it waits for a network or works on a picture.
    """
    practice_id = _practice.get()
    if practice_id is None:
        raise db.NoPractice("no job of a practice runs here")
    with tenancy.practice_scope(practice_id, write=write) as session:
        yield session


@contextmanager
def running_for(practice_id: UUID | None) -> Iterator[None]:
    """Make this the practice that :func:`scope` opens. None: a sweep across practices."""
    token = _practice.set(practice_id)
    try:
        yield
    finally:
        _practice.reset(token)


def _with_key(key: str) -> JobRow | None:
    return db.session().scalar(select(JobRow).where(JobRow.key == key))


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value
