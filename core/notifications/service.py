"""Send a message, look at it before, and see what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update

from core import audit, db
from core.i18n import _
from core.jobs import wakeup
from core.notifications import changes, compose, failover, flood, recipients, templates, ways, writing
from core.notifications.compose import Preview
from core.notifications.errors import WrongState
from core.notifications.models import MAX_ATTEMPTS, Channel, Notification
from core.patients import Patient

Subject = tuple[str, UUID]
"""What a message is about: ("photo_request.request", its id)."""

GIVE_UP_AFTER: Final = timedelta(days=2)
HELD: Final = "practice_suspended"
"""The reason for which messages of a suspended practice wait."""


def send(
    template_name: str,
    *,
    patient: Patient | None,
    channels: Sequence[Channel],
    variables: Mapping[str, object],
    key: str | None,
    subject: Subject | None = None,
    recipient: recipients.OneOff = None,
    language: str | None = None,
    give_up_after: timedelta = GIVE_UP_AFTER,
) -> list[Notification]:
    """Write a message for each channel into the current transaction; the worker hands them over.

    key: with one, the same call twice makes one message a channel, and the second call answers the first's.
    subject: what it is about; its id is the topic that pages listen to.
    recipient: a number or address for this time only; a mapping for several channels. The patient's own stays as is.
    language: None: the patient's, else the practice's.
    give_up_after: when it has not gone by then, it is dead rather than late.

    Raises NoRecipient, InvalidRecipient, UnknownTemplate, UnknownVariable, MissingVariable, MessageTooLong and
    TooManyMessages, before anything is written.
    """
    wanted = tuple(dict.fromkeys(channels))
    if not wanted:
        raise ValueError("a message needs a channel")
    if isinstance(recipient, str) and len(wanted) > 1:
        raise ValueError("give a mapping of recipients when there is more than one channel")
    known = writing.with_key(key, wanted)
    missing = tuple(channel for channel in wanted if channel not in known)
    if missing:
        addresses = {channel: recipients.resolve(channel, patient, recipient) for channel in missing}
        template = templates.find(template_name)
        texts = compose.compose(
            template_name,
            language=language or compose.language_for(patient),
            variables=variables,
            channels=missing,
        )
        flood.check(
            {str(channel): to for channel, to in addresses.items()},
            patient.id if patient is not None else None,
        )
        for channel in missing:
            row = writing.draft(channel, addresses[channel], texts)
            row.template, row.key, row.urgent = template_name, key, template.urgent
            row.patient_id = patient.id if patient is not None else None
            row.subject_kind, row.subject_id = subject or (None, None)
            row.expires_at = db.utcnow() + give_up_after
            if channel == "sms" and patient is not None and patient.email and "email" in template.channels:
                row.variables = {name: str(value) for name, value in variables.items()}
            known[channel] = writing.store(row)
    return [known[channel] for channel in wanted]


def preview(
    template_name: str,
    *,
    variables: Mapping[str, object],
    patient: Patient | None = None,
    language: str | None = None,
) -> Preview:
    """What :func:`send` would send. Raises what it raises for the texts; recipients are not looked at."""
    return compose.compose(
        template_name, language=language or compose.language_for(patient), variables=variables
    )


def get(notification_id: UUID) -> Notification | None:
    """The message of the current practice with this id."""
    return db.get(Notification, notification_id)


def about(subject_id: UUID) -> list[Notification]:
    """All messages about something, newest first."""
    return list(
        db.session().scalars(
            select(Notification)
            .where(Notification.subject_id == subject_id)
            .order_by(Notification.created_at.desc(), Notification.id.desc())
        )
    )


def for_patient(patient_id: UUID, *, limit: int = 50, offset: int = 0) -> list[Notification]:
    """The latest messages to a patient, newest first."""
    return list(
        db.session().scalars(
            select(Notification)
            .where(Notification.patient_id == patient_id)
            .order_by(Notification.created_at.desc(), Notification.id.desc())
            .limit(limit)
            .offset(offset)
        )
    )


def count_for_patient(patient_id: UUID) -> int:
    """How many messages to a patient there are."""
    query = select(func.count(Notification.id)).where(Notification.patient_id == patient_id)
    return db.session().scalar(query) or 0


def retry(notification_id: UUID) -> Notification:
    """Put a message that failed back into the queue, for a full round of tries.

    An e-mail that waits to go instead of it is taken back. Raises WrongState, ConsentMissing, TooManyMessages,
    LookupError.
    """
    row = locked(notification_id)
    if not row.can_be_retried:
        raise WrongState(_("This message cannot be sent again. Please make a new one."))
    missing = ways.unwanted(row.channel, row.patient_id) if row.patient_id is not None else None
    if missing is not None:
        raise missing
    if not failover.withdraw(row):
        raise WrongState(_("This message went by e-mail instead, so the text is not sent again."))
    flood.check({row.channel: row.recipient}, None)
    flood.note(row.channel, row.recipient)
    now = db.utcnow()
    row.due_at, row.expires_at, row.lease_until = now, now + GIVE_UP_AFTER, None
    row.attempt_limit = row.attempts + MAX_ATTEMPTS
    row.last_error = row.error_detail = row.provider_id = row.provider_state = None
    row.slot_at = row.charged_month = row.dismissed_at = None
    audit.record("notification.retried", patient_id=row.patient_id, subject=("core.notification", row.id))
    changes.enter(row, "queued")
    db.after_commit(wakeup.ring)
    return row


def cancel(notification_id: UUID) -> bool:
    """Take back a message that waits; False when it is on its way or further. Raises LookupError."""
    row = locked(notification_id)
    if row.state != "queued":
        return row.state == "cancelled"
    audit.record("notification.cancelled", patient_id=row.patient_id, subject=("core.notification", row.id))
    changes.enter(row, "cancelled")
    return True


def cancel_about(subject_id: UUID) -> int:
    """Take back every waiting message about something; how many there were."""
    waiting = [row.id for row in about(subject_id) if row.state == "queued"]
    return sum(cancel(notification_id) for notification_id in waiting)


def held_back() -> int:
    """How many messages of the current practice wait because it is suspended."""
    query = select(func.count(Notification.id)).where(Notification.state == "queued")
    return db.session().scalar(query) or 0


def let_go() -> None:
    """The current practice is taken up again: what waited for that is due now; what is too old dies and says so."""
    db.session().execute(
        update(Notification)
        .where(Notification.state == "queued", Notification.last_error == HELD)
        .values(due_at=db.utcnow(), last_error=None)
    )
    db.after_commit(wakeup.ring)


def locked(notification_id: UUID) -> Notification:
    """The message, held against the worker and the provider's callbacks until this transaction ends."""
    row = db.session().scalar(
        select(Notification)
        .where(Notification.id == notification_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise LookupError("no such message in this practice")
    return row
