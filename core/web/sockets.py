"""The bus under this application: who may connect, and which plugins may hear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from flask import Flask
from sqlalchemy.orm import Session

from core import audit, db, plugin_system, tenancy
from core.realtime.link_path import LINK_KEY
from core.realtime.socket_events import SocketContext
from core.realtime.sockets import create_socketio
from core.security import sessions
from core.settings import Settings
from core.web import links


def install(app: Flask, settings: Settings) -> None:
    """Put the bus on the app with the plugins' socket events, each behind its switch."""
    create_socketio(
        app,
        settings,
        credentials=_credentials(app),
        events=[event for plugin in plugin_system.registry for event in plugin.socket_events],
        allowed=_is_on,
        scope_for=_scope,
    )


def _credentials(app: Flask) -> Callable[[dict[str, Any]], frozenset[str]]:
    def credentials(environ: dict[str, Any]) -> frozenset[str]:
        link_id = environ.get(LINK_KEY)
        if not isinstance(link_id, UUID):
            opened = app.session_interface.open_session(app, app.request_class(environ))
            proven = sessions.proven_by(opened)
            return frozenset([proven]) if proven else frozenset()
        holds = links.holds_link(link_id, app.request_class(environ).cookies)
        return frozenset([f"link:{link_id}"]) if holds else frozenset()

    return credentials


def _is_on(owner: str, practice_id: UUID) -> bool:
    if owner == tenancy.switches.CORE:
        return True
    if db.has_practice() and db.practice_id() == practice_id:
        return tenancy.switches.is_on(owner)
    with db.scope(practice_id, write=False):
        return tenancy.switches.is_on(owner)


@contextmanager
def _scope(context: SocketContext, *, write: bool, durable: bool) -> Iterator[Session]:
    kind: audit.ActorKind = "patient" if context.actor_kind == "patient" else "staff"
    with (
        audit.use_actor(audit.Actor(kind, context.actor_id, kind)),
        tenancy.practice_scope(context.practice_id, write=write, durable=durable) as session,
    ):
        yield session
