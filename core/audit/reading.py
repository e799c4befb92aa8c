"""Reading the trail: newest first and page by page for people, oldest first and to the end for an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CompoundSelect, Select, String, cast, select, union_all

from core import db
from core.audit.context import ActorKind
from core.audit.models import IS_OF_SEVERAL, AuditEntry

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries; None or "": whatever. since, until: UTC, the second not included.

    patient_id: what names this patient, alone or in a list.
    action: a whole action ("patient.viewed") or what it begins with, up to a dot ("patient").
    """

    patient_id: UUID | None = None
    actor_kind: ActorKind | None = None
    actor_id: str | None = None
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def apply(self, query: Select[AuditEntry]) -> Select[AuditEntry]:
        """The query with these conditions."""
        if self.patient_id is not None:
            query = query.where(AuditEntry.id.in_(_about(self.patient_id)))
        if self.actor_kind is not None:
            query = query.where(AuditEntry.actor_kind == self.actor_kind)
        if self.actor_id is not None:
            query = query.where(AuditEntry.actor_id == self.actor_id)
        if self.action:
            begins = AuditEntry.action.startswith(f"{self.action}.", autoescape=True)
            query = query.where((AuditEntry.action == self.action) | begins)
        if self.since is not None:
            query = query.where(AuditEntry.at >= self.since)
        if self.until is not None:
            query = query.where(AuditEntry.at < self.until)
        return query


def _about(patient_id: UUID) -> CompoundSelect[UUID]:
    """Two searches, so that each has its index: entries about the patient, and lists that the patient was on."""
    own = select(AuditEntry.id).where(AuditEntry.patient_id == patient_id)
    on_a_list = cast(AuditEntry.detail, String).contains(str(patient_id))
    return union_all(own, select(AuditEntry.id).where(IS_OF_SEVERAL, on_a_list))


def history(
    *,
    patient_id: UUID | None = None,
    actor_id: str | None = None,
    before_seq: int | None = None,
    limit: int = 50,
    chosen: Filter | None = None,
) -> Sequence[AuditEntry]:
    """Entries of the current practice, newest first. The next page starts before the last one's ``seq``."""
    chosen = chosen or Filter(patient_id=patient_id, actor_id=actor_id)
    query = chosen.apply(select(AuditEntry)).order_by(AuditEntry.seq.desc()).limit(limit)
    if before_seq is not None:
        query = query.where(AuditEntry.seq < before_seq)
    return db.session().scalars(query).all()


def every(practice_id: UUID, chosen: Filter) -> Iterator[AuditEntry]:
    """All entries of a practice that fit, oldest first, read in batches with a scope of its own each.

    So an export of years holds neither a transaction nor memory. What is added meanwhile may come at the end.
    """
    seq = 0
    while True:
        with db.scope(practice_id, write=False) as session:
            query = chosen.apply(select(AuditEntry)).where(AuditEntry.seq > seq)
            batch = session.scalars(query.order_by(AuditEntry.seq).limit(_BATCH)).all()
            session.expunge_all()
        if not batch:
            return
        yield from batch
        seq = batch[-1].seq
