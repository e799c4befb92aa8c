"""Exports and erasures that were asked for, and what stands where a plugin's data was."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from core.db import TenantModel, Timestamps, UtcDateTime, tenant_key

QUEUED: Final = "queued"
RUNNING: Final = "running"
FAILED: Final = "failed"
READY: Final = "ready"
EXPIRED: Final = "expired"
DONE: Final = "done"

_NEVER_REMOVED: Final = {"info": {"grants": ("SELECT", "INSERT", "UPDATE")}}


class PatientExport(Timestamps, TenantModel):
    """Everything about one patient as a ZIP, made by the worker, to be fetched for a limited time.

    state: queued, running, ready (until ``expires_at``), failed (``failed_owner`` says at whose part), expired.
    blob: encrypted in the file store. bytes_total is an estimate until the archive is there.
    """

    __tablename__ = "core_patient_export"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        Index("ix_core_patient_export_patient", "practice_id", "patient_id", "created_at"),
        Index("ix_core_patient_export_expiry", "state", "expires_at"),
    )

    patient_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(12), default=QUEUED)
    language: Mapped[str] = mapped_column(String(12))
    requested_by: Mapped[str] = mapped_column(String(64))
    requested_by_name: Mapped[str] = mapped_column(String(160))
    bytes_done: Mapped[int] = mapped_column(BigInteger, default=0)
    bytes_total: Mapped[int] = mapped_column(BigInteger, default=0)
    blob: Mapped[str | None] = mapped_column(String(120), default=None)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    downloads: Mapped[int] = mapped_column(default=0)
    failed_owner: Mapped[str | None] = mapped_column(String(60), default=None)
    error: Mapped[str | None] = mapped_column(String(200), default=None)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)

    def note_progress(self, done: int, total: int) -> None:
        """So many bytes of about so many are written."""
        self.bytes_done, self.bytes_total = done, total


class PracticeExport(Timestamps, TenantModel):
    """Everything of a practice as a ZIP, made by the worker, to be fetched by its administrators for a limited time.

    As a PatientExport. parts: tables and files, counted when it began. missing: files that the store had lost.
    """

    __tablename__ = "core_practice_export"
    __table_args__ = (Index("ix_core_practice_export_expiry", "state", "expires_at"),)

    state: Mapped[str] = mapped_column(String(12), default=QUEUED)
    requested_by: Mapped[str] = mapped_column(String(64))
    requested_by_name: Mapped[str] = mapped_column(String(160))
    parts_done: Mapped[int] = mapped_column(default=0)
    parts_total: Mapped[int] = mapped_column(default=0)
    missing: Mapped[int] = mapped_column(default=0)
    blob: Mapped[str | None] = mapped_column(String(120), default=None)
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    sha256: Mapped[str | None] = mapped_column(String(64), default=None)
    downloads: Mapped[int] = mapped_column(default=0)
    failed_owner: Mapped[str | None] = mapped_column(String(60), default=None)
    error: Mapped[str | None] = mapped_column(String(200), default=None)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)

    def note_progress(self, done: int, total: int) -> None:
        """So many tables and files of so many are written."""
        self.parts_done, self.parts_total = done, total


class PatientErasure(Timestamps, TenantModel):
    """That a patient's data was to go, and what became of it. It outlives the patient and holds no name.

    state: queued, running, failed (nothing has gone then; ``failed_owner`` says why), done.
    outcome: "removed", "anonymised" or "reduced" (the identity had to stay). report: what went and what stays, by
    owner, in the practice's language.
    """

    __tablename__ = "core_patient_erasure"
    __table_args__ = (
        Index("ix_core_patient_erasure_patient", "practice_id", "patient_id", "created_at"),
        _NEVER_REMOVED,
    )

    patient_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(12), default=QUEUED)
    requested_by: Mapped[str] = mapped_column(String(64))
    requested_by_name: Mapped[str] = mapped_column(String(160))
    report: Mapped[dict[str, Any]] = mapped_column(default=dict)
    outcome: Mapped[str | None] = mapped_column(String(12), default=None)
    failed_owner: Mapped[str | None] = mapped_column(String(60), default=None)
    error: Mapped[str | None] = mapped_column(String(200), default=None)
    tries: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class PluginTombstone(Timestamps, TenantModel):
    """A practice's data of a plugin was exported and removed. While the state is "open" the plugin stays off here.

    counts: table -> rows that were exported. export_name, export_sha256, export_size: of the archive that was written.
    """

    __tablename__ = "core_plugin_tombstone"
    __table_args__ = (
        Index("ix_core_plugin_tombstone_plugin", "practice_id", "plugin", "state"),
        _NEVER_REMOVED,
    )

    plugin: Mapped[str] = mapped_column(String(60))
    version: Mapped[str | None] = mapped_column(String(40), default=None)
    state: Mapped[str] = mapped_column(String(12), default="open")
    removed_by: Mapped[str] = mapped_column(String(160))
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    export_name: Mapped[str] = mapped_column(String(200))
    export_sha256: Mapped[str] = mapped_column(String(64))
    export_size: Mapped[int] = mapped_column(BigInteger)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
