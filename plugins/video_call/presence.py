"""Who is in a call just now, by which page, and who may connect to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from core.sdk import SocketContext, SocketRefused, db, topic, utcnow
from plugins.video_call import participants, said, service, states
from plugins.video_call.models import CLINICIAN, PATIENT, Call, Participant

PEER: Final = "video_call.peer"
HERE_FOR: Final = participants.HERE_FOR
QUIET_FOR: Final = timedelta(seconds=75)  # outside the room: a page in the background asks once a minute
_WRITTEN_AGAIN: Final = timedelta(seconds=8)


@dataclass(frozen=True, slots=True)
class Me:
    """The participant that a socket speaks for, apart from any session of the database."""

    id: UUID
    call_id: UUID
    role: str
    name: str
    actor_id: str


def find(context: SocketContext, call_id: UUID) -> tuple[Call, Participant]:
    """The call that this socket's page is of, and who it is there. Raises SocketRefused. Needs a scope."""
    if topic(service.SUBJECT, call_id) not in context.topics:
        raise SocketRefused("not_yours")
    call, me = service.get(call_id), participants.of_actor(call_id, context.actor_id)
    if call is None or me is None or me.left_at is not None:
        raise SocketRefused("not_part")
    return call, me


def current(context: SocketContext, call_id: UUID, client_id: str) -> tuple[Call, Participant]:
    """The same for the page that speaks for them now. Raises SocketRefused where a newer page took over."""
    call, me = find(context, call_id)
    if me.client_id != client_id:
        raise SocketRefused("taken_over")
    return call, me


def pair(
    context: SocketContext, call_id: UUID, client_id: str, other_id: UUID
) -> tuple[Call, Participant, Participant | None]:
    """The same with another participant, in one question: what every signal needs. Raises SocketRefused."""
    if topic(service.SUBJECT, call_id) not in context.topics:
        raise SocketRefused("not_yours")
    me_id = participants.id_for(call_id, context.actor_id)
    of_call = (Participant.call_id == Call.id) & (Participant.practice_id == Call.practice_id)
    query = select(Call, Participant).join(Participant, of_call)
    found = db.session().execute(query.where(Call.id == call_id, Participant.id.in_((me_id, other_id)))).all()
    people = {person.id: person for _call, person in found}
    me = people.get(me_id)
    if me is None or me.left_at is not None:
        raise SocketRefused("not_part")
    if me.client_id != client_id:
        raise SocketRefused("taken_over")
    return found[0][0], me, people.get(other_id)


def enter(context: SocketContext, asked: said.Enter) -> tuple[Call, Participant, str | None, Sequence[UUID]]:
    """The page takes part. Answers the client id of the page that it took over from, if there was one, and the places
    that are nobody's any more because this page has come (:func:`participants.make_room`).

    Who holds the call takes part as soon as their page is there: the two pages can meet before the patient is let in.
    """
    _let_in(context, asked.call)
    call, me = find(context, asked.call)
    if call.state in states.OVER:
        raise SocketRefused("over")
    before, left = me.client_id, list[UUID]()
    if before != asked.client_id:
        if asked.generation and asked.generation != me.generation:
            raise SocketRefused("taken_over")  # a page that slept must not take back what a newer one has
        me.client_id, me.generation = asked.client_id, me.generation + 1
        left = participants.make_room(call, me)
        if left and me.role == CLINICIAN:  # a colleague, who is not taken over from but done here
            service.tell(call, "place")
            left = []
    me.seen_at = utcnow()
    # What a page does not name stays as the check of devices found it.
    me.devices = {**me.devices, **asked.devices.model_dump(exclude_unset=True)}
    came_back(call, me)
    db.session().flush()
    return call, me, before if before not in (None, asked.client_id) else None, left


def _let_in(context: SocketContext, call_id: UUID) -> None:
    call = service.get(call_id)
    peer = topic(PEER, participants.id_for(call_id, context.actor_id))
    # Only the page for those who conduct calls hears this topic, so the right was checked when it was made.
    if (
        call
        and context.actor_kind == "staff"
        and call.clinician_id == context.actor_id
        and peer in context.topics
    ):
        participants.add(call, CLINICIAN, context.actor_id, call.clinician_name)


def is_due(call: Call, me: Participant) -> bool:
    """Is it time to write down that the page is there? A word every few seconds is not a write every time."""
    returned = me.role == PATIENT and call.patient_away_since is not None
    return returned or me.seen_at is None or utcnow() - me.seen_at >= _WRITTEN_AGAIN


def here(call: Call, me: Participant) -> None:
    """Note that the page is there. Needs a scope that writes."""
    me.seen_at = utcnow()
    came_back(call, me)
    if me.role == PATIENT and service.state_of(call) in states.HERE:
        service.outlast(call)


def came_back(call: Call, me: Participant) -> None:
    """The patient's page is there again."""
    if me.role == PATIENT and call.patient_away_since is not None:
        call.patient_away_since = None
        service.tell(call, "back")


