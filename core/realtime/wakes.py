"""How a commit wakes those who listen: in this process by a call, in the others by Redis when there is one.

A wake says "practice p has events up to n" and nothing else. It may be lost, doubled or late: who is woken
reads the database, and looks there from time to time without being woken.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from core.settings import Settings

if TYPE_CHECKING:
    from core.realtime.redis_wakes import RedisPublisher

log = logging.getLogger(__name__)

Listener = Callable[[UUID, int], None]
_listeners: list[Listener] = []
_publisher: RedisPublisher | None = None


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


def configure(settings: Settings) -> RedisPublisher | None:
    """Tell the other processes of this one's commits, when there is a Redis. Web and worker both call this."""
    global _publisher
    if _publisher is not None:
        _listeners.remove(_publisher.notify)
        _publisher.close()
        _publisher = None
    if settings.redis_url:
        # Imported only here: the embedded size runs without the redis package.
        from core.realtime.redis_wakes import RedisPublisher

        _publisher = RedisPublisher(settings.redis_url)
        _listeners.append(_publisher.notify)
    return _publisher
