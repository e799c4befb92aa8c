"""Messages that wait, were sent or could not be; a practice's own wording; what hangs under the bell."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import JSON, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.db import Base, Lease, TenantModel, Timestamps, UtcDateTime, tenant_key, utcnow, uuid7
from core.notifications.masking import MASK

Channel = Literal["sms", "email"]
CHANNELS: Final[tuple[Channel, ...]] = ("sms", "email")

State = Literal["queued", "sending", "sent", "delivered", "failed", "dead", "cancelled"]

MAX_ATTEMPTS: Final = 30
"""With the waits of ``delivery`` (5 s, doubling, at most an hour) a provider may be away for most of a day."""


def _asking() -> str | None:
    who = audit.actor()
    return who.id[:64] if who.kind == "staff" else None


class Notification(Timestamps, Lease, TenantModel):
    """One message to one person by one channel. The row is the queue: it commits with what it tells of.

    state: queued (waiting, for the first time or for another try: then ``last_error`` says why), sending, sent (the
        provider took it), delivered, failed (the provider took it and later said that it did not arrive), dead
        (given up), cancelled.
    last_error: a code of ``reasons``; ``error_detail`` the provider's own number, for support. Neither names anybody.
    attempts: every handing over counts, and a retry by a person does not reset it: it numbers them for the provider's
        callbacks. ``attempt_limit`` is where this round ends.
    expires_at: of no use after this moment; it is then dead rather than late.
    body: plain text as it is sent. When nobody will send it again (``masked_at``) links in it are made unreadable: a
        link is a key, and the database keeps no keys.
    subject_kind, subject_id: what it is about, ("photo_request.request", id).
    key: at most one message of a practice and channel has it.
    urgent: waits for neither quiet hours nor its turn.
    slot_at: when its turn is, once the practice's throttle has given it one.
    charged_month: the month ("2026-11") whose budget its segments are counted in while it is being handed over.
    failover_of: the text that this e-mail goes instead of (a weak reference); a text has at most one.
    variables: what a template was filled with, kept for the failover; gone when the text is masked.
    dismissed_at: a person has taken it off the list of messages that did not arrive.
    request_id: of the request that asked for it; the worker logs with the same.
    requested_by: the user's id of the member of staff who asked for it, as text; None: nobody of the staff did.
    link_hash: of the patient's link in it, as the link keeps it: whoever opens that link has got this message.
    """

    __tablename__ = "core_notification"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        UniqueConstraint("practice_id", "channel", "key", name="uq_core_notification_key"),
        Index("ix_core_notification_subject", "practice_id", "subject_id"),
        Index("ix_core_notification_patient", "practice_id", "patient_id"),
        Index("ix_core_notification_provider", "provider_id"),
        Index("ix_core_notification_trouble", "practice_id", "state", "created_at"),
        UniqueConstraint("practice_id", "failover_of", name="uq_core_notification_failover"),
    )

    patient_id: Mapped[UUID | None] = mapped_column(default=None)
    channel: Mapped[str] = mapped_column(String(8))
    template: Mapped[str] = mapped_column(String(80))
    recipient: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str | None] = mapped_column(String(300), default=None)
    body: Mapped[str] = mapped_column(Text)
    html: Mapped[str | None] = mapped_column(Text, default=None)
    encoding: Mapped[str | None] = mapped_column(String(8), default=None)
    segments: Mapped[int | None] = mapped_column(default=None)
    key: Mapped[str | None] = mapped_column(String(200), default=None)
    subject_kind: Mapped[str | None] = mapped_column(String(80), default=None)
    subject_id: Mapped[UUID | None] = mapped_column(default=None)

    attempt_limit: Mapped[int] = mapped_column(default=MAX_ATTEMPTS)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    provider: Mapped[str | None] = mapped_column(String(16), default=None)
    provider_id: Mapped[str | None] = mapped_column(String(200), default=None)
    provider_state: Mapped[str | None] = mapped_column(String(16), default=None)
    error_detail: Mapped[str | None] = mapped_column(String(80), default=None)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    masked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)

    urgent: Mapped[bool] = mapped_column(default=False)
    slot_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    charged_month: Mapped[str | None] = mapped_column(String(7), default=None)
    failover_of: Mapped[UUID | None] = mapped_column(default=None)
    variables: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), default=None)
    dismissed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    request_id: Mapped[str | None] = mapped_column(String(64), default=audit.request_id)
    requested_by: Mapped[str | None] = mapped_column(String(64), default=_asking)
    link_hash: Mapped[str | None] = mapped_column(String(64), default=None)

    @property
    def owner(self) -> str:
        """The plugin whose template this is, or "core"."""
        return self.template.partition(".")[0]

    @property
    def subject_owner(self) -> str | None:
        """The owner of what it is about: "photo_request" for ("photo_request.request", id)."""
        return self.subject_kind.partition(".")[0] if self.subject_kind else None

    @property
    def is_waiting(self) -> bool:
        """Still to be handed over, now or later."""
        return self.state in ("queued", "sending")

    @property
    def can_be_retried(self) -> bool:
        return self.state in ("failed", "dead", "cancelled") and not self.is_masked

    @property
    def is_masked(self) -> bool:
        """Its links were made unreadable, so that it cannot be sent again: make a new one."""
        return MASK in self.body


class MessageMeter(TenantModel):
    """What a practice has handed over by a channel: one row each, locked by whoever hands the next one over.

    next_at: the throttle's clock, the moment at which its bucket is full again; None: it is.
    month, segments: of the budget, in the practice's own calendar.
    """

    __tablename__ = "core_message_meter"
    __table_args__ = (UniqueConstraint("practice_id", "channel", name="uq_core_message_meter"),)

    channel: Mapped[str] = mapped_column(String(8))
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    month: Mapped[str] = mapped_column(String(7), default="")
    segments: Mapped[int] = mapped_column(default=0)


class RecipientLog(Base):
    """That a number or address was written to, by any practice: it is known here by its keyed hash alone."""

    __tablename__ = "core_recipient_log"
    __table_args__ = (Index("ix_core_recipient_log_hash", "recipient_hash", "at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    recipient_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)


class TemplateOverride(Timestamps, TenantModel):
    """A practice's own wording of a template in a language; a part that is None keeps the standard text."""

    __tablename__ = "core_template_override"
    __table_args__ = (
        UniqueConstraint("practice_id", "template", "language", name="uq_core_template_override"),
    )

    template: Mapped[str] = mapped_column(String(80))
    language: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str | None] = mapped_column(String(300), default=None)
    text: Mapped[str | None] = mapped_column(Text, default=None)
    sms: Mapped[str | None] = mapped_column(Text, default=None)


