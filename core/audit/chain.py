"""The chain itself: what is hashed and how entries are hung onto the end.

hash = HMAC-SHA-256 over the canonical JSON of all columns of the entry but ``hash``; ``prev_hash`` is one of them.
The key (:mod:`core.audit.keys`) is not in the database: whoever can write there still cannot build a chain that fits.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import object_mapper

from core import db
from core.audit.keys import chain_key, retired_keys
from core.audit.models import (
    FIRST_PREVIOUS_HASH,
    AuditEntry,
    AuditHead,
    PlatformAuditEntry,
    PlatformAuditHead,
)

Entry = AuditEntry | PlatformAuditEntry
Head = AuditHead | PlatformAuditHead


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value


def digest(entry: Entry, key: bytes | None = None) -> str:
    """The hash that this entry must have, in hex; ``key`` instead of the current one."""
    columns = object_mapper(entry).column_attrs.keys()
    facts = {name: _plain(getattr(entry, name)) for name in columns if name != "hash"}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _keyed("entry", text, key)


def head_seal(head_id: UUID, seq: int, hash: str, key: bytes | None = None) -> str:
    """The seal that a chain's head must have, in hex; ``key`` instead of the current one."""
    return _keyed("head", f"{head_id}:{seq}:{hash}", key)


def is_sealed_by_us(given: str, made: Callable[[bytes | None], str]) -> bool:
    """Is this what ``made`` makes with our key, or with one that we had?"""
    return any(hmac.compare_digest(given, made(key)) for key in (None, *retired_keys()))


def _keyed(what: str, text: str, key: bytes | None) -> str:
    return hmac.digest(key or chain_key(), f"{what}:{text}".encode(), "sha256").hex()


def append(entries: Sequence[Entry], head_type: type[Head], head_id: UUID) -> None:
    """Give the entries their numbers and hashes and add them to the session. The head stays locked until commit."""
    seq, previous = _lock(head_type, head_id)
    for entry in entries:
        seq += 1
        entry.seq, entry.prev_hash = seq, previous
        entry.hash = previous = digest(entry)
    db.session().add_all(entries)
    db.session().execute(
        update(head_type)
        .where(head_type.id == head_id)
        .values(seq=seq, hash=previous, seal=head_seal(head_id, seq, previous))
        .execution_options(synchronize_session=False)
    )


def _lock(head_type: type[Head], head_id: UUID) -> tuple[int, str]:
    query = select(head_type.seq, head_type.hash).where(head_type.id == head_id).with_for_update()
    found = db.session().execute(query).one_or_none()
    if found is None:
        # The chain's first entry. Two transactions may meet here: the second waits for the first one's key.
        try:
            with db.savepoint():
                db.session().add(head_type(id=head_id, seq=0, hash=FIRST_PREVIOUS_HASH, seal=""))
                db.session().flush()
        except IntegrityError:
            pass
        found = db.session().execute(query).one()
    return found.seq, found.hash
