"""In which state a link is: computed from its row and the clock, never stored."""

from __future__ import annotations

from typing import Literal

from core.db import utcnow
from core.links import purposes
from core.links.models import Link

LinkState = Literal["active", "opened", "locked", "expired", "cancelled", "used"]
OPEN_STATES: frozenset[LinkState] = frozenset({"active", "opened"})


def state(link: Link) -> LinkState:
    """active: nobody passed the check yet. opened: somebody did. The others are closed, each for its reason."""
    if link.completed_at is not None and not purposes.is_reusable(link.purpose):
        return "used"
    if link.cancelled_at is not None:
        return "cancelled"
    if link.expires_at <= utcnow():
        return "expired"
    if link.locked_at is not None:
        return "locked"
    return "opened" if link.verified_at is not None else "active"
