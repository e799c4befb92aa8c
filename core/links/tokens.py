"""The secret in a link: 160 random bits, written in 32 characters that survive being read aloud or retyped."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

_BYTES = 20
LENGTH = 32
"""Characters of a token."""
_TOKEN = re.compile(r"[a-z2-7]{32}")


def new_token() -> str:
    """A fresh token: base32 in lower case, 32 characters."""
    return base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()


def is_token(text: str) -> bool:
    """Could this be a token? Anything else is answered without asking the database."""
    return _TOKEN.fullmatch(text) is not None


def digest(token: str) -> str:
    """What is stored and looked up. The token is random, so a plain hash is enough: there is nothing to guess from."""
    return hashlib.sha256(token.encode()).hexdigest()
