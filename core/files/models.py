"""Tables of files: what was received, its pictures, uploads under way, and the practice's data keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import TenantModel, Timestamps, UtcDateTime, tenant_key, utcnow

ORIGINAL: Final = "original"


class File(Timestamps, TenantModel):
    """A photo that was received. Its original bytes are kept only until the renditions exist.

    state: "received" (durable, waiting for the worker), "ready" (renditions exist), "rejected" (see
    reject_reason, a key of errors.REASONS).
    """

    __tablename__ = "core_file"
    __table_args__ = (
        Index("ix_core_file_patient", "practice_id", "patient_id"),
        Index("ix_core_file_original_blob", "original_blob"),
    )

    owner: Mapped[str] = mapped_column(String(60))
    patient_id: Mapped[UUID | None] = mapped_column(default=None)  # weak: a file outlives a merge of patients
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="received", index=True)
    reject_reason: Mapped[str | None] = mapped_column(String(40), default=None)
    width: Mapped[int] = mapped_column()
    height: Mapped[int] = mapped_column()
    original_blob: Mapped[str | None] = mapped_column(String(120), default=None)


class Rendition(TenantModel):
    """A clean picture made from a file: "large" (longest side at most 2016 px) or "thumb" (320 px)."""

    __tablename__ = "core_file_rendition"
    __table_args__ = (
        tenant_key("file_id", "core_file"),
        UniqueConstraint("practice_id", "file_id", "name"),
        Index("ix_core_file_rendition_blob", "blob"),
    )

    file_id: Mapped[UUID] = mapped_column()
    name: Mapped[str] = mapped_column(String(20))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int] = mapped_column()
    height: Mapped[int] = mapped_column()
    blob: Mapped[str] = mapped_column(String(120))


class Upload(Timestamps, TenantModel):
    """A resumable upload; its id is given by the client, so that a repeated creation finds the first one.

    subject_id: what it is for (a request); an upload is invisible under any other subject.
    received: bytes that are durable. state: "open", "finished" (file_id says which) or "refused" (reason).
    """

    __tablename__ = "core_upload"
    __table_args__ = (Index("ix_core_upload_subject", "practice_id", "owner", "subject_id"),)

    owner: Mapped[str] = mapped_column(String(60))
    subject_id: Mapped[UUID] = mapped_column()
    patient_id: Mapped[UUID | None] = mapped_column(default=None)
    name: Mapped[str] = mapped_column(String(120))
    declared_type: Mapped[str] = mapped_column(String(120))
    # The client's own key-values apart from the name and the type, for the plugin to read when it is finished.
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    length: Mapped[int] = mapped_column(BigInteger)
    received: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[str] = mapped_column(String(16), default="open")
    reason: Mapped[str | None] = mapped_column(String(40), default=None)
    refusal: Mapped[str | None] = mapped_column(String(500), default=None)
    file_id: Mapped[UUID | None] = mapped_column(default=None)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class UploadPart(TenantModel):
    """A run of an upload's bytes that is durable in the store."""

    __tablename__ = "core_upload_part"
    __table_args__ = (
        tenant_key("upload_id", "core_upload"),
        UniqueConstraint("practice_id", "upload_id", "start"),
        Index("ix_core_upload_part_blob", "blob"),
    )

    upload_id: Mapped[UUID] = mapped_column()
    start: Mapped[int] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)
    blob: Mapped[str] = mapped_column(String(120))


class DataKey(TenantModel):
    """A practice's key for its blobs, wrapped by the master key. The highest generation is for writing."""

    __tablename__ = "core_data_key"
    __table_args__ = (UniqueConstraint("practice_id", "generation"),)

    generation: Mapped[int] = mapped_column()
    wrapped: Mapped[bytes] = mapped_column(LargeBinary(80))
    # Which master key wrapped it (a fingerprint), so that a change of the master key can go key by key.
    master_key: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
