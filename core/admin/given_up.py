"""What was given up, of all practices: messages that did not arrive and jobs that never succeeded.

One condition says what counts, for the number on the console and for the list. Nothing that says who a patient is
leaves this module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlalchemy import Select, Subquery, func, literal, select, union_all

from core import audit, db, i18n, notifications, tenancy
from core.errors import Refused
from core.i18n import _
from core.jobs import wakeup
from core.jobs.models import JobRow
from core.notifications import Notification, undelivered
from core.tenancy import Practice, platform

Queue = Literal["messages", "jobs"]
QUEUES: Final[tuple[Queue, ...]] = get_args(Queue)
ORDERS: Final = ("newest", "oldest")
AT_ONCE: Final = 500
"""At most so many are dealt with by one press of a button."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of them. words: of the practice's name or short name; queue: "" for both; until: what changed later is not
    meant, for nobody has seen it yet."""

    words: str = ""
    queue: Queue | Literal[""] = ""
    order: str = "newest"
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dead:
    """Something that was given up: what it was, where, and why, and nothing of whom it was for."""

    queue: Queue
    practice_id: UUID
    practice: str
    id: UUID
    title: str
    reason: str
    at: datetime
    attempts: int
    can_retry: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What came of all at once. left: to how many it cannot be done now; more: how many are still to come."""

    done: int
    left: int
    more: int


_Key = tuple[str, UUID, UUID]
"""queue, practice, id"""


def counts() -> dict[Queue, int]:
    """How many there are of each queue. One query, in a scope across practices."""
    found = _found()
    rows = db.session().execute(select(found.c.queue, func.count()).group_by(found.c.queue))
    counted = {row[0]: row[1] for row in rows}
    return {queue: counted.get(queue, 0) for queue in QUEUES}


def count(wanted: Wanted) -> int:
    """How many fit."""
    with db.scope(write=False, across_practices=True) as session:
        keys = _keys(wanted).with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
        return session.scalar(keys) or 0


def page(wanted: Wanted, *, limit: int, offset: int = 0) -> list[Dead]:
    """Those that fit, in the order that is asked for."""
    with db.scope(write=False, across_practices=True) as session:
        keys = [row[:3] for row in session.execute(_keys(wanted).limit(limit).offset(offset))]
        messages = _rows(Notification, "messages", keys)
        jobs = _rows(JobRow, "jobs", keys)
        names = _names({practice_id for _queue, practice_id, _id in keys})
        return [
            _message(messages[id], names[practice_id])
            if queue == "messages"
            else _job(jobs[id], names[practice_id])
            for queue, practice_id, id in keys
        ]


def retry(queue: Queue, practice_id: UUID, id: UUID) -> None:
    """Put it back into its queue, in a scope of its own. Raises LookupError, NotificationError."""
    with _inside(practice_id):
        _retry(queue, id)


def dismiss(queue: Queue, practice_id: UUID, id: UUID) -> None:
    """Take it off the list, in a scope of its own: a message stays in its patient's record, a job is gone.

    Raises LookupError.
    """
    with _inside(practice_id):
        _dismiss(queue, id)


def retry_all(wanted: Wanted) -> Done:
    """Put back whatever fits and can be tried again, the oldest first, at most AT_ONCE."""
    return _each(wanted, _retry)


def dismiss_all(wanted: Wanted) -> Done:
    """Take off the list whatever fits, the oldest first, at most AT_ONCE."""
    return _each(wanted, _dismiss)


@contextmanager
def _inside(practice_id: UUID) -> Iterator[None]:
    """A scope of the practice, and still the operator's language: a refusal is the operator's to read."""
    language = i18n.language()
    with tenancy.practice_scope(practice_id), i18n.use_language(language):
        yield


