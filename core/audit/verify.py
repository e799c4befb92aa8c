"""Walking a chain: has anybody changed, removed, moved or forged an entry?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, cast
from uuid import UUID

from sqlalchemy import select

from core import db
from core.audit.chain import Entry, Head, digest, head_seal, is_sealed_by_us
from core.audit.models import (
    FIRST_PREVIOUS_HASH,
    PLATFORM_HEAD_ID,
    AuditEntry,
    AuditHead,
    PlatformAuditEntry,
    PlatformAuditHead,
)

Fault = Literal["missing", "changed", "relinked", "cut", "forged"]
_BATCH = 500


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """intact, or the first entry that is wrong and how.

    missing: its number is not there. changed: its hash is not that of its content. relinked: it does not follow
    the one before. cut: the chain ends before its head, or its head is not one that we wrote. forged: there are
    entries after the head.
    """

    intact: bool
    entries: int
    first_bad_seq: int | None = None
    fault: Fault | None = None

    def __str__(self) -> str:
        if self.intact:
            return f"intact: {self.entries} entries"
        return f"NOT intact: entry {self.first_bad_seq} is {self.fault}, after {self.entries} good ones"


def verify(practice_id: UUID) -> VerifyResult:
    """Check the whole chain of a practice, in a read-only scope of its own."""
    with db.scope(practice_id, write=False):
        return _walk(AuditEntry, AuditHead, practice_id)


def verify_platform() -> VerifyResult:
    """Check the platform's chain, in a read-only scope of its own."""
    with db.scope(write=False):
        return _walk(PlatformAuditEntry, PlatformAuditHead, PLATFORM_HEAD_ID)


def _walk(entry_type: type[Entry], head_type: type[Head], head_id: UUID) -> VerifyResult:
    end, end_hash, sealed = _head(head_type, head_id)
    seq, previous = 0, FIRST_PREVIOUS_HASH
    while batch := _after(entry_type, seq):
        for entry in batch:
            if entry.seq != seq + 1:
                return VerifyResult(False, seq, seq + 1, "missing")
            if not is_sealed_by_us(entry.hash, partial(digest, entry)):
                return VerifyResult(False, seq, entry.seq, "changed")
            if entry.prev_hash != previous:
                return VerifyResult(False, seq, entry.seq, "relinked")
            seq, previous = entry.seq, entry.hash
            if seq == end and previous != end_hash:
                return VerifyResult(False, seq - 1, seq, "relinked")
        db.session().expunge_all()
    if seq < end:
        return VerifyResult(False, seq, seq + 1, "cut")
    # Entries may have been added while we walked; then the head has moved with them.
    latest, _hash, _sealed = _head(head_type, head_id)
    if seq > latest:
        return VerifyResult(False, latest, latest + 1, "forged")
    if not sealed:
        return VerifyResult(False, seq, seq + 1, "cut")
    return VerifyResult(True, seq)


def _after(entry_type: type[Entry], seq: int) -> Sequence[Entry]:
    query = select(entry_type).where(entry_type.seq > seq).order_by(entry_type.seq).limit(_BATCH)
    return cast("Sequence[Entry]", db.session().scalars(query).all())


def _head(head_type: type[Head], head_id: UUID) -> tuple[int, str, bool]:
    """Number and hash of the chain's end, and whether its seal is ours."""
    query = select(head_type.seq, head_type.hash, head_type.seal).where(head_type.id == head_id)
    found = db.session().execute(query).one_or_none()
    if found is None:
        return 0, FIRST_PREVIOUS_HASH, True
    return (
        found.seq,
        found.hash,
        is_sealed_by_us(found.seal, partial(head_seal, head_id, found.seq, found.hash)),
    )
