"""The whole application as it is served, with one socket event more: bench_realtime's echo. For bench_uploads."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Flask
from flask.typing import ResponseReturnValue

from benchmarks.realtime_app import SESSION, TOPIC, Said, echo
from core import app as application
from core import db, realtime
from core.realtime import tickets
from core.realtime.screening import Limits
from core.realtime.sockets import create_socketio
from core.settings import Settings
from core.web import sockets


def create_app(chosen: Settings) -> Flask:
    """Careroom; whoever connects is taken for the one session of this measurement."""

    def with_echo(app: Flask, settings: Settings, *, events: Any, **_rest: Any) -> Any:
        return create_socketio(
            app,
            settings,
            credentials=lambda environ: {SESSION},
            events=[*events, realtime.SocketEvent("bench.echo", Said, echo, rate=1e6, burst=1_000_000)],
            limits=Limits(sockets_per_session=5000),
        )

    setattr(sockets, "create_socketio", with_echo)  # noqa: B010 - not exported to be replaced
    app = application.create_app(chosen)

    @app.get("/ticket/<uuid:practice_id>")
    def ticket(practice_id: UUID) -> ResponseReturnValue:
        with db.scope(practice_id, write=False):
            made = tickets.issue([TOPIC], actor_kind="staff", actor_id="1", session_id=SESSION)
            return {"ticket": made, "seq": realtime.last_seq()}

    return app
