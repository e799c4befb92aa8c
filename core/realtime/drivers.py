"""The WebSocket under each mode, screened.

eventlet brings its own. gevent and threading use simple-websocket: in a process that gevent has patched, its
threads and events are green as well. gevent-websocket would have no limit on the size of a message.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import simple_websocket
import socketio
from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI

from core.realtime.screening import Drops, Limits, ScreenedSocket


class _WholeSocket:
    """A socket whose ``send`` sends everything: simple-websocket ignores that a full buffer takes only a part."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.send = inner.sendall

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Reader(threading.Thread):
    """Reads one socket; does not keep the process from ending."""

    def __init__(self, target: Callable[[], None]) -> None:
        super().__init__(target=target, daemon=True)


class _WholeWebSocket(simple_websocket.Server):
    """Sends whole frames, and gives up on a peer that is silent or takes nothing for ``quiet_seconds``."""

    def __init__(self, environ: dict[str, Any], *, quiet_seconds: float, **options: Any) -> None:
        self._quiet_seconds = quiet_seconds
        super().__init__(environ, thread_class=_Reader, **options)

    sock: Any

    def handshake(self) -> None:
        self.sock.settimeout(self._quiet_seconds)
        self.sock = _WholeSocket(self.sock)
        super().handshake()

    def close(self, reason: int | None = None, message: str | None = None) -> None:
        super().close(reason, message)
        # The handler and the reader wait for the peer: let them end now, not when it hangs up.
        self.event.set()
        with suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class _SimpleDriver(SimpleWebSocketWSGI):
    """Engine.IO's driver for simple-websocket, with a limit on messages."""

    def __init__(self, handler: Any, server: Any) -> None:
        super().__init__(handler, server)
        self._options = {
            "max_message_size": server.max_http_buffer_size,
            "quiet_seconds": server.ping_interval + server.ping_timeout,
        }

    def __call__(self, environ: dict[str, Any], _start_response: Any) -> Iterable[bytes]:
        self.ws = _WholeWebSocket(environ, **self._options)
        answer: Iterable[bytes] = self.app(self)
        if self.ws.mode == "werkzeug":
            # The socket is no longer HTTP: this makes Werkzeug drop it without writing an answer into it.
            raise ConnectionError
        return answer


def screen(server: socketio.Server, limits: Limits, drops: Drops) -> None:
    """Put the screen between the server and its driver's WebSocket."""
    parts = dict(server.eio._async)
    driver: Callable[..., Any] = parts["websocket"] if server.async_mode == "eventlet" else _SimpleDriver

    def screened(handler: Callable[[Any], Any], eio: Any) -> Any:
        return driver(lambda ws: handler(ScreenedSocket(ws, limits, drops)), eio)

    parts["websocket"] = screened
    server.eio._async = parts
