"""What this plugin takes from sockets. Roles come from the session, never from a message; peers ask, we decide."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from core.sdk import SocketContext, SocketEvent, SocketRefused
from plugins.video_call import controls, line_log, mailbox, presence, said, service, states, turn
from plugins.video_call.models import CLINICIAN, PATIENT, Call, Participant


def enter(context: SocketContext, asked: said.Enter) -> dict[str, Any]:
    """The page takes part: who is there, how they may be reached, and what waited for it."""
    with context.scope():
        call, me, older, left = presence.enter(context, asked)
        if older:
            mailbox.empty(me)
        answer = presence.view(call, me) | {"ice": turn.ice(call, me), "mailbox": mailbox.of(me)}
        person, others, mine = presence.shown(me), [p.id for p in presence.others(me)], me.id
        is_in = me.admitted_at is not None
    for place in (*left, mine) if older else left:  # another page of the same person has it now
        presence.tell(
            context, place, "video_call.taken_over", {"call": str(asked.call), "by": asked.client_id}
        )
    for other in others if is_in else ():
        presence.tell(context, other, "video_call.person", {"call": str(asked.call), "person": person})
    return answer


def look(context: SocketContext, asked: said.Look) -> dict[str, Any]:
    """How the call stands now."""
    with context.scope(write=False):
        call, me = presence.find(context, asked.call)
        return presence.view(call, me) | {"ice": turn.ice(call, me)}


def signal(context: SocketContext, asked: said.Signal) -> None:
    """Hand a signal on to another page of this call."""
    with context.scope(durable=False):
        call, me, other = presence.pair(context, asked.call, asked.client_id, asked.to)
        if other is None or not _may_signal(call, me, other, asked):
            raise SocketRefused("not_allowed")
        if other.client_id != asked.to_client:
            raise SocketRefused("gone")  # meant for a page that is no more
        written = mailbox.put(me, other, asked)
    presence.tell(context, asked.to, "video_call.signal", {"call": str(asked.call), "signal": written})


def _may_signal(call: Call, me: Participant, other: Participant, asked: said.Signal) -> bool:
    """Once the patient is let in; before that only what makes a connection ready and names no address."""
    if presence.may_meet(call, me, other):
        return True
    return presence.may_prepare(call, me, other) and said.names_no_address(asked.body)


def ack(context: SocketContext, asked: said.Ack) -> None:
    """These signals have arrived."""
    with context.scope(durable=False):
        _call, me = presence.find(context, asked.call)
        mailbox.take(me, asked.ids)


def here(context: SocketContext, asked: said.Here) -> None:
    """The page is there, and this is what the others see of it."""
    with context.scope(write=False):
        call, me = presence.current(context, asked.call, asked.client_id)
        others, mine, is_in = [p.id for p in presence.others(me)], me.id, me.admitted_at is not None
        due = presence.is_due(call, me)
    if due:
        with context.scope(durable=False):
            presence.here(*presence.current(context, asked.call, asked.client_id))
    for other in others if is_in else ():
        state = asked.state.model_dump()
        presence.tell(
            context, other, "video_call.here", {"call": str(asked.call), "from": str(mine), "state": state}
        )


def leave(context: SocketContext, asked: said.Leave) -> None:
    """The page closes."""
    with context.scope():
        call, me = presence.current(context, asked.call, asked.client_id)
        presence.leave(call, me)
        person, others = presence.shown(me), [p.id for p in presence.others(me)]
    for other in others:
        presence.tell(context, other, "video_call.person", {"call": str(asked.call), "person": person})


def flowing(context: SocketContext, asked: said.Flowing) -> None:
    """Media flows: from now on it is a call."""
    with context.scope():
        call, me = presence.find(context, asked.call)
        if me.role == CLINICIAN:
            service.connect(call, "clinician")
        elif me.role == PATIENT:
            service.connect(call, "patient")


def line(context: SocketContext, asked: said.Line) -> None:
    """An entry of the call's log."""
    with context.scope():
        call, me = presence.find(context, asked.call)
        if call.state in states.OVER:
            raise SocketRefused("over")
        line_log.note(call.id, me.role, asked)


def control(context: SocketContext, asked: said.Control) -> dict[str, Any] | None:
    """Something is asked of another page."""
    me = _talker(context, asked.call)
    return controls.handle(context, asked.call, me.id, asked.kind, asked.body)


def stroke(context: SocketContext, asked: said.Stroke) -> dict[str, Any] | None:
    """An operation on a board."""
    me = _talker(context, asked.call)
    return controls.draw(context, asked, me.id)


def _talker(context: SocketContext, call_id: UUID) -> presence.Me:
    """Who asks, provided that they are let in and the call is on."""
    with context.scope(write=False):
        call, me = presence.find(context, call_id)
        if me.admitted_at is None or call.state not in states.HERE:
            raise SocketRefused("not_allowed")
        return presence.me_of(me)


_PEER: Final = (presence.PEER,)

EVENTS: Final = (
    SocketEvent("video_call.enter", said.Enter, enter, said.SMALL_BYTES, rate=1, burst=8, sends=_PEER),
    SocketEvent("video_call.look", said.Look, look, said.SMALL_BYTES, rate=4, burst=16),
    SocketEvent("video_call.signal", said.Signal, signal, said.SIGNAL_BYTES, rate=15, burst=90, sends=_PEER),
    SocketEvent("video_call.ack", said.Ack, ack, said.SMALL_BYTES + 4096, rate=10, burst=40),
    SocketEvent("video_call.here", said.Here, here, said.SMALL_BYTES, rate=2, burst=10, sends=_PEER),
    SocketEvent("video_call.leave", said.Leave, leave, said.SMALL_BYTES, rate=1, burst=4, sends=_PEER),
    SocketEvent("video_call.flowing", said.Flowing, flowing, said.SMALL_BYTES, rate=1, burst=6),
    SocketEvent("video_call.line", said.Line, line, said.SMALL_BYTES, rate=1, burst=20),
    SocketEvent("video_call.control", said.Control, control, said.SMALL_BYTES, rate=5, burst=20, sends=_PEER),
    SocketEvent("video_call.stroke", said.Stroke, stroke, said.STROKE_BYTES, rate=20, burst=60, sends=_PEER),
)


def sweep() -> None:
    """Now and then: what nobody fetched, and who went away without a word."""
    mailbox.sweep()
    presence.sweep()