class InboxItem(TenantModel):
    """Something that the practice's staff should know. Kept as message and values: each reads it in their language.

    permission: who may see it; ``owner``: the plugin it comes from, and with which it disappears. patient_id: whom it
    names, if it names a patient: who reads it is then on the trail.
    """

    __tablename__ = "core_inbox_item"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        Index("ix_core_inbox_item_at", "practice_id", "created_at"),
        UniqueConstraint("practice_id", "key", name="uq_core_inbox_item_key"),
    )

    owner: Mapped[str] = mapped_column(String(40))
    permission: Mapped[str] = mapped_column(String(80))
    icon: Mapped[str] = mapped_column(String(40), default="bell")
    title: Mapped[str] = mapped_column(String(300))
    title_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    body: Mapped[str | None] = mapped_column(String(500), default=None)
    body_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    url: Mapped[str] = mapped_column(String(500))
    subject_kind: Mapped[str | None] = mapped_column(String(80), default=None)
    subject_id: Mapped[UUID | None] = mapped_column(default=None)
    key: Mapped[str | None] = mapped_column(String(200), default=None)
    patient_id: Mapped[UUID | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class InboxRead(TenantModel):
    """A user has read an item."""

    __tablename__ = "core_inbox_read"
    __table_args__ = (
        tenant_key("item_id", "core_inbox_item"),
        UniqueConstraint("practice_id", "item_id", "user_id", name="uq_core_inbox_read"),
    )

    item_id: Mapped[UUID] = mapped_column()
    user_id: Mapped[int] = mapped_column()
    read_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class PlatformMail(Base):
    """An e-mail that no practice writes: to an operator who works in none. It waits until the mail server takes it.

    state: queued, sent, dead (given up: ``last_error`` says why). The text goes when it has been sent.
    """

    __tablename__ = "core_platform_mail"
    __table_args__ = (Index("ix_core_platform_mail_due", "state", "due_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    recipient: Mapped[str] = mapped_column(String(254))
    template: Mapped[str] = mapped_column(String(80))
    language: Mapped[str] = mapped_column(String(12))
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16), default="queued")
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(80), default=None)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
