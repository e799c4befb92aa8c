"""Secrets among a plugin's settings: stored encrypted under the practice's data key, bound to plugin and field."""

from __future__ import annotations

import base64
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core import db
from core.files import keys

_PREFIX = "sealed:"
_NONCE = 12


class SecretUnreadable(ValueError):
    """A stored secret cannot be opened: damaged, moved from elsewhere, or its key is gone."""


def is_sealed(value: object) -> bool:
    """Is this what :func:`seal` made?"""
    return isinstance(value, str) and value.startswith(_PREFIX)


def seal(plain: str, plugin: str, field: str) -> str:
    """Encrypt a secret of the current practice for its row."""
    practice_id = db.practice_id()
    key_id, key = keys.for_writing(practice_id)
    nonce = os.urandom(_NONCE)
    sealed = AESGCM(key).encrypt(nonce, plain.encode(), _place(practice_id, plugin, field))
    return _PREFIX + base64.urlsafe_b64encode(key_id.bytes + nonce + sealed).decode()


def unseal(stored: str, plugin: str, field: str) -> str:
    """The secret again. Raises SecretUnreadable."""
    practice_id = db.practice_id()
    try:
        raw = base64.urlsafe_b64decode(stored.removeprefix(_PREFIX))
        key = keys.for_reading(practice_id, UUID(bytes=raw[:16]))
        nonce, sealed = raw[16 : 16 + _NONCE], raw[16 + _NONCE :]
        return AESGCM(key).decrypt(nonce, sealed, _place(practice_id, plugin, field)).decode()
    except (ValueError, InvalidTag, keys.KeyUnavailable) as error:
        raise SecretUnreadable(f"the secret {plugin}.{field} cannot be opened") from error


def _place(practice_id: UUID, plugin: str, field: str) -> bytes:
    return b"careroom setting 1" + practice_id.bytes + f"{plugin}.{field}".encode()
