"""The trail's tables: a chain of entries a practice, one for the platform, and where each chain ends.

``patient_id`` and ``subject_id`` are weak references on purpose: the trail outlives what it speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint, literal
from sqlalchemy.orm import Mapped, mapped_column

from core.db import Base, TenantModel, UtcDateTime, uuid7

FIRST_PREVIOUS_HASH = "0" * 64
SEVERAL_PATIENTS: Final = "core.patients"
"""The subject type of an entry about patients of a list: their ids are in its detail, under ``SHOWN``."""
SHOWN: Final = "shown"
PLATFORM_HEAD_ID = UUID(int=1)

# What the application's role of PostgreSQL may do here (core.db.roles): it cannot change what is written.
ONLY_ADDED: Final = {"info": {"grants": ("SELECT", "INSERT")}}
NEVER_REMOVED: Final = {"info": {"grants": ("SELECT", "INSERT", "UPDATE")}}


class ChainedEntry:
    """Mixin: the columns that every entry has, all of them covered by its hash."""

    seq: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(64))
    actor_name: Mapped[str] = mapped_column(String(160))
    action: Mapped[str] = mapped_column(String(80))
    subject_type: Mapped[str | None] = mapped_column(String(80), default=None)
    subject_id: Mapped[UUID | None] = mapped_column(default=None)
    detail: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    reason: Mapped[str | None] = mapped_column(String(400), default=None)
    request_id: Mapped[str | None] = mapped_column(String(64), default=None)
    address: Mapped[str | None] = mapped_column(String(64), default=None)
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class ChainHead:
    """Mixin: the last link of a chain. Whoever appends locks this row first, so the chain has no gap.

    seal: a keyed hash of number and hash: without the key nobody can put an earlier end in its place.
    """

    seq: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64), default=FIRST_PREVIOUS_HASH)
    seal: Mapped[str] = mapped_column(String(64), default="")


class AuditEntry(ChainedEntry, TenantModel):
    """Somebody read or changed something in a practice."""

    __tablename__ = "core_audit_entry"
    __table_args__ = (
        UniqueConstraint("practice_id", "seq"),
        Index("ix_core_audit_entry_patient", "practice_id", "patient_id", "seq"),
        Index("ix_core_audit_entry_actor", "practice_id", "actor_kind", "actor_id", "seq"),
        ONLY_ADDED,
    )

    patient_id: Mapped[UUID | None] = mapped_column(default=None)

    @property
    def shown(self) -> list[UUID]:
        """The patients of the list that this entry speaks of; empty for all other entries."""
        if self.subject_type != SEVERAL_PATIENTS:
            return []
        return [UUID(id) for id in (self.detail or {}).get(SHOWN, ())]


IS_OF_SEVERAL: Final = AuditEntry.subject_type == literal(SEVERAL_PATIENTS, literal_execute=True)
"""Written into the statement as it stands, so that SQLite sees that the index below fits."""

# Who was on a list is found by reading the practice's lists, and nothing but the lists.
Index(
    "ix_core_audit_entry_several",
    AuditEntry.practice_id,
    AuditEntry.seq,
    sqlite_where=IS_OF_SEVERAL,
    postgresql_where=IS_OF_SEVERAL,
)


class AuditHead(ChainHead, TenantModel):
    """The end of a practice's chain; its id is the practice's, so that there is one."""

    __tablename__ = "core_audit_head"
    __table_args__ = (NEVER_REMOVED,)


class PlatformAuditEntry(ChainedEntry, Base):
    """Something outside every practice: a sign-in that failed, an operator's act. It speaks of no patient."""

    __tablename__ = "core_platform_audit_entry"
    __table_args__ = (UniqueConstraint("seq"), ONLY_ADDED)

    patient_id: ClassVar[None] = None
    shown: ClassVar[Sequence[UUID]] = ()

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)


class PlatformAuditHead(ChainHead, Base):
    """The end of the platform's chain: one row, PLATFORM_HEAD_ID."""

    __tablename__ = "core_platform_audit_head"
    __table_args__ = (NEVER_REMOVED,)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=lambda: PLATFORM_HEAD_ID)
