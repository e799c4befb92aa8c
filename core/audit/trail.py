"""Writing the trail: entries wait in the transaction and are hung onto the chain just before it commits.

In a scope that may write, an entry lives and dies with the change it speaks of. A read-only scope cannot write:
its entries are written in a transaction of their own, by :func:`flush_pending` before the answer leaves or, at the
latest, when the scope commits. When that fails, the scope fails: nothing is shown that was not noted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from functools import partial
from typing import Any
from uuid import UUID

from core import db
from core.audit.chain import append
from core.audit.context import actor, concerned, listed, named, named_so_far, origin
from core.audit.errors import UnfitDetail
from core.audit.models import (
    PLATFORM_HEAD_ID,
    SEVERAL_PATIENTS,
    SHOWN,
    AuditEntry,
    AuditHead,
    PlatformAuditEntry,
    PlatformAuditHead,
)

_DETAIL_LIMIT = 4000  # characters of JSON: a few facts, never a document
_PRACTICE, _PLATFORM = "audit", "audit.platform"
MOST_SHOWN = 80  # patients whom one entry names; a longer list takes several


def record(
    action: str,
    *,
    patient_id: UUID | None = None,
    subject: tuple[str, UUID | None] | None = None,
    detail: dict[str, Any] | None = None,
    reason: str | None = None,
    shown: Collection[UUID] | None = None,
) -> None:
    """Note that the current actor did ``action`` ("patient.viewed") in the current practice.

    detail: plain JSON facts (UUIDs become text), no free text of patients. reason: why, where somebody was asked.
    shown: instead of a subject, the patients of a list or a search, at most MOST_SHOWN: each of them is found by it.
    Raises db.NoPractice, UnfitDetail.
    """
    practice_id = db.practice_id()
    if shown:
        if subject is not None or len(shown) > MOST_SHOWN:
            raise UnfitDetail(f"an entry about a list has no subject and names at most {MOST_SHOWN} patients")
        subject = (SEVERAL_PATIENTS, None)
        detail = {**(detail or {}), SHOWN: list(shown)}
    entry = AuditEntry(
        practice_id=practice_id, patient_id=patient_id, **_facts(action, subject, detail, reason)
    )
    _wait(_PRACTICE, entry, _write_practice, order=10)
    if patient_id is not None:
        named(patient_id)


def record_platform(
    action: str, *, subject: tuple[str, UUID] | None = None, detail: dict[str, Any] | None = None
) -> None:
    """Note something outside every practice, such as a sign-in that failed. Raises UnfitDetail."""
    entry = PlatformAuditEntry(**_facts(action, subject, detail, None))
    # Before the practice's head (10) and the events' (20): one order of locks everywhere, so no deadlock.
    _wait(_PLATFORM, entry, _write_platform, order=5)


def _wait(
    name: str, entry: AuditEntry | PlatformAuditEntry, write: Callable[[], None], *, order: int
) -> None:
    waiting = db.pending(name)
    if not waiting:
        # A new hook object each time: what a later hook of the same commit notes is written too.
        db.before_commit(partial(write), order=order)
    waiting.append(entry)


def _facts(
    action: str, subject: tuple[str, UUID | None] | None, detail: dict[str, Any] | None, reason: str | None
) -> dict[str, Any]:
    who, where = actor(), origin()
    return {
        "id": db.uuid7(),
        "at": db.utcnow(),
        "actor_kind": who.kind,
        "actor_id": who.id[:64],
        "actor_name": who.name[:160],
        "action": action,
        "subject_type": subject[0] if subject else None,
        "subject_id": subject[1] if subject else None,
        "detail": _as_json(detail),
        "reason": reason,
        "request_id": where.request_id,
        "address": where.address,
    }


def _as_json(detail: dict[str, Any] | None) -> dict[str, Any] | None:
    """The detail as the database will give it back, so that its hash is the same before and after."""
    if detail is None:
        return None

    def text_of(value: object) -> str:
        if isinstance(value, UUID):
            return str(value)
        raise UnfitDetail(f"{type(value).__name__} is not plain JSON")

    try:
        text = json.dumps(detail, default=text_of, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UnfitDetail(str(error)) from error
    if len(text) > _DETAIL_LIMIT:
        raise UnfitDetail(f"the detail of an audit entry has at most {_DETAIL_LIMIT} characters")
    plain: dict[str, Any] = json.loads(text)
    return plain


def pending() -> list[AuditEntry]:
    """The practice's entries that wait in the current scope, oldest first."""
    return list(db.pending(_PRACTICE))


def unnamed() -> frozenset[UUID]:
    """The patients whom this request concerns and whom no entry of it names.

    In a scope its waiting entries count, since a savepoint may have taken others back; after it, whatever was noted.
    """
    held = {entry.patient_id for entry in pending()} if db.in_scope() else named_so_far()
    return concerned() - held


def unlisted() -> list[tuple[UUID, ...]]:
    """The patients whom lists of this request showed and whom no entry of it names, in portions of an entry each."""
    held = {entry.patient_id for entry in pending()} if db.in_scope() else named_so_far()
    rest = sorted(listed() - held)
    return [tuple(rest[at : at + MOST_SHOWN]) for at in range(0, len(rest), MOST_SHOWN)]


def flush_pending() -> None:
    """Write now what a read-only scope has noted; in a writing scope the commit does it, so nothing happens here.

    For the edge, before an answer leaves. Ends the scope's read transaction first, so that a request never holds
    two connections. Raises whatever the database raises: the request must then fail.
    """
    if db.is_write():
        return
    waiting, platform = _take(_PRACTICE), _take(_PLATFORM)
    db.session().commit()
    _write_apart(waiting, platform)


def _take(name: str) -> list[Any]:
    entries = list(db.pending(name))
    db.pending(name).clear()
    return entries


def _write_practice() -> None:
    entries = _take(_PRACTICE)
    if not db.is_write():
        _write_apart(entries, [])
    elif entries:
        append(entries, AuditHead, db.practice_id())


def _write_platform() -> None:
    entries = _take(_PLATFORM)
    if not db.is_write():
        _write_apart([], entries)
    elif entries:
        append(entries, PlatformAuditHead, PLATFORM_HEAD_ID)


def _write_apart(entries: list[AuditEntry], platform: list[PlatformAuditEntry]) -> None:
    if not entries and not platform:
        return
    practice_id = entries[0].practice_id if entries else None
    with db.scope(practice_id):
        if platform:
            append(platform, PlatformAuditHead, PLATFORM_HEAD_ID)
        if entries:
            append(entries, AuditHead, entries[0].practice_id)
