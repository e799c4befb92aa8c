"""From exact texts to a row that waits: shared by whoever sends and by the failover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import audit, db
from core.jobs import wakeup
from core.notifications import changes, flood
from core.notifications.compose import Preview
from core.notifications.masking import hash_of_link
from core.notifications.models import Channel, Notification


def draft(channel: Channel, address: str, texts: Preview) -> Notification:
    """A message that is not stored yet."""
    if channel == "sms":
        return Notification(
            channel=channel,
            recipient=address,
            language=texts.language,
            body=texts.sms_text,
            encoding=texts.sms_encoding,
            segments=texts.sms_segments,
            link_hash=hash_of_link(texts.sms_text),
        )
    return Notification(
        channel=channel,
        recipient=address,
        language=texts.language,
        subject=texts.email_subject,
        body=texts.email_text,
        html=texts.email_html,
        link_hash=hash_of_link(texts.email_text),
    )


def store(row: Notification) -> Notification:
    """Write it into the current transaction; the message that already has its key, where there is one."""
    session = db.session()
    channel, key = row.channel, row.key
    try:
        with db.savepoint():
            session.add(row)
            session.flush()
    except IntegrityError:
        # Another transaction was quicker with this key.
        found = with_key(key, (channel,)).get(channel)
        if found is None:
            raise
        return found
    flood.note(row.channel, row.recipient)
    detail: dict[str, Any] = {"channel": channel, "template": row.template}
    audit.record(
        "notification.queued", patient_id=row.patient_id, subject=("core.notification", row.id), detail=detail
    )
    changes.tell(row)
    db.after_commit(wakeup.ring)
    return row


def with_key(key: str | None, channels: Sequence[str]) -> dict[str, Notification]:
    """The messages of the practice that have this key, by channel."""
    if key is None:
        return {}
    rows = db.session().scalars(
        select(Notification).where(Notification.key == key, Notification.channel.in_(channels))
    )
    return {row.channel: row for row in rows}