def _each(wanted: Wanted, act: Callable[[Queue, UUID], None]) -> Done:
    oldest_first = replace(wanted, order="oldest")
    total = count(oldest_first)
    with db.scope(write=False, across_practices=True) as session:
        keys = [row[:3] for row in session.execute(_keys(oldest_first).limit(AT_ONCE))]
    done = left = 0
    for practice_id, those in groupby(sorted(keys, key=lambda key: key[1]), key=lambda key: key[1]):
        with _inside(practice_id):
            for queue, _practice, id in those:
                try:
                    act(queue, id)
                    done += 1
                except (LookupError, Refused):
                    left += 1
    return Done(done, left, max(0, total - len(keys)))


def _retry(queue: Queue, id: UUID) -> None:
    if queue == "messages":
        notifications.retry(id)
        return
    row = _job_row(id)
    row.state, row.due_at, row.lease_until, row.attempts = "queued", db.utcnow(), None, 0
    row.last_error = None
    audit.record("job.retried", subject=("core.job", row.id), detail={"kind": row.kind})
    db.after_commit(wakeup.ring)


def _dismiss(queue: Queue, id: UUID) -> None:
    if queue == "messages":
        undelivered.dismiss(id)
        return
    row = _job_row(id)
    audit.record("job.dismissed", subject=("core.job", row.id), detail={"kind": row.kind})
    db.session().delete(row)  # its key with it: whoever asks for the same work again gets it


def _job_row(id: UUID) -> JobRow:
    """Held: what somebody else has put back into its queue meanwhile is not given up any more."""
    row = db.session().scalar(
        select(JobRow)
        .where(JobRow.id == id, JobRow.state == "dead")
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise LookupError("no such job was given up")
    return row


# --- finding -----------------------------------------------------------------------------------------------------


def _found() -> Subquery:
    """All that was given up: a message that nobody has dealt with, of the last weeks; a job until it is tidied away."""
    messages = select(
        literal("messages").label("queue"),
        Notification.practice_id.label("practice_id"),
        Notification.id.label("id"),
        Notification.created_at.label("at"),
        Notification.updated_at.label("changed_at"),
    ).where(*undelivered.failed())
    changed = JobRow.updated_at
    jobs = select(literal("jobs"), JobRow.practice_id, JobRow.id, changed, changed).where(
        JobRow.state == "dead"
    )
    return union_all(messages, jobs).subquery()


def _keys(wanted: Wanted) -> Select[Any]:
    found = _found()
    keys = select(found.c.queue, found.c.practice_id, found.c.id)
    if wanted.queue:
        keys = keys.where(found.c.queue == wanted.queue)
    if wanted.until:
        keys = keys.where(found.c.changed_at <= wanted.until)
    if wanted.words:
        here = select(Practice.id).where(*platform.fits(wanted.words))
        keys = keys.where(found.c.practice_id.in_(here))
    if wanted.order == "oldest":
        return keys.order_by(found.c.at.asc(), found.c.id.asc())
    return keys.order_by(found.c.at.desc(), found.c.id.desc())


def _rows(model: Any, queue: Queue, keys: Sequence[_Key]) -> dict[UUID, Any]:
    wanted = [id for found, _practice, id in keys if found == queue]
    if not wanted:
        return {}
    return {row.id: row for row in db.session().scalars(select(model).where(model.id.in_(wanted)))}


def _names(practice_ids: Collection[UUID]) -> dict[UUID, str]:
    found = db.session().execute(select(Practice.id, Practice.name).where(Practice.id.in_(practice_ids)))
    return {row.id: row.name for row in found}


def _message(row: Notification, practice: str) -> Dead:
    way = _("Text message") if row.channel == "sms" else _("E-mail")
    return Dead(
        "messages",
        row.practice_id,
        practice,
        row.id,
        f"{way} ({row.template})",
        notifications.reason(row.last_error),
        row.created_at,
        row.attempts,
        row.can_be_retried,
    )


def _job(row: JobRow, practice: str) -> Dead:
    # The text of an exception may quote anything: the type before the colon is enough.
    reason = (row.last_error or "").partition(":")[0][:80]
    return Dead(
        "jobs", row.practice_id, practice, row.id, row.kind, reason, row.updated_at, row.attempts, True
    )
