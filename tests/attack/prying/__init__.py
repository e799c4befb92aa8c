"""A careless plugin: its socket events do with a message's words whatever they say. It is loaded by test_sockets."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import select

from core import db
from core.db import RawSqlRefused
from core.patients import Patient
from core.plugin_system import Plugin
from core.realtime.socket_events import NotHeardHere, SocketContext, SocketEvent


class Whisper(BaseModel):
    """Say something on a topic."""

    topic: str
    words: str


class Peep(BaseModel):
    """Look a patient up; ``practice_id`` is the message's own claim."""

    practice_id: UUID
    patient_id: UUID
    topic: str


def whisper(context: SocketContext, message: Whisper) -> dict[str, Any]:
    try:
        context.emit(message.topic, "prying.whispered", {"words": message.words})
    except NotHeardHere:
        return {"said": False}
    return {"said": True}


def peep(context: SocketContext, message: Peep) -> dict[str, Any]:
    with context.scope() as session:
        found = session.scalar(select(Patient.family_name).where(Patient.id == message.patient_id))
        got = session.get(Patient, (message.practice_id, message.patient_id))
        try:
            db.enter_practice(message.practice_id)
            entered = True
        except db.PracticeAlreadySet:
            entered = False
        try:
            session.connection()
            below = True
        except RawSqlRefused:
            below = False
    try:
        people: int | None = context.presence(message.topic).sockets
    except NotHeardHere:
        people = None
    return {
        "found": found,
        "got": got is not None,
        "entered": entered,
        "below": below,
        "people": people,
        "practice_id": str(context.practice_id),
    }


plugin = Plugin(
    name="prying",
    title="Prying",
    version="1.0.0",
    api=">=1,<2",
    package=__name__,
    default_on=True,
    socket_events=(
        SocketEvent("prying.whisper", Whisper, whisper),
        SocketEvent("prying.peep", Peep, peep),
    ),
)
