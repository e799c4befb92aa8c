"""Wakes between processes through Redis: a publisher for every process, a subscriber for the web's.

Redis may stop and start at any time. Then wakes are lost and nothing else: the pump's own look at the
database finds what they would have told.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.realtime.wakes import Listener

log = logging.getLogger(__name__)

CHANNEL = "careroom:wakes"
# After a failure nobody tries again for so long: a request must not pay a connection's time-out again and again.
_REST_SECONDS = 2.0


def options() -> dict[str, Any]:
    """Options for every Redis client of the bus: give up quickly, since the caller is a request or a handler.

    redis-py retries with a backoff of seconds by default.
    """
    return {"socket_connect_timeout": 0.5, "socket_keepalive": True, "retry": Retry(NoBackoff(), 0)}


class RedisPublisher:
    """A wake listener that tells the other processes. Subscribe its ``notify`` to :mod:`core.realtime.wakes`."""

    def __init__(self, url: str) -> None:
        self.origin = uuid4().hex
        self._client = redis.Redis.from_url(url, socket_timeout=0.5, **options())
        self._rest_until = 0.0

    def notify(self, practice_id: UUID, seq: int) -> None:
        if time.monotonic() < self._rest_until:
            return
        try:
            self._client.publish(CHANNEL, f"{self.origin} {practice_id} {seq}")
        except redis.RedisError as error:
            self._rest_until = time.monotonic() + _REST_SECONDS
            log.warning("redis does not take wakes: %s", type(error).__name__)

    def close(self) -> None:
        self._client.close()


class RedisSubscriber:
    """Hears the wakes of the other processes, in a thread of its own, and connects again by itself."""

    def __init__(
        self,
        url: str,
        listener: Listener,
        on_connected: Callable[[], None],
        *,
        ignore_origin: str | None = None,
    ) -> None:
        self._url = url
        self._listener = listener
        self._on_connected = on_connected
        self._ignore_origin = ignore_origin
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="careroom-redis-wakes", daemon=True)
        self.connected = False

    def start(self) -> None:
        """Begin, unless begun."""
        if self._thread.ident is None:
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()

    def _run(self) -> None:
        rest = 0.1
        while not self._stopping.is_set():
            try:
                self._listen()
                rest = 0.1
            except (redis.RedisError, OSError) as error:
                if self.connected:
                    rest = 0.1
                self.connected = False
                log.warning("redis does not tell wakes: %s; trying again", type(error).__name__)
                self._stopping.wait(rest)
                rest = min(rest * 2, 5.0)

    def _listen(self) -> None:
        client = redis.Redis.from_url(self._url, **options())
        with (
            client,
            client.pubsub(  # type: ignore[no-untyped-call]
                ignore_subscribe_messages=True
            ) as channel,
        ):
            channel.subscribe(CHANNEL)
            self.connected = True
            self._on_connected()
            while not self._stopping.is_set():
                message = channel.get_message(timeout=1.0)
                if message is not None:
                    self._hear(message["data"])

    def _hear(self, data: bytes) -> None:
        try:
            origin, practice_id, seq = data.decode().split(" ")
            wake = UUID(practice_id), int(seq)
        except ValueError:
            log.warning("a malformed wake came through redis")
            return
        if origin != self._ignore_origin:
            self._listener(*wake)
