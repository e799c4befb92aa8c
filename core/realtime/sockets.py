"""Sets Flask-SocketIO up and puts the bus on it: only WebSocket, only our pages, only what has a handler."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import socketio
from flask import Flask
from flask_socketio import SocketIO

from core.realtime import wakes
from core.realtime.browser import session_credentials
from core.realtime.bus import Allowed, Bus, Credentials
from core.realtime.link_path import LinkPath
from core.realtime.screening import Limits
from core.realtime.socket_events import ScopeFor, SocketEvent, SocketEvents, plain_scope
from core.settings import Settings

EXTENSION = "careroom_bus"


class _Json:
    """JSON as Socket.IO wants it; a text that nests too deep is malformed like any other."""

    dumps = staticmethod(json.dumps)

    @staticmethod
    def loads(text: str, **options: Any) -> Any:
        try:
            return json.loads(text, **options)
        except RecursionError:
            raise ValueError("nested too deep") from None


def _always(_owner: str, _practice_id: UUID) -> bool:
    return True


def create_socketio(
    app: Flask,
    settings: Settings,
    *,
    credentials: Credentials | None = None,
    events: Iterable[SocketEvent] = (),
    allowed: Allowed = _always,
    scope_for: ScopeFor = plain_scope,
    limits: Limits | None = None,
    transports: tuple[str, ...] = ("websocket",),
) -> Bus:
    """Put the bus under ``app`` at /socket.io (and /v/<link>/socket.io), and answer it.

    credentials(environ): the session ids that a browser proves by its cookies; without one it is refused. By
    default the id in Flask's session; add "link:<id>" for a patient, whose link is in environ[LINK_KEY].
    events: what plugins take from sockets. allowed(owner, practice_id): is that plugin on?
    scope_for(context, write, durable): the database scope that a plugin's handler gets when it asks.
    Only WebSocket by default: it needs no sticky sessions.
    """
    limits = limits or Limits()
    quiet = logging.getLogger("careroom.socketio")
    quiet.setLevel(logging.ERROR)  # below that the libraries log what clients send
    manager = None
    if settings.redis_url:
        from core.realtime.redis_wakes import options

        manager = socketio.RedisManager(
            settings.redis_url, channel="careroom:sockets", logger=quiet, redis_options=options()
        )
    flask_socketio = SocketIO(
        app,
        async_mode=settings.async_mode,
        client_manager=manager,
        cors_allowed_origins=_origin_check(settings.base_url),
        cors_credentials=False,
        transports=list(transports),
        namespaces=["/"],
        max_http_buffer_size=limits.max_bytes,
        # A dead connection is noticed within 15 s; more often would keep a phone's radio awake.
        ping_interval=10,
        ping_timeout=5,
        always_connect=False,
        # One at a time and in order for each client, instead of a new thread for each event.
        async_handlers=False,
        manage_session=False,
        json=_Json,
        logger=quiet,
        engineio_logger=quiet,
    )
    prove = credentials or session_credentials(app)
    bus = Bus(flask_socketio, prove, SocketEvents(events), allowed, scope_for, limits)
    publisher = wakes.configure(settings)
    if settings.redis_url and publisher:
        bus.hear_wakes(settings.redis_url, ignore_origin=publisher.origin)
    app.wsgi_app = LinkPath(app.wsgi_app)  # type: ignore[method-assign]
    app.extensions[EXTENSION] = bus
    return bus


def bus_of(app: Flask) -> Bus:
    """The bus under this application."""
    bus: Bus = app.extensions[EXTENSION]
    return bus


def _origin_check(base_url: str) -> Callable[[str, dict[str, Any]], bool]:
    home = urlsplit(base_url)

    def is_ours(origin: str, environ: dict[str, Any]) -> bool:
        """A page of the base URL, or of the host that was asked. A browser always says where a page is from."""
        asked = urlsplit(origin)
        if (asked.scheme, asked.netloc) == (home.scheme, home.netloc):
            return True
        return asked.scheme in ("http", "https") and asked.netloc == environ.get("HTTP_HOST")

    return is_ours
