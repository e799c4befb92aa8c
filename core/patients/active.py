"""Whom somebody has in front of them: one patient a person and practice, the same in all of their windows."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from core import db
from core.patients.models import ActivePatient
from core.realtime.events import publish, topic

TOPIC: Final = "core.active_patient"


def topic_of(user_id: int) -> str:
    """What this person's windows listen to: ``core.active_patient:<user>``, type "changed"."""
    return topic(TOPIC, user_id)


def current(user_id: int) -> UUID | None:
    """The patient whom this user has in front of them in the current practice."""
    return db.session().scalar(select(ActivePatient.patient_id).where(ActivePatient.user_id == user_id))


def become(user_id: int, patient_id: UUID) -> None:
    """This patient is the one now. The patient must exist in the current practice."""
    row = db.session().scalar(select(ActivePatient).where(ActivePatient.user_id == user_id))
    if row is None:
        row = _first(user_id, patient_id)
    row.patient_id, row.at = patient_id, db.utcnow()
    publish(topic_of(user_id), "changed")


def clear(user_id: int) -> None:
    """Nobody is in front of this user any more."""
    db.session().execute(delete(ActivePatient).where(ActivePatient.user_id == user_id))
    publish(topic_of(user_id), "changed")


def _first(user_id: int, patient_id: UUID) -> ActivePatient:
    try:
        with db.savepoint():
            made = ActivePatient(user_id=user_id, patient_id=patient_id)
            db.session().add(made)
            db.session().flush()
            return made
    except IntegrityError:  # another window was quicker
        return db.session().scalars(select(ActivePatient).where(ActivePatient.user_id == user_id)).one()
