"""Reading the trail: newest first and page by page for people, oldest first and to the end for an export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, Select, String, cast, func, select, union_all

from core import db
from core.audit.chain import Entry
from core.audit.context import ActorKind
from core.audit.models import IS_OF_SEVERAL, AuditEntry, PlatformAuditEntry

_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries; None or "": whatever. since, until: UTC, the second not included.

    patient_id: what names this patient, alone or in a list.
    subject_id: beside actor_id: what was done to this counts as well, such as a sign-in to an account that failed.
    action: a whole action ("patient.viewed") or what it begins with, up to a dot ("patient").
    """

    patient_id: UUID | None = None
    actor_kind: ActorKind | None = None
    actor_id: str | None = None
    subject_id: UUID | None = None
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def apply(self, query: Select[Any], of: type[Entry] = AuditEntry) -> Select[Any]:
        """The query over a trail with these conditions. The platform's names no patient."""
        if self.patient_id is not None:
            query = query.where(AuditEntry.id.in_(_about(self.patient_id)))
        if self.actor_kind is not None:
            query = query.where(of.actor_kind == self.actor_kind)
        if self.actor_id is not None:
            query = query.where(self._by(self.actor_id, of))
        if self.action:
            begins = of.action.startswith(f"{self.action}.", autoescape=True)
            query = query.where((of.action == self.action) | begins)
        if self.since is not None:
            query = query.where(of.at >= self.since)
        if self.until is not None:
            query = query.where(of.at < self.until)
        return query

    def _by(self, actor_id: str, of: type[Entry]) -> ColumnElement[bool]:
        own = of.actor_id == actor_id
        return own if self.subject_id is None else own | (of.subject_id == self.subject_id)


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


def staff_who_acted() -> dict[str, str]:
    """Everybody of the staff who is on the current practice's trail: the actor's id, and the name they had last.

    It goes from one actor to the next by the index: as many steps as people, however long the trail is.
    """
    here = (AuditEntry.practice_id == db.practice_id(), AuditEntry.actor_kind == "staff")
    seen = select(func.min(AuditEntry.actor_id).label("id")).where(*here).cte("seen", recursive=True)
    following = select(func.min(AuditEntry.actor_id)).where(*here, AuditEntry.actor_id > seen.c.id)
    seen = seen.union_all(select(following.scalar_subquery()).where(seen.c.id.is_not(None)))
    named = select(AuditEntry.actor_name).where(*here, AuditEntry.actor_id == seen.c.id)
    last = named.order_by(AuditEntry.seq.desc()).limit(1).scalar_subquery()
    rows = db.session().execute(select(seen.c.id, last).where(seen.c.id.is_not(None)))
    return {row[0]: row[1] for row in rows}


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


def platform_history(
    chosen: Filter, *, before_seq: int | None = None, limit: int = 50
) -> Sequence[PlatformAuditEntry]:
    """Entries of the platform, newest first; pages as of :func:`history`."""
    query = chosen.apply(select(PlatformAuditEntry), PlatformAuditEntry)
    query = query.order_by(PlatformAuditEntry.seq.desc()).limit(limit)
    if before_seq is not None:
        query = query.where(PlatformAuditEntry.seq < before_seq)
    return db.session().scalars(query).all()


def every_of_platform(chosen: Filter) -> Iterator[PlatformAuditEntry]:
    """All entries of the platform that fit, oldest first, in batches as :func:`every` reads them."""
    seq = 0
    while True:
        with db.scope(write=False) as session:
            query = chosen.apply(select(PlatformAuditEntry), PlatformAuditEntry)
            query = query.where(PlatformAuditEntry.seq > seq).order_by(PlatformAuditEntry.seq).limit(_BATCH)
            batch = session.scalars(query).all()
            session.expunge_all()
        if not batch:
            return
        yield from batch
        seq = batch[-1].seq
