"""The table of links."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import TenantModel, Timestamps, UtcDateTime, tenant_key


class Link(Timestamps, TenantModel):
    """What a patient was sent to do something. The token itself is only in the message; here is its SHA-256.

    purpose: "photo_request.photos"; its first part owns the link. subject_id: what it is about, a weak reference.
    generation: signed into the cookie of those who passed the check; raising it shows them all out.
    """

    __tablename__ = "core_link"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        Index("ix_core_link_subject", "practice_id", "subject_id"),
        Index("ix_core_link_patient", "practice_id", "patient_id"),
    )

    purpose: Mapped[str] = mapped_column(String(80))
    patient_id: Mapped[UUID]
    subject_id: Mapped[UUID]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failed_tries: Mapped[int] = mapped_column(default=0)
    generation: Mapped[int] = mapped_column(default=1)
    locked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
