"""Secrets of a person's account, encrypted at rest under a key that is derived from the master key.

A person belongs to no practice, so the practices' data keys do not fit. During a change of the master key what was
sealed under an old one is still opened, and sealed anew when it is used.
"""

from __future__ import annotations

import base64
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core import settings

_NONCE: Final = 12


class Unreadable(ValueError):
    """A sealed secret cannot be opened: damaged, moved from another account, or its master key is gone."""


def seal(plain: str, user_id: int, purpose: str) -> str:
    """Encrypt a secret of this account for its row."""
    nonce = os.urandom(_NONCE)
    made = AESGCM(_key(settings.current().master_key_bytes)).encrypt(
        nonce, plain.encode(), _place(user_id, purpose)
    )
    return base64.urlsafe_b64encode(nonce + made).decode()


def unseal(stored: str, user_id: int, purpose: str) -> str:
    """The secret again. Raises Unreadable."""
    raw = base64.urlsafe_b64decode(stored)
    here = settings.current()
    for master in (here.master_key_bytes, *here.old_master_keys_bytes):
        try:
            return AESGCM(_key(master)).decrypt(raw[:_NONCE], raw[_NONCE:], _place(user_id, purpose)).decode()
        except InvalidTag:
            continue
    raise Unreadable(f"the {purpose} of an account cannot be opened")


def _key(master: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"careroom account secrets 1").derive(master)


def _place(user_id: int, purpose: str) -> bytes:
    return f"careroom account 1:{user_id}:{purpose}".encode()
