"""The core's own kinds of data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, exists, func, or_, select

from core import db, files
from core.files.models import File, Upload
from core.i18n import _l
from core.jobs.models import JobRow
from core.links import Link
from core.notifications.masking import MASK
from core.notifications.models import InboxItem, InboxRead, Notification
from core.realtime.events import RETENTION, sweep
from core.realtime.models import Event
from core.retention.kinds import Kind

_ENDED: Final = ("sent", "delivered", "failed", "dead", "cancelled")


def _counting(
    model: Any, which: Callable[[datetime], Sequence[ColumnElement[bool]]]
) -> Callable[[datetime], int]:
    def count(before: datetime) -> int:
        return db.session().scalar(select(func.count(model.id)).where(*which(before))) or 0

    return count


def _oldest(
    model: Any, which: Callable[[datetime], Sequence[ColumnElement[bool]]], before: datetime, limit: int
) -> list[Any]:
    wanted = select(model).where(*which(before)).order_by(model.id).limit(limit)
    return list(db.session().scalars(wanted))


def _open_uploads(before: datetime) -> Sequence[ColumnElement[bool]]:
    return (Upload.state == "open", Upload.updated_at < before)


def _remove_open_uploads(before: datetime, limit: int) -> int:
    found = _oldest(Upload, _open_uploads, before, limit)
    for upload in found:
        files.uploads.forget(upload)
    return len(found)


def _ended_uploads(before: datetime) -> Sequence[ColumnElement[bool]]:
    return (Upload.state != "open", Upload.updated_at < before)


def _remove_ended_uploads(before: datetime, limit: int) -> int:
    found = _oldest(Upload, _ended_uploads, before, limit)
    for upload in found:
        files.uploads.forget(upload)
    return len(found)


def _originals(before: datetime) -> Sequence[ColumnElement[bool]]:
    return (File.state == "received", File.created_at < before)


def _remove_originals(before: datetime, limit: int) -> int:
    found = _oldest(File, _originals, before, limit)
    for file in found:
        files.give_up(file)
    return len(found)


def _messages(before: datetime) -> Sequence[ColumnElement[bool]]:
    return (
        Notification.state.in_(_ENDED),
        Notification.updated_at < before,
        Notification.body != MASK,
    )


def _remove_messages(before: datetime, limit: int) -> int:
    found = _oldest(Notification, _messages, before, limit)
    for message in found:
        # That there was one stays, with its states and times; what it said and to which address goes.
        message.body, message.html, message.subject, message.variables = MASK, None, None, None
        message.recipient, message.masked_at = "", message.masked_at or db.utcnow()
    return len(found)


def _ended_links(before: datetime) -> Sequence[ColumnElement[bool]]:
    # Until its notices under the bell are gone, a link says whom they speak of: whoever erases a patient asks it.
    is_spoken_of = exists().where(
        InboxItem.practice_id == Link.practice_id, InboxItem.subject_id == Link.subject_id
    )
    return (
        or_(Link.completed_at.is_not(None), Link.cancelled_at.is_not(None)),
        Link.expires_at < before,
        Link.updated_at < before,
        ~is_spoken_of,
    )


def _remove_ended_links(before: datetime, limit: int) -> int:
    found = [link.id for link in _oldest(Link, _ended_links, before, limit)]
    db.session().execute(delete(Link).where(Link.id.in_(found)))
    return len(found)


def _inbox(before: datetime) -> Sequence[ColumnElement[bool]]:
    return (InboxItem.created_at < before,)


def _remove_inbox(before: datetime, limit: int) -> int:
    found = [item.id for item in _oldest(InboxItem, _inbox, before, limit)]
    db.session().execute(delete(InboxRead).where(InboxRead.item_id.in_(found)))
    db.session().execute(delete(InboxItem).where(InboxItem.id.in_(found)))
    return len(found)


def _events(before: datetime) -> Sequence[ColumnElement[bool]]:
    return (Event.created_at < before,)


def _remove_events(before: datetime, limit: int) -> int:
    sweep(db.utcnow() - before)
    return 0  # all in one statement: rows without content, found by a range of numbers


def _jobs(before: datetime) -> Sequence[ColumnElement[bool]]:
    return (JobRow.state == "done", JobRow.finished_at < before)


def _remove_jobs(before: datetime, limit: int) -> int:
    found = [row.id for row in _oldest(JobRow, _jobs, before, limit)]
    db.session().execute(delete(JobRow).where(JobRow.id.in_(found)))
    return len(found)


KINDS: Final = (
    Kind(
        "core.unfinished_uploads",
        _l("Uploads that were never finished"),
        _l("Parts of photos whose sending broke off. They are of no use after a day."),
        1,
        _counting(Upload, _open_uploads),
        _remove_open_uploads,
        most_days=1,
    ),
    Kind(
        "core.upload_records",
        _l("Records of uploads"),
        _l(
            "That a photo was sent and what its file was called on the phone. The photo itself is not touched."
        ),
        30,
        _counting(Upload, _ended_uploads),
        _remove_ended_uploads,
        most_days=30,
    ),
    Kind(
        "core.originals",
        _l("Photos that could not be prepared"),
        _l(
            "Photos that arrived and still wait to be prepared. The original of a prepared photo goes at once."
        ),
        None,
        _counting(File, _originals),
        _remove_originals,
        least_days=30,
    ),
    Kind(
        "core.message_bodies",
        _l("Texts and e-mails"),
        _l("What messages to patients said and where they went. That and when they were sent stays."),
        365,
        _counting(Notification, _messages),
        _remove_messages,
        least_days=7,
    ),
    Kind(
        "core.ended_links",
        _l("Patients’ links that were used or called off"),
        _l(
            "For whom each was made, when it was opened and how it ended. The audit trail keeps that there was one."
        ),
        None,
        _counting(Link, _ended_links),
        _remove_ended_links,
        least_days=365,
    ),
    Kind(
        "core.inbox",
        _l("Notices under the bell"),
        _l("What the practice's staff were told of."),
        180,
        _counting(InboxItem, _inbox),
        _remove_inbox,
        least_days=7,
    ),
    Kind(
        "core.events",
        _l("Signals between pages"),
        _l("What tells open pages to reload. They hold no patient's data."),
        RETENTION.days,
        _counting(Event, _events),
        _remove_events,
        most_days=90,
    ),
    Kind(
        "core.finished_jobs",
        _l("Finished background work"),
        _l("That something was done in the background. It holds no patient's data."),
        7,
        _counting(JobRow, _jobs),
        _remove_jobs,
        most_days=7,
    ),
)
