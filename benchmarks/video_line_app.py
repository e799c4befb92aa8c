"""The line of calls in a web process of its own, with tickets for both pages of every call. For bench_video_line."""

from __future__ import annotations

from uuid import UUID

from flask import Flask
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from benchmarks.realtime_app import SESSION, app_with
from core import db, realtime
from core.realtime import tickets
from core.settings import Settings
from plugins.video_call import participants, signals
from plugins.video_call.models import CLINICIAN, Participant


def create_app(chosen: Settings) -> Flask:
    app = app_with(chosen, signals.EVENTS)

    @app.get("/tickets/<uuid:practice_id>")
    def all_tickets(practice_id: UUID) -> ResponseReturnValue:
        with db.scope(practice_id, write=False) as session:
            people = session.scalars(select(Participant).order_by(Participant.call_id)).all()
            return {"seq": realtime.last_seq(), "people": [_ticket(person) for person in people]}

    return app


def _ticket(person: Participant) -> dict[str, str]:
    kind = "staff" if person.role == CLINICIAN else "patient"
    topics = participants.topics(person.call_id, person.actor_id)
    made = tickets.issue(topics, actor_kind=kind, actor_id=person.actor_id, session_id=SESSION)
    return {"call": str(person.call_id), "id": str(person.id), "role": person.role, "ticket": made}