def leave(call: Call, me: Participant) -> None:
    """The page closed."""
    me.seen_at = None
    if me.role == PATIENT:
        _went_away(call)


def close(call: Call, me: Participant | None, client_id: str) -> None:
    """A page said by a request that it closes, for the line goes down with it. One that was taken over is not heard."""
    if me is None or (me.client_id or "") != client_id or me.seen_at is None or call.state in states.OVER:
        return
    leave(call, me)
    me.client_id = None  # what it said before may still be on its way, and must not bring it back
    if me.admitted_at is not None:
        service.tell(call, "left")


def sweep() -> int:
    """Mark the calls whose patient has not been heard of; answers how many. The page may be asleep, and come back."""
    silent = _silent(utcnow())
    for call in silent:
        _went_away(call)
    gone = db.session().scalars(
        select(Call).where(
            Call.state.in_((states.WAITING, states.READY)),
            Call.patient_away_since < utcnow() - HERE_FOR,
            Call.scheduled_at > utcnow() + service.EARLY,
        )
    )
    for call in gone.all():
        service.leave_early(call)
    return len(silent)


def _silent(now: datetime) -> list[Call]:
    """Who waits and has not been heard of, by any of their links."""
    of_call = (Participant.call_id == Call.id) & (Participant.practice_id == Call.practice_id)
    waiting = (
        select(Call, Participant)
        .join(Participant, of_call)
        .where(
            Call.state.in_((states.WAITING, states.READY)),
            Call.patient_away_since.is_(None),
            Participant.role == PATIENT,
            Participant.left_at.is_(None),
        )
    )
    found = db.session().execute(waiting).all()
    heard = {call.id for call, person in found if _was_heard(call, person, now)}
    return list({call.id: call for call, _person in found if call.id not in heard}.values())


def _was_heard(call: Call, person: Participant, now: datetime) -> bool:
    # Whoever opened the link and never asked for anything more is gone, too; who is ready has asked.
    seen = person.seen_at or (call.waiting_at if call.state == states.WAITING else now)
    return seen is None or seen >= now - (HERE_FOR if person.client_id else QUIET_FOR)


def _went_away(call: Call) -> None:
    if call.state in (states.WAITING, states.READY) and call.patient_away_since is None:
        call.patient_away_since = utcnow()
        service.tell(call, "away")


def talking(call: Call) -> bool:
    """May sound and pictures flow? During a hold the connections stay, without any."""
    return call.state in states.TALKING or (call.state == states.ON_HOLD and call.held_from in states.TALKING)


def may_meet(call: Call, one: Participant, other: Participant) -> bool:
    """May these two connect to each other now?"""
    both = (one, other)
    return (
        one.id != other.id
        and one.call_id == other.call_id == call.id
        and all(p.admitted_at is not None and p.left_at is None for p in both)
        and talking(call)
    )


def preparing(call: Call, me: Participant) -> bool:
    """May this page get a connection ready, through which nothing is sent before the patient is let in?"""
    return (
        call.state == states.READY
        and me.left_at is None
        and (me.role == PATIENT or (me.role == CLINICIAN and me.actor_id == call.clinician_id))
    )


def may_prepare(call: Call, one: Participant, other: Participant) -> bool:
    """May these two, the patient in the waiting room and who holds the call?"""
    return (
        one.call_id == other.call_id == call.id
        and {one.role, other.role} == {CLINICIAN, PATIENT}
        and preparing(call, one)
        and preparing(call, other)
    )


def others(me: Me | Participant) -> Sequence[Participant]:
    """Everybody else who takes part; guests once they were let in."""
    return [
        person
        for person in participants.all_of(me.call_id)
        if person.id != me.id and person.left_at is None and person.admitted_at is not None
    ]


def me_of(person: Participant) -> Me:
    """The participant as handlers pass them on."""
    return Me(person.id, person.call_id, person.role, person.name, person.actor_id)


def shown(person: Participant) -> dict[str, Any]:
    """What the other pages know of somebody."""
    return {
        "id": str(person.id),
        "role": person.role,
        "name": person.name,
        "as_what": person.as_what,
        "client_id": person.client_id,
        "generation": person.generation,
        "here": participants.is_here(person),
        "devices": person.devices,
    }


def view(call: Call, me: Participant) -> dict[str, Any]:
    """How the call stands, for the page of ``me``."""
    return {
        "me": {"id": str(me.id), "role": me.role, "name": me.name},
        "state": call.state,
        "talking": talking(call) and me.admitted_at is not None,
        "preparing": preparing(call, me),
        "generation": me.generation,
        "peers": [shown(person) for person in others(me)] if me.admitted_at is not None else [],
    }


def tell(context: SocketContext, person_id: UUID, name: str, data: dict[str, Any]) -> None:
    """Send to one participant's page. Leave the scope before."""
    context.emit(topic(PEER, person_id), name, data)
