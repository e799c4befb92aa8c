"""What went wrong with a plugin in a practice, for its admin to see."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db import TenantModel, UtcDateTime


class PluginFault(TenantModel):
    """One way in which a plugin fails: where, how, how often, and the log entry of the newest time.

    Names and places in code only: an exception's text may quote a patient.
    """

    __tablename__ = "core_plugin_fault"
    __table_args__ = (Index("ix_core_plugin_fault_plugin", "practice_id", "plugin", "at"),)

    plugin: Mapped[str] = mapped_column(String(64))
    surface: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(16))
    error: Mapped[str] = mapped_column(String(120), default="")
    place: Mapped[str] = mapped_column(String(200), default="")
    count: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime] = mapped_column(UtcDateTime)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reference: Mapped[str] = mapped_column(String(16))
    request_id: Mapped[str | None] = mapped_column(String(64), default=None)


class PluginPause(TenantModel):
    """The newest pause of a plugin that kept failing. ended_at: it was well again, or an admin ended it."""

    __tablename__ = "core_plugin_pause"
    __table_args__ = (UniqueConstraint("practice_id", "plugin"),)

    plugin: Mapped[str] = mapped_column(String(64))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)
    reference: Mapped[str] = mapped_column(String(16))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
