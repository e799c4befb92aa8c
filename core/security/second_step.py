"""Between the right password and the second factor: who it is, kept in the signed session cookie for ten minutes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from flask import session

from core.security.redirects import safe_next
from core.security.sign_in import Recognised

_KEY: Final = "second_step"
_SECONDS: Final = 600


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody whose password was right. needs: what they can show now ("totp", "passkey"); target: where they go."""

    user_id: int
    needs: frozenset[str]
    target: str


def ask(found: Recognised, target: str) -> None:
    """Remember in this browser that the password was right."""
    session[_KEY] = [found.user_id, sorted(found.needs), target, int(time.time())]


def waiting() -> Waiting | None:
    """Whose second step this browser is at; None when there is none or it took too long."""
    held = session.get(_KEY)
    if not isinstance(held, list) or len(held) != 4 or time.time() - held[3] > _SECONDS:
        return None
    return Waiting(int(held[0]), frozenset(held[1]), safe_next(held[2]))


def forget() -> None:
    """Begin again."""
    session.pop(_KEY, None)
