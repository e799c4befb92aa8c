"""Data keys: a random 256-bit key per practice, wrapped by the master key, never stored in the clear."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import db, settings
from core.files.errors import FilesError
from core.files.models import DataKey


class KeyUnavailable(FilesError):
    """A data key is missing, or the master key of this process is not the one that wrapped it."""


_unwrapped: dict[tuple[UUID, UUID, str], bytes] = {}
_lock = threading.Lock()


def for_writing(practice_id: UUID) -> tuple[UUID, bytes]:
    """The practice's newest data key as (id, key); the first call for a practice makes it.

    Inside a write scope of this practice it uses that scope: SQLite has one writer at a time, and waiting for
    ourselves would take for ever.
    """
    newest = _newest(practice_id)
    if newest is None:
        # Should another process be first, its key is the practice's key.
        with contextlib.suppress(IntegrityError):
            rotate(practice_id, expected=0)
        newest = _newest(practice_id)
    if newest is None:
        raise KeyUnavailable("the practice's data key was not kept")
    return newest.id, _unwrap(newest)


def for_reading(practice_id: UUID, key_id: UUID) -> bytes:
    """The data key that a blob's header names. Raises KeyUnavailable."""
    held = _unwrapped.get((practice_id, key_id, _fingerprint()))
    if held is not None:
        return held
    with _scope(practice_id, write=False):
        row = db.get(DataKey, key_id)
    if row is None:
        raise KeyUnavailable("no such data key in this practice")
    return _unwrap(row)


def rotate(practice_id: UUID, *, expected: int | None = None) -> UUID:
    """Give the practice a new data key for what is written from now on; older blobs keep theirs.

    Raises IntegrityError when another process made this generation at the same moment.
    """
    key = os.urandom(32)
    row = DataKey(id=db.uuid7(), practice_id=practice_id, master_key=_fingerprint())
    row.wrapped = _wrap(key, practice_id, row.id, _master_key())
    with _scope(practice_id, write=True) as session, db.savepoint():
        if expected is None:
            newest = session.scalar(select(DataKey.generation).order_by(DataKey.generation.desc()).limit(1))
            expected = newest or 0
        row.generation = expected + 1
        session.add(row)
    return row.id


def forget() -> None:
    """Drop the unwrapped keys that this process holds."""
    with _lock:
        _unwrapped.clear()


def _newest(practice_id: UUID) -> DataKey | None:
    # Asked each time, not cached: a rotation must hold in every process from its commit on.
    with _scope(practice_id, write=False) as session:
        return session.scalar(select(DataKey).order_by(DataKey.generation.desc()).limit(1))


@contextmanager
def _scope(practice_id: UUID, *, write: bool) -> Iterator[Session]:
    """The current scope when it is a writing one of this practice, else a new one."""
    if db.in_scope() and db.is_write() and db.has_practice() and db.practice_id() == practice_id:
        yield db.session()
    else:
        with db.scope(practice_id, write=write) as session:
            yield session


def rewrap(practice_id: UUID, new_master: bytes) -> int:
    """Wrap every data key of a practice by another master key; how many were changed.

    The data keys stay what they are, so no blob is touched. May be broken off and repeated. Raises KeyUnavailable
    when a key is wrapped by a master key that this process does not know; then nothing of the practice is changed.
    """
    if len(new_master) != 32:
        raise KeyUnavailable("a master key has 32 bytes")
    name, changed = fingerprint(new_master), 0
    with db.scope(practice_id) as session:
        for row in session.scalars(select(DataKey).where(DataKey.master_key != name)):
            row.wrapped = _wrap(_unwrap(row), practice_id, row.id, new_master)
            row.master_key = name
            changed += 1
    return changed


def fingerprint(master: bytes) -> str:
    """The name of a master key: tells which one wrapped a data key, and nothing about it."""
    return hashlib.sha256(b"careroom master key" + master).hexdigest()[:16]


def _bound(practice_id: UUID, key_id: UUID) -> bytes:
    return b"careroom data key 1" + practice_id.bytes + key_id.bytes


def _wrap(key: bytes, practice_id: UUID, key_id: UUID, master: bytes) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(master).encrypt(nonce, key, _bound(practice_id, key_id))


def _unwrap(row: DataKey) -> bytes:
    place = (row.practice_id, row.id, _fingerprint())
    if (held := _unwrapped.get(place)) is not None:
        return held
    known = {fingerprint(master): master for master in (_master_key(), *_old_master_keys())}
    if row.master_key not in known:
        raise KeyUnavailable("no master key of this process has wrapped this practice's data key")
    try:
        key = AESGCM(known[row.master_key]).decrypt(
            row.wrapped[:12], row.wrapped[12:], _bound(row.practice_id, row.id)
        )
    except InvalidTag:
        raise KeyUnavailable("the master key does not open this practice's data key") from None
    with _lock:
        _unwrapped[place] = key
    return key


def _master_key() -> bytes:
    key = settings.current().master_key_bytes
    if len(key) != 32:
        raise KeyUnavailable("CAREROOM_MASTER_KEY is not set")
    return key


def _old_master_keys() -> tuple[bytes, ...]:
    return settings.current().old_master_keys_bytes


def _fingerprint() -> str:
    return fingerprint(_master_key())
