"""The messages that did not arrive and those that wait for a reason: the list that a practice works through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import aliased

from core import audit, db
from core.notifications import changes, service
from core.notifications.errors import ConsentMissing, TooManyMessages, WrongState
from core.notifications.models import Notification

Which = Literal["failed", "waiting", "all"]

SHOWN_FOR: Final = timedelta(days=30)
"""Older ones are in the patient's record only: nobody sends a link of last month again."""

RETRY_AT_ONCE: Final = 500

_ENDED: Final = ("failed", "dead")
_WAITING: Final = ("queued", "sending")


@dataclass(frozen=True, slots=True)
class Retried:
    """What came of a retry of all: how many are on their way again, and how many cannot be or may not yet.

    unwanted: how many more stay because the patient said no, or was not asked where that is needed.
    """

    sent: int
    left: int
    unwanted: int


def page(
    which: Which, *, channel: str | None = None, limit: int, offset: int = 0
) -> tuple[list[Notification], int]:
    """Messages of a kind, newest first, and how many there are altogether."""
    session, wanted = db.session(), _wanted(which, channel)
    total = session.scalar(select(func.count()).select_from(Notification).where(*wanted)) or 0
    rows = session.scalars(
        select(Notification)
        .where(*wanted)
        .order_by(Notification.created_at.desc(), Notification.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return list(rows), total


def of_requester(user_id: int, limit: int) -> list[Notification]:
    """What this member of staff asked for and what did not arrive, newest first; ``failed`` says which those are."""
    rows = db.session().scalars(
        select(Notification)
        .where(*failed(), Notification.requested_by == str(user_id))
        .order_by(Notification.created_at.desc(), Notification.id.desc())
        .limit(limit)
    )
    return list(rows)


def failed() -> Sequence[ColumnElement[bool]]:
    """Which messages did not arrive and nobody has dealt with, for queries that count them with other things."""
    return _wanted("failed")


def count_failed() -> int:
    """How many did not arrive and nobody has dealt with."""
    return db.session().scalar(select(func.count()).select_from(Notification).where(*_wanted("failed"))) or 0


def retry_all(channel: str | None = None) -> Retried:
    """Put what can be sent again back into the queue, the oldest first, at most 500 at once."""
    rows = db.session().scalars(
        select(Notification.id)
        .where(*_wanted("failed", channel))
        .order_by(Notification.created_at)
        .limit(RETRY_AT_ONCE)
    )
    sent = left = unwanted = 0
    for notification_id in list(rows):
        try:
            service.retry(notification_id)
            sent += 1
        except (WrongState, TooManyMessages):
            left += 1
        except ConsentMissing:
            unwanted += 1
    return Retried(sent, left, unwanted)


def dismiss(notification_id: UUID) -> None:
    """Take a message that did not arrive off the list; the patient's record keeps it. Raises LookupError."""
    row = service.locked(notification_id)
    if row.state not in _ENDED or row.dismissed_at is not None:
        return
    row.dismissed_at = db.utcnow()
    audit.record("notification.dismissed", patient_id=row.patient_id, subject=("core.notification", row.id))
    changes.tell(row)


def _wanted(which: Which, channel: str | None = None) -> Sequence[ColumnElement[bool]]:
    instead: Any = aliased(Notification)
    # What went by e-mail instead is dealt with, unless the e-mail failed as well: then that one is on the list.
    went_otherwise = exists().where(
        instead.practice_id == Notification.practice_id, instead.failover_of == Notification.id
    )
    failed = and_(
        Notification.state.in_(_ENDED),
        Notification.dismissed_at.is_(None),
        Notification.created_at > db.utcnow() - SHOWN_FOR,
        ~went_otherwise,
    )
    waiting = Notification.state.in_(_WAITING)
    wanted = {"failed": failed, "waiting": waiting, "all": failed | waiting}[which]
    return (wanted, Notification.channel == channel) if channel else (wanted,)
