"""Credentials for the relay (TURN) that calls fall back to: short-lived, made here, checked there by a shared secret.

coturn's ``use-auth-secret``: the user name is the second at which it ends and who it is for, the password its keyed
hash (draft-uberti-behave-turn-rest). Nothing is stored, and the relay asks nobody.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core import settings
from core.db import utcnow


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a browser shows to the relay, and until when the relay takes it for a new connection."""

    urls: tuple[str, ...]
    username: str
    password: str
    expires_at: datetime


def stun_urls() -> tuple[str, ...]:
    """Servers that tell a browser its own address; () asks nobody outside."""
    return settings.current().stun_urls


def credentials(holder: str) -> Credentials | None:
    """Fresh credentials for ``holder``, an id without meaning elsewhere; None where there is no relay."""
    chosen = settings.current()
    if not chosen.turn_urls:
        return None
    ends = int((utcnow() + timedelta(minutes=chosen.turn_minutes)).timestamp())
    username = f"{ends}:{holder}"
    secret = chosen.turn_secret.get_secret_value().encode()
    # SHA-1 is what the relay's protocol takes; a keyed hash does not need more of it.
    digest = hmac.new(secret, username.encode(), hashlib.sha1).digest()
    return Credentials(
        chosen.turn_urls, username, base64.b64encode(digest).decode(), datetime.fromtimestamp(ends, UTC)
    )
