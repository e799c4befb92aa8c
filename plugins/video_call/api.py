"""What other plugins may call: plan, move and take back consultations, and learn how they stand.

A plugin that books appointments says ``uses=("video_call",)`` in its manifest and plans a call for each; it hears what
comes of it by the hooks in :mod:`plugins.video_call.hookspecs`. Everything here is for the current practice and runs in
the caller's transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from core.sdk import Patient, url_for
from plugins.video_call import invitations, service
from plugins.video_call.contexts import CallContext, NotHeldContext, OutcomeContext
from plugins.video_call.errors import CallError, CannotInvite, WrongState
from plugins.video_call.invitations import Wish
from plugins.video_call.models import Call

INVITE: Final = "video_call.invite"
CONDUCT: Final = "video_call.conduct"

__all__ = [
    "CONDUCT",
    "INVITE",
    "CallContext",
    "CallError",
    "CannotInvite",
    "Consultation",
    "NotHeldContext",
    "OutcomeContext",
    "Wish",
    "WrongState",
    "cancel",
    "find",
    "invite",
    "move",
    "page_url",
]


@dataclass(frozen=True, slots=True)
class Consultation:
    """How a consultation stands at this moment.

    state: one of :mod:`plugins.video_call.states`. holder_id: the user who holds it, as text. outcome: "completed",
    "unsuccessful", or None as long as nobody has said.
    """

    id: UUID
    patient_id: UUID
    state: str
    holder_id: str
    holder_name: str
    scheduled_at: datetime | None
    ended_at: datetime | None
    outcome: str | None


def invite(patient: Patient, wish: Wish, *, id: UUID | None = None) -> Consultation:
    """Invite a patient, now or for ``wish.at``; they get the message with the link.

    id: the same id invites once, however often it is asked. Raises CannotInvite (no way to reach the patient, a time
    in the past or too far ahead) and ``notifications.NotificationError``.
    """
    return _as_it_stands(invitations.invite(patient, wish, id=id))


def move(id: UUID, at: datetime) -> Consultation:
    """Plan it for another time. The patient gets a new message; the link of the one before stops working.

    Raises LookupError, WrongState once the patient is here or it is over, CannotInvite.
    """
    call = _known(id)
    invitations.move(call, at)
    return _as_it_stands(call)


def cancel(id: UUID) -> Consultation:
    """Take it back: the link stops working, messages that wait are not sent. Raises LookupError, WrongState."""
    call = _known(id)
    service.cancel(call)
    return _as_it_stands(call)


def find(id: UUID) -> Consultation | None:
    """How it stands, or None where this practice has no such consultation."""
    call = service.get(id)
    return None if call is None else _as_it_stands(call)


def page_url(id: UUID) -> str:
    """The staff's page of the consultation, for those with the permission CONDUCT. Needs a request."""
    return url_for("video_call.call", call_id=id)


def _known(id: UUID) -> Call:
    call = service.get(id)
    if call is None:
        raise LookupError(f"no consultation {id} in this practice")
    return call


def _as_it_stands(call: Call) -> Consultation:
    return Consultation(
        id=call.id,
        patient_id=call.patient_id,
        state=service.state_of(call),
        holder_id=call.clinician_id,
        holder_name=call.clinician_name,
        scheduled_at=call.scheduled_at,
        ended_at=call.ended_at,
        outcome=call.outcome,
    )
