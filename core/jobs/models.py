"""Jobs as rows: the queue is the database, so that a job commits with what it belongs to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.db import Base, Lease, TenantModel, Timestamps, UtcDateTime, utcnow


class JobRow(Timestamps, Lease, TenantModel):
    """One piece of work for one practice.

    state: queued, running, done (kept for a while when it has a key), dead (``last_error`` says why).
    key: at most one row of a practice has it; None: no such promise.
        The row of a recurring job has the key "every:<kind>"; it is never done, it becomes due again.
    request_id: of the request that asked for it; its log lines and audit entries carry the same.
    """

    __tablename__ = "core_job"
    __table_args__ = (UniqueConstraint("practice_id", "key", name="uq_core_job_key"),)

    kind: Mapped[str] = mapped_column(String(80))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    key: Mapped[str | None] = mapped_column(String(200), default=None)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    request_id: Mapped[str | None] = mapped_column(String(64), default=audit.request_id)


class Sweep(Base):
    """When a recurring job of the platform, one that looks at all practices at once, is next due."""

    __tablename__ = "core_sweep"

    kind: Mapped[str] = mapped_column(String(80), primary_key=True)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(500), default=None)
    last_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)
