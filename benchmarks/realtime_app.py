"""The bus in a web process of its own, with one event that answers what it was sent. For bench_realtime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Flask
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from core import db, realtime, settings
from core.realtime import tickets
from core.realtime.screening import Limits
from core.realtime.sockets import create_socketio
from core.settings import Settings

TOPIC = "bench.all"
SESSION = "the one session of this measurement"


class Said(BaseModel):
    """What is echoed."""

    number: int
    text: str


def echo(_context: realtime.SocketContext, said: Said) -> dict[str, Any]:
    """Answer what was said."""
    return said.model_dump()


def app_with(chosen: Settings, events: Sequence[realtime.SocketEvent]) -> Flask:
    """An application with the bus alone, to which everybody who measures belongs."""
    settings.configure(chosen)
    db.configure(chosen)
    app = Flask(__name__)
    app.secret_key = chosen.secret_key.get_secret_value()
    create_socketio(
        app,
        chosen,
        credentials=lambda environ: {SESSION},
        events=events,
        limits=Limits(sockets=5000, sockets_per_session=5000),
    )
    return app


def create_app(chosen: Settings) -> Flask:
    app = app_with(chosen, [realtime.SocketEvent("bench.echo", Said, echo, rate=1e6, burst=1_000_000)])

    @app.get("/ticket/<uuid:practice_id>")
    def ticket(practice_id: UUID) -> ResponseReturnValue:
        with db.scope(practice_id, write=False):
            made = tickets.issue([TOPIC], actor_kind="staff", actor_id="1", session_id=SESSION)
            return {"ticket": made, "seq": realtime.last_seq()}

    @app.post("/publish/<uuid:practice_id>")
    def publish(practice_id: UUID) -> ResponseReturnValue:
        with db.scope(practice_id):
            realtime.publish(TOPIC, "told", number=1)
        return {}

    return app
