"""How a commit wakes those who listen: in this process by a call, in the others by Redis when there is one.

A wake says "practice p has events up to n" and nothing else. It may be lost, doubled or late: who is woken
reads the database, and looks there from time to time without being woken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

log = logging.getLogger(__name__)

Listener = Callable[[UUID, int], None]
_listeners: list[Listener] = []


def subscribe(listener: Listener) -> Callable[[], None]:
    """Call ``listener(practice_id, seq)`` after each commit in this process; answers how to stop that.

    It runs in the committing request or job, so it must return at once.
    """
    _listeners.append(listener)

    def unsubscribe() -> None:
        if listener in _listeners:
            _listeners.remove(listener)

    return unsubscribe


def notify(practice_id: UUID, seq: int) -> None:
    """The practice has events up to ``seq``. Never raises: what happened is safe in the database."""
    for listener in tuple(_listeners):
        try:
            listener(practice_id, seq)
        except Exception:
            log.exception("a wake listener failed")
