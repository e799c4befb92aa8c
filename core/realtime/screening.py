"""What reaches the Socket.IO server at all: frames are screened before anything parses them.

The libraries underneath parse first and ask later: a malformed frame ends the handler with a traceback, a
deeply nested one overflows the stack, binary packets pile up, and an event called "connect" would call the
connect handler. Whatever does not look like one of our messages is dropped and counted here.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may do. Rates are frames a second; a burst is saved up while it is silent."""

    max_bytes: int = 64 * 1024
    rate: float = 50
    burst: float = 150
    dropped: int = 1000  # a client that had so many frames dropped is cut off
    sockets_per_session: int = 30
    sockets: int = 10_000
    join_seconds: float = 15
    queued: int = 32  # messages waiting for a client before it counts as slow
    queued_most: int = 512  # ... before it is cut off: it comes back and catches up
    slow_seconds: float = 30


class Bucket:
    """A token bucket: ``rate`` a second, at most ``burst`` at once."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Drops(Counter[str]):
    """How many messages were dropped, by reason: malformed, binary, huge, too_many, unknown, refused, off."""


class WebSocket(Protocol):
    """What the drivers of all three modes hand over."""

    def wait(self) -> Any: ...
    def send(self, message: Any) -> Any: ...
    def close(self) -> Any: ...


# Engine.IO: close, ping, pong, noop; or a message with a Socket.IO connect, disconnect, event or ack.
_FRAME = re.compile(r"[1236]\Z|4[0-3]")


class ScreenedSocket:
    """A WebSocket that passes on only frames that may be ours, no larger and no more often than allowed."""

    def __init__(self, inner: WebSocket, limits: Limits, drops: Drops) -> None:
        self._inner = inner
        self._limits = limits
        self._drops = drops
        self._bucket = Bucket(limits.rate, limits.burst)
        self._dropped = 0
        # Engine.IO sets the time-out of a green socket by this attribute, where the driver has one.
        if hasattr(inner, "socket"):
            self.socket = inner.socket
        if hasattr(inner, "recv_frame"):
            inner.recv_frame = _bounded(inner.recv_frame, limits.max_bytes, drops)

    def wait(self) -> str | None:
        """The next good frame; None when the client is gone or was cut off."""
        while self._dropped <= self._limits.dropped:
            try:
                frame = self._inner.wait()
            except Exception:
                # Every driver has errors of its own for a broken peer; they all mean that it is gone.
                return None
            if frame is None:
                return None
            reason = self._why_not(frame)
            if reason is None:
                return str(frame)
            self._drops[reason] += 1
            self._dropped += 1
            if reason == "huge":
                return None
        return None

    def _why_not(self, frame: object) -> str | None:
        if not isinstance(frame, str):
            return "binary"
        if len(frame) > self._limits.max_bytes:
            return "huge"
        if not self._bucket.take():
            return "too_many"
        return None if _FRAME.match(frame) else "malformed"

    def send(self, message: Any) -> Any:
        return self._inner.send(message)

    def close(self) -> Any:
        return self._inner.close()


def _bounded(recv_frame: Callable[..., Any], most: int, drops: Drops) -> Callable[..., Any]:
    """eventlet limits a frame, not a message of many fragments, which would grow without end."""

    def receive(*args: Any, **kwargs: Any) -> Any:
        try:
            message = recv_frame(*args, **kwargs)
        except Exception as error:
            if getattr(error, "args", ())[:1] == (1009,):
                drops["huge"] += 1
            raise
        if sum(map(len, message.data)) > most:
            drops["huge"] += 1
            raise ConnectionError("a message of too many fragments")
        return message

    return receive


# A Socket.IO event as our page sends it: 2, an optional number for the answer, and an array that begins with a name.
_EVENT = re.compile(r'2[0-9]{0,9}\["([a-z][a-z0-9_]{0,39}(?:\.[a-z][a-z0-9_]{0,39})?)"[,\]]')


def event_name(packet: str) -> str | None:
    """The name of the event in a Socket.IO packet, without parsing its JSON; None when it is no event."""
    found = _EVENT.match(packet)
    return found[1] if found else None
