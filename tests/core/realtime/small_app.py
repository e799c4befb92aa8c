"""A small application with the bus, for tests that run the real server in a process of its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Flask, request, session
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from core import db, realtime, settings
from core.realtime import browser, tickets
from core.realtime.link_path import LINK_KEY
from core.realtime.screening import Limits
from core.realtime.sockets import create_socketio
from core.settings import Settings

OFF: set[str] = set()


class Said(BaseModel):
    """What the demonstration's socket event takes."""

    topic: str
    text: str = Field(max_length=100)


def _say(context: realtime.SocketContext, said: Said) -> dict[str, Any]:
    context.emit(said.topic, "demo.said", {"text": said.text})
    return {"here": context.presence(said.topic).sockets}


def _note(context: realtime.SocketContext, said: Said) -> dict[str, Any]:
    with context.scope(write=True):
        realtime.publish(said.topic, "noted")
    return {"actor": context.actor_id}


def create_app(chosen: Settings) -> Flask:
    settings.configure(chosen)
    db.configure(chosen)
    app = Flask(__name__)
    app.secret_key = chosen.secret_key.get_secret_value()
    of_session = browser.session_credentials(app)

    def credentials(environ: dict[str, Any]) -> set[str]:
        link = environ.get(LINK_KEY)
        cookie = f"link={link}" in environ.get("HTTP_COOKIE", "")
        return set(of_session(environ)) | ({f"link:{link}"} if link and cookie else set())

    bus = create_socketio(
        app,
        chosen,
        credentials=credentials,
        events=[
            realtime.SocketEvent("demo.say", Said, _say, max_bytes=500, rate=50, burst=20),
            realtime.SocketEvent("demo.note", Said, _note),
        ],
        allowed=lambda owner, practice_id: owner not in OFF,
        limits=Limits(sockets_per_session=4, join_seconds=2, dropped=300),
    )

    @app.get("/page/<uuid:practice_id>")
    def page(practice_id: UUID) -> ResponseReturnValue:
        topics = request.args.getlist("topic")
        link = request.args.get("link")
        with db.scope(practice_id, write=False):
            ticket = tickets.issue(
                topics,
                actor_kind="patient" if link else "staff",
                actor_id=link or "7",
                session_id=f"link:{link}" if link else browser.session_id(),
            )
            return {"ticket": ticket, "seq": realtime.last_seq()}

    @app.post("/ticket/<uuid:practice_id>")
    def ticket(practice_id: UUID) -> ResponseReturnValue:
        with db.scope(practice_id, write=False):
            return browser.renewed(
                actor_kind="staff",
                actor_id="7",
                session_id=browser.session_id(),
                may_hear=lambda owner: owner not in OFF,
            )

    @app.post("/publish/<uuid:practice_id>")
    def publish(practice_id: UUID) -> ResponseReturnValue:
        said = request.get_json()
        with db.scope(practice_id):
            for number in range(said["first"], said["first"] + said.get("count", 1)):
                realtime.publish(said["topic"], "counted", number=number)
        return {}

    @app.post("/sign-out/<uuid:practice_id>")
    def sign_out(practice_id: UUID) -> ResponseReturnValue:
        with db.scope(practice_id):
            realtime.end_session(browser.session_id())
        session.clear()
        return {}

    @app.post("/switch/<owner>/<state>")
    def switch(owner: str, state: str) -> ResponseReturnValue:
        (OFF.discard if state == "on" else OFF.add)(owner)
        return {}

    @app.post("/forget")
    def forget() -> ResponseReturnValue:
        bus.drops.clear()
        OFF.clear()
        return {}

    @app.get("/state")
    def state() -> ResponseReturnValue:
        return {"drops": dict(bus.drops), "clients": len(bus.clients), "mode": bus.server.async_mode}

    @app.get("/l/<token>")
    def link(token: str) -> ResponseReturnValue:
        return {}

    return app
