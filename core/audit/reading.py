"""Reading the trail, newest first, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from core import db
from core.audit.models import AuditEntry


def history(
    *,
    patient_id: UUID | None = None,
    actor_id: str | None = None,
    before_seq: int | None = None,
    limit: int = 50,
) -> Sequence[AuditEntry]:
    """Entries of the current practice, newest first. The next page starts before the last one's ``seq``."""
    query = select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(limit)
    if patient_id is not None:
        query = query.where(AuditEntry.patient_id == patient_id)
    if actor_id is not None:
        query = query.where(AuditEntry.actor_id == actor_id)
    if before_seq is not None:
        query = query.where(AuditEntry.seq < before_seq)
    return db.session().scalars(query).all()
