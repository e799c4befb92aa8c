"""What the demonstration begins with: a patient in the waiting room, a consultation of before, one for later."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from core.sdk import Patient, db, tenancy
from plugins.video_call import sample, service
from plugins.video_call.models import Call


def seed(practice_id: UUID) -> None:
    """Make the calls unless there is one. Acts as whoever the actor is; opens its own scopes."""
    with tenancy.practice_scope(practice_id, write=False) as session:
        if session.scalar(select(Call.id).limit(1)) is not None:
            return
        reachable = select(Patient.id).where(Patient.email.is_not(None)).order_by(Patient.id).limit(3)
        ready, earlier, later = session.scalars(reachable).all()
    _held(practice_id, sample.invite(practice_id, earlier))
    sample.bring_to_waiting_room(practice_id, sample.invite(practice_id, ready))
    sample.invite(practice_id, later, in_hours=2)


def _held(practice_id: UUID, call_id: UUID) -> None:
    """A consultation of an hour ago that took eleven minutes."""
    sample.bring_into_call(practice_id, call_id)
    with tenancy.practice_scope(practice_id):
        call = db.session().get_one(Call, (practice_id, call_id))
        service.end(call, "clinician")
        service.finish(call, "completed")
        for name, minutes in (
            ("waiting_at", 64),
            ("ready_at", 63),
            ("admitted_at", 61),
            ("connected_at", 61),
        ):
            setattr(call, name, call.created_at - timedelta(minutes=minutes))
        call.ended_at = call.created_at - timedelta(minutes=50)
