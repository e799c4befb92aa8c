"""An e-mail instead of a text that could not be sent or did not arrive, where the practice's rules say so.

At most one e-mail goes instead of a text, and none when the patient was told the same by e-mail anyway. Both can
arrive in one case only: a text whose provider never answered, and which was on its way all the same.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select

from core import audit, db
from core.notifications import changes, compose, flood, recipients, rules, templates, writing
from core.notifications.errors import NotificationError
from core.notifications.models import Notification
from core.patients import Patient

# What was written together says the same: a text and an e-mail of one occasion.
_SAME_OCCASION: Final = timedelta(minutes=1)

log = structlog.get_logger(__name__)


def consider(row: Notification) -> Notification | None:
    """A message has ended without arriving: the e-mail that goes instead, when the rules want one."""
    return instead_of(row) if row.channel == "sms" and rules.load().email_instead else None


def instead_of(row: Notification) -> Notification | None:
    """Write the e-mail that goes instead of this text, in the current transaction; None when there can be none."""
    try:
        with db.savepoint():
            return _write(row)
    except Exception as error:
        # Whatever is wrong with the e-mail, what is known of the text must be stored.
        level = log.info if isinstance(error, NotificationError) else log.error
        level("notification.no_failover", notification=str(row.id), error=type(error).__name__)
        return None


def of(notification_id: UUID) -> Notification | None:
    """The e-mail that went, or waits to go, instead of this text."""
    return db.session().scalar(select(Notification).where(Notification.failover_of == notification_id))


def withdraw(row: Notification) -> bool:
    """The text is on its way after all: take the e-mail back while it waits. False: it is out."""
    instead = of(row.id)
    if instead is None or instead.state in ("cancelled", "dead", "failed"):
        return True
    if instead.state != "queued":
        return False
    audit.record(
        "notification.cancelled", patient_id=instead.patient_id, subject=("core.notification", instead.id)
    )
    changes.enter(instead, "cancelled")
    return True


def _write(row: Notification) -> Notification | None:
    patient = db.get(Patient, row.patient_id) if row.patient_id is not None else None
    if patient is None or not patient.email or row.variables is None or row.expires_at <= db.utcnow():
        return None
    # A text to another number was meant for whoever holds that phone, and they may not read the patient's mail.
    if patient.mobile != row.recipient:
        return None
    template = templates.find(row.template)
    if "email" not in template.channels or of(row.id) is not None or _was_told_by_email(row):
        return None
    address = recipients.resolve("email", patient)
    flood.check({"email": address}, None)
    texts = compose.compose(row.template, language=row.language, variables=row.variables, channels=("email",))
    made = writing.draft("email", address, texts)
    made.template, made.key, made.patient_id = row.template, row.key, row.patient_id
    made.subject_kind, made.subject_id = row.subject_kind, row.subject_id
    made.expires_at, made.urgent, made.failover_of = row.expires_at, row.urgent, row.id
    log.info("notification.failover", notification=str(row.id), code=row.last_error)
    return writing.store(made)


def _was_told_by_email(row: Notification) -> bool:
    if writing.with_key(row.key, ("email",)):
        return True
    same = select(Notification.id).where(
        Notification.channel == "email",
        Notification.template == row.template,
        Notification.patient_id == row.patient_id,
        Notification.created_at.between(row.created_at - _SAME_OCCASION, row.created_at + _SAME_OCCASION),
    )
    if row.subject_id is not None:
        same = same.where(Notification.subject_id == row.subject_id)
    return db.session().scalar(same.limit(1)) is not None
