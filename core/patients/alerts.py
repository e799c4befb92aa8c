"""Alerts: what whoever deals with a patient must know at once; beside the name until somebody resolves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select

from core import audit, db
from core.errors import Refused
from core.i18n import LazyString, _, _l
from core.patients.models import Patient, PatientAlert
from core.patients.service import TOPIC
from core.realtime.events import publish, topic

Level = Literal["note", "warning"]

LONGEST: Final = 120
MOST_OPEN: Final = 12
USUAL: Final[tuple[LazyString, ...]] = (
    _l("Hard of hearing"),
    _l("Partially sighted"),
    _l("Needs an interpreter"),
    _l("Leave no messages with others"),
    _l("Call before sending texts"),
    _l("Carer speaks for the patient"),
)
"""What is offered while somebody types; anything else may be typed."""


class AlertRefused(Refused):
    """An alert that cannot be kept; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "alert_refused", status=422)


def open_alerts(patient_id: UUID) -> Sequence[PatientAlert]:
    """Those that stand, warnings first, the oldest of each first."""
    standing = [one for one in every(patient_id) if one.resolved_at is None]
    return sorted(standing, key=lambda one: one.level != "warning")


def every(patient_id: UUID) -> Sequence[PatientAlert]:
    """Also those that are resolved, the oldest first. A page that loaded them with the patient asks no more."""
    patient = db.held(Patient, patient_id)
    if patient is not None and "alerts" in patient.__dict__ and not db.is_write():
        return patient.alerts
    wanted = select(PatientAlert).where(PatientAlert.patient_id == patient_id).order_by(PatientAlert.id)
    return list(db.session().scalars(wanted))


def add(patient_id: UUID, text: str, level: Level = "note") -> PatientAlert:
    """Put up an alert; the same words twice are one, a warning where either was. Raises AlertRefused."""
    words = " ".join(text.split())
    if not words:
        raise AlertRefused(_("Write what the others must know."))
    if len(words) > LONGEST:
        raise AlertRefused(_("Shorten the alert to at most %(num)d characters.", num=LONGEST))
    standing = open_alerts(patient_id)
    known = next((one for one in standing if one.text.casefold() == words.casefold()), None)
    if known is not None:
        if level == "warning" and known.level != "warning":
            known.level = level
            _tell("patient.alert_raised", known)
        return known
    if len(standing) >= MOST_OPEN:
        raise AlertRefused(_("So many alerts are not read any more. Resolve one first."))
    made = PatientAlert(patient_id=patient_id, text=words, level=level, added_by=audit.actor().name[:160])
    db.session().add(made)
    db.session().flush()
    _tell("patient.alert_added", made)
    return made


def resolve(patient_id: UUID, alert_id: UUID) -> None:
    """It does not hold any more; twice is once. Raises LookupError when the patient has no such alert."""
    found = db.get(PatientAlert, alert_id)
    if found is None or found.patient_id != patient_id:
        raise LookupError("no such alert of this patient")
    if found.resolved_at is None:
        found.resolved_at, found.resolved_by = db.utcnow(), audit.actor().name[:160]
        _tell("patient.alert_resolved", found)


def _tell(action: str, alert: PatientAlert) -> None:
    # The words stay in the record: the trail says that there was one.
    audit.record(action, patient_id=alert.patient_id, subject=("core.patient_alert", alert.id))
    publish(topic(TOPIC, alert.patient_id), "alerts")
