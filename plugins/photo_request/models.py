"""Tables: a request to a patient for photos, what the patient agreed to, and the photos."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.sdk import TenantModel, Timestamps, UtcDateTime, tenant_key, utcnow

SENT: Final = "sent"
OPENED: Final = "opened"
RECEIVED: Final = "received"
COMPLETED: Final = "completed"
CANCELLED: Final = "cancelled"
EXPIRED: Final = "expired"

EXPECTED: Final = "expected"  # the patient agreed to send it, its bytes are still on the way
ARRIVED: Final = "received"  # durable; the worker has not looked at it yet
READY: Final = "ready"  # can be seen; nobody has decided about it
UNREADABLE: Final = "unreadable"  # no picture could be made of it; its place is free again
KEPT: Final = "kept"
REJECTED: Final = "rejected"

OPEN_STATES: Final = (SENT, OPENED, RECEIVED)
WAITING_STATES: Final = (SENT, OPENED)
TO_REVIEW_STATES: Final = (ARRIVED, READY)
ARRIVED_STATES: Final = (ARRIVED, READY, KEPT, REJECTED)


class Request(Timestamps, TenantModel):
    """A practice asked a patient for photos.

    ``photo_count`` and ``byte_count`` are what has arrived and could be read; they are only ever changed by one
    conditional UPDATE (see intake), which is what makes the limits hold when two uploads end at once.
    ``link_id`` is a weak reference: the core may forget old links.
    """

    __tablename__ = "photo_request_request"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        Index("ix_photo_request_request_patient", "practice_id", "patient_id", "created_at"),
        Index("ix_photo_request_request_state", "practice_id", "state", "created_at"),
        Index("ix_photo_request_request_link", "practice_id", "link_id"),
    )

    patient_id: Mapped[UUID]
    requested_by: Mapped[str] = mapped_column(String(64))
    requested_by_name: Mapped[str] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(Text, default=None)
    channels: Mapped[list[str]]
    link_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(16), default=SENT)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    closed_by_name: Mapped[str | None] = mapped_column(String(200), default=None)
    taken_by: Mapped[str | None] = mapped_column(String(64), default=None)
    taken_by_name: Mapped[str | None] = mapped_column(String(200), default=None)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    supersedes: Mapped[UUID | None] = mapped_column(default=None)
    max_photos: Mapped[int] = mapped_column(default=10)
    photo_count: Mapped[int] = mapped_column(default=0)
    byte_count: Mapped[int] = mapped_column(default=0)


class Consent(TenantModel):
    """The patient's agreement, word for word, given once for each batch of photos.

    ``announced_at`` is when the practice was told that the batch is here; until then photos may be on the way.
    """

    __tablename__ = "photo_request_consent"
    __table_args__ = (
        tenant_key("request_id", "photo_request_request"),
        Index("ix_photo_request_consent_request", "practice_id", "request_id"),
    )

    request_id: Mapped[UUID]
    wording: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(32))
    language: Mapped[str] = mapped_column(String(12))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    announced_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class Photo(Timestamps, TenantModel):
    """One photo of a request. ``uuid`` is the phone's own name for it: the same one never arrives twice."""

    __tablename__ = "photo_request_photo"
    __table_args__ = (
        tenant_key("request_id", "photo_request_request"),
        tenant_key("consent_id", "photo_request_consent"),
        UniqueConstraint("practice_id", "request_id", "uuid", name="uq_photo_request_photo_uuid"),
        Index("ix_photo_request_photo_file", "practice_id", "file_id"),
        Index("ix_photo_request_photo_state", "practice_id", "state"),
    )

    request_id: Mapped[UUID]
    consent_id: Mapped[UUID]
    uuid: Mapped[UUID]
    file_id: Mapped[UUID | None] = mapped_column(default=None)
    size: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)
    patient_comment: Mapped[str | None] = mapped_column(Text, default=None)
    state: Mapped[str] = mapped_column(String(16), default=EXPECTED)
    unreadable_reason: Mapped[str | None] = mapped_column(String(64), default=None)
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    reviewed_by: Mapped[str | None] = mapped_column(String(64), default=None)
    reviewed_by_name: Mapped[str | None] = mapped_column(String(200), default=None)
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    reject_reason: Mapped[str | None] = mapped_column(String(32), default=None)
    reject_text: Mapped[str | None] = mapped_column(Text, default=None)
    staff_comment: Mapped[str | None] = mapped_column(Text, default=None)
