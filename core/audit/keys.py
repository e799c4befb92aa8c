"""The key that seals the trail: derived from the installation's master key, kept nowhere.

A database administrator who changes an entry and computes every later hash anew would leave a plain hash chain whole.
With a key that only the application's environment holds, what they build does not fit. Whoever holds both the
database and the master key can forge: keep them with different people (docs/operators.md). What an earlier master
key sealed is verified by it: it stays in CAREROOM_OLD_MASTER_KEYS as long as its entries are to be verified.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core import settings


def chain_key() -> bytes:
    """32 bytes, the same in every process of the installation."""
    return _derived(settings.current().master_key_bytes)


def retired_keys() -> tuple[bytes, ...]:
    """The keys of earlier master keys: they verify, and seal nothing any more."""
    return tuple(_derived(master_key) for master_key in settings.current().old_master_keys_bytes)


@lru_cache(maxsize=32)
def _derived(master_key: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"careroom audit chain 1").derive(master_key)
