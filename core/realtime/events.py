"""The events of a practice: publish in a transaction, read from a number on.

``publish`` only collects. Just before the commit the practice's head row is locked and the events get their
numbers, so the sequence has no gap and runs in commit order: who has seen number n and asks for what is
above n misses nothing. After the commit the listeners are woken (:mod:`core.realtime.wakes`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from core import db
from core.realtime import wakes
from core.realtime.models import Event, EventHead
from core.realtime.topics import BadEvent, Id, checked, topic

__all__ = ["BadEvent", "CatchUp", "catch_up", "events_since", "last_seq", "publish", "sweep", "topic"]

RETENTION = timedelta(days=7)
_PENDING = "core.realtime.events"
# Audit locks its own head row first (order 10): every transaction takes the two in the same order.
_ORDER = 20


@dataclass(frozen=True, slots=True)
class CatchUp:
    """What a client missed. With ``reset`` the events are not told one by one: it reloads everything.

    seq: the number that the client has seen from now on.
    """

    seq: int
    events: tuple[Event, ...] = ()
    reset: bool = False


def publish(topic: str, type: str, **ids: Id) -> None:
    """Tell the listeners of ``topic`` that ``type`` happened, if and when this transaction commits.

    The same (topic, type, ids) twice in a transaction is one event. Raises BadEvent, db.NoPractice or
    db.ReadOnlyScope.
    """
    practice_id = db.practice_id()
    if not db.is_write():
        raise db.ReadOnlyScope("an event is a row: publish it in a scope that writes")
    kept = checked(topic, type, ids)
    waiting = db.pending(_PENDING)
    if not waiting:
        # A new hook object each time: one that publishes in a later hook of the same commit is numbered too.
        db.before_commit(partial(_number, practice_id), order=_ORDER)
    if (topic, type, kept) not in waiting:
        waiting.append((topic, type, kept))


def _number(practice_id: UUID) -> None:
    waiting: list[tuple[str, str, dict[str, Any]]] = db.pending(_PENDING)
    if not waiting:
        return
    last = _take(practice_id, len(waiting))
    now = db.utcnow()
    first = last - len(waiting) + 1
    db.session().add_all(
        Event(seq=seq, topic=topic, type=type, ids=ids, created_at=now)
        for seq, (topic, type, ids) in enumerate(waiting, first)
    )
    waiting.clear()
    db.after_commit(partial(wakes.notify, practice_id, last))


def _take(practice_id: UUID, count: int) -> int:
    """Take ``count`` numbers and the head row's lock, which the commit releases; answer the last number."""
    taken = (
        update(EventHead)
        .where(EventHead.practice_id == practice_id)
        .values(last_seq=EventHead.last_seq + count)
        .returning(EventHead.last_seq)
        .execution_options(synchronize_session=False)
    )
    last = db.session().scalar(taken)
    if last is None:
        try:
            with db.session().begin_nested():
                db.session().add(EventHead(practice_id=practice_id))
        except IntegrityError:
            pass  # another process made the practice's first event at this moment
        last = db.session().scalars(taken).one()
    return last


def last_seq() -> int:
    """The number of the practice's newest event; 0 before the first. A page is rendered with it."""
    head = select(EventHead.last_seq).where(EventHead.practice_id == db.practice_id())
    return db.session().scalar(head) or 0


def events_since(seq: int, topics: Collection[str] | None = None, limit: int = 500) -> list[Event]:
    """Events above ``seq`` in order, of these topics or (None) of all. At most ``limit``."""
    wanted = select(Event).where(Event.seq > seq).order_by(Event.seq).limit(limit)
    if topics is not None:
        wanted = wanted.where(Event.topic.in_(topics))
    return list(db.session().scalars(wanted))


def catch_up(seq: int, topics: Collection[str], limit: int = 500) -> CatchUp:
    """What a client that has seen ``seq`` missed in its topics.

    It is told to reload everything when the events in between are swept or more than ``limit``, or when it
    knows a future (the database was restored from a backup).
    """
    head = (
        db.session()
        .execute(
            select(EventHead.last_seq, EventHead.swept_seq).where(EventHead.practice_id == db.practice_id())
        )
        .one_or_none()
    )
    last, swept = (head.last_seq, head.swept_seq) if head else (0, 0)
    if seq == last:
        return CatchUp(last)
    if seq < swept or seq > last:
        return CatchUp(last, reset=True)
    # Bounded above by the head that was read: on PostgreSQL a second statement may see a later commit.
    missed = [event for event in events_since(seq, topics, limit + 1) if event.seq <= last]
    if len(missed) > limit:
        return CatchUp(last, reset=True)
    return CatchUp(last, tuple(missed))


def sweep(keep: timedelta = RETENTION) -> int:
    """Remove the current practice's events older than ``keep``; answer how many went."""
    practice_id = db.practice_id()
    old = db.session().scalar(select(func.max(Event.seq)).where(Event.created_at < db.utcnow() - keep))
    if old is None:
        return 0
    db.session().execute(update(EventHead).where(EventHead.practice_id == practice_id).values(swept_seq=old))
    gone = db.session().execute(delete(Event).where(Event.seq <= old))
    return int(getattr(gone, "rowcount", 0))
