"""Who takes part in a call. Roles come from the session: a user's id, or the id of the link that opened the page."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy import select

from core.sdk import db, topic, utcnow
from plugins.video_call.models import CLINICIAN, GUEST, PATIENT, Call, Participant

HERE_FOR: Final = timedelta(seconds=20)


def id_for(call_id: UUID, actor_id: str) -> UUID:
    """The participant's id that this session has or will have: pages may hear of it before it takes part."""
    return uuid5(call_id, actor_id)


def topics(call_id: UUID, actor_id: str) -> tuple[str, str]:
    """What a call's page of this session hears: ``live(*participants.topics(call.id, audit.actor().id))``."""
    return topic("video_call.call", call_id), topic("video_call.peer", id_for(call_id, actor_id))


def of_actor(call_id: UUID, actor_id: str) -> Participant | None:
    """The participant that this session is, or None."""
    return db.session().scalar(
        select(Participant).where(Participant.call_id == call_id, Participant.actor_id == actor_id)
    )


def all_of(call_id: UUID) -> list[Participant]:
    """Everybody who takes or took part, in the order in which they were added."""
    return list(
        db.session().scalars(
            select(Participant)
            .where(Participant.call_id == call_id)
            .order_by(Participant.created_at, Participant.id)
        )
    )


def with_role(call_id: UUID, role: str) -> Participant | None:
    """The participant with this role who is still part of it; the newest, where there are several."""
    return db.session().scalar(
        select(Participant)
        .where(Participant.call_id == call_id, Participant.role == role, Participant.left_at.is_(None))
        .order_by(Participant.created_at.desc(), Participant.id.desc())
        .limit(1)
    )


def is_here(one: Participant) -> bool:
    """Is their page in the room just now? A patient's is not yet, as long as they read or check their devices."""
    is_in = one.client_id is not None or one.role == GUEST
    return is_in and one.seen_at is not None and one.seen_at > utcnow() - HERE_FOR


def make_room(call: Call, me: Participant) -> list[UUID]:
    """There is one patient and one holder in a call: who had this place before has it no longer. Answers who that is.

    A patient may come by another of their links, since each message has its own. A clinician who handed the call over
    leaves when the new holder is there, and whoever only waited for the patient when somebody else lets them in.
    """
    if me.role != PATIENT and not (me.role == CLINICIAN and me.actor_id == call.clinician_id):
        return []
    older = [
        one for one in all_of(call.id) if one.role == me.role and one.id != me.id and one.left_at is None
    ]
    for one in older:
        one.left_at, one.client_id, one.seen_at = utcnow(), None, None
    return [one.id for one in older]


def add(call: Call, role: str, actor_id: str, name: str, *, as_what: str | None = None) -> Participant:
    """Somebody takes part from now on; whoever does already is answered as they are."""
    known = of_actor(call.id, actor_id)
    if known is not None:
        known.left_at = None
        return known
    admitted = utcnow() if role in (CLINICIAN, PATIENT) else None  # guests are let in one by one
    made = Participant(
        id=id_for(call.id, actor_id),
        call_id=call.id,
        role=role,
        actor_id=actor_id,
        name=name,
        as_what=as_what,
        admitted_at=admitted,
    )
    db.session().add(made)
    db.session().flush()
    return made
