"""The tables: a diary that a practice asked for, and one entry a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from core.sdk import TenantModel, Timestamps, UtcDateTime, tenant_key
from sqlalchemy import Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

RUNNING: Final = "running"
ENDED: Final = "ended"
STOPPED: Final = "stopped"


class Diary(Timestamps, TenantModel):
    """A patient keeps a diary for some days.

    scales: names of ``scales.SCALES``, and "note". thresholds: scale -> the value (as text) at which the practice is
    told. hour: of the practice's clock, when the patient is reminded. last_day: the last day with an entry to make.
    """

    __tablename__ = "symptom_diary_diary"
    __table_args__ = (
        tenant_key("patient_id", "core_patient"),
        Index("ix_symptom_diary_diary_patient", "practice_id", "patient_id", "created_at"),
    )

    patient_id: Mapped[UUID]
    started_by_name: Mapped[str] = mapped_column(String(200))
    note: Mapped[str | None] = mapped_column(Text, default=None)
    scales: Mapped[list[str]]
    thresholds: Mapped[dict[str, Any]] = mapped_column(default=dict)
    channel: Mapped[str] = mapped_column(String(8))
    hour: Mapped[int]
    first_day: Mapped[date]
    last_day: Mapped[date]
    state: Mapped[str] = mapped_column(String(16), default=RUNNING)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


class Entry(Timestamps, TenantModel):
    """What the patient wrote for one day. ``readings``: scale -> value as text; ``alerts``: those at a threshold."""

    __tablename__ = "symptom_diary_entry"
    __table_args__ = (
        tenant_key("diary_id", "symptom_diary_diary"),
        UniqueConstraint("practice_id", "diary_id", "on_day", name="uq_symptom_diary_entry_day"),
    )

    diary_id: Mapped[UUID]
    on_day: Mapped[date]
    readings: Mapped[dict[str, Any]]
    note: Mapped[str | None] = mapped_column(Text, default=None)
    alerts: Mapped[list[str]] = mapped_column(default=list)
