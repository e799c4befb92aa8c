"""May a patient be written to by text and by e-mail, and does the number or address reach them?"""

from __future__ import annotations

from typing import Final, Literal, get_args
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import audit, db
from core.patients.models import ContactState, Patient
from core.patients.service import TOPIC
from core.realtime.events import publish, topic

Channel = Literal["sms", "email"]
Reached = Literal["sms", "email", "phone"]
"""What is confirmed: also the second phone, which nobody writes to, so that nobody is asked whether they may."""
Consent = Literal["unknown", "given", "refused"]
How = Literal["staff", "link"]
ConsentHow = Literal["staff", "reply", "provider"]

CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)
REACHED: Final[tuple[Reached, ...]] = get_args(Reached)
CONSENTS: Final[tuple[Consent, ...]] = get_args(Consent)


def address(patient: Patient, channel: str) -> str | None:
    """The number or address of a channel."""
    return {"sms": patient.mobile, "email": patient.email, "phone": patient.phone}[channel]


def of(patient_id: UUID) -> dict[str, ContactState]:
    """What is known, by channel; nothing for a channel that nobody has asked about.

    A page that loaded it with the patient asks no more.
    """
    patient = db.held(Patient, patient_id)
    if patient is not None and "contact_states" in patient.__dict__ and not db.is_write():
        return {one.channel: one for one in patient.contact_states}
    found = db.session().scalars(select(ContactState).where(ContactState.patient_id == patient_id))
    return {one.channel: one for one in found}


def held(patient: Patient) -> dict[str, ContactState]:
    """The same for every channel, in a writing scope: nobody else changes them until it ends, not even a STOP."""
    return {each: _row(patient.id, each) for each in REACHED if each in CHANNELS or address(patient, each)}


def consent(patient_id: UUID, channel: str) -> Consent:
    """What the patient said about a channel."""
    said = db.session().scalar(
        select(ContactState.consent).where(
            ContactState.patient_id == patient_id, ContactState.channel == channel
        )
    )
    return said if said in CONSENTS else "unknown"


def is_verified(state: ContactState | None, value: str | None) -> bool:
    """Was this very number or address found to reach the patient?"""
    return state is not None and value is not None and state.verified_value == value


def set_consent(patient_id: UUID, channel: Channel, said: Consent, *, how: ConsentHow = "staff") -> bool:
    """Note what the patient said; False when that was known. Who, when and how is kept."""
    row = _row(patient_id, channel)
    if row.consent == said:
        return False
    row.consent, row.consent_at, row.consent_how = said, db.utcnow(), how
    row.consent_by = audit.actor().name[:160] if how == "staff" else None
    _tell("patient.consent_changed", patient_id, {"channel": channel, "consent": said, "how": how})
    return True


def refused_by_themselves(patient_id: UUID, channel: Channel) -> bool:
    """Was it refused by an answer of the patient's own, and not by what they told the staff?"""
    state = of(patient_id).get(channel)
    return state is not None and state.consent == "refused" and state.consent_how in ("reply", "provider")


def holders_of(mobile: str) -> list[tuple[UUID, UUID]]:
    """The patients of all practices with this mobile number (E.164): (practice id, patient id) each."""
    with db.scope(write=False, across_practices=True) as session:
        rows = session.execute(
            select(Patient.practice_id, Patient.id).where(Patient.mobile == mobile).order_by(Patient.id)
        )
        return [(row.practice_id, row.id) for row in rows]


def verify(patient: Patient, channel: Reached, how: How) -> bool:
    """The number or address that is recorded now reaches the patient; False when that was known, or there is none."""
    value = address(patient, channel)
    if value is None:
        return False
    row = _row(patient.id, channel)
    if row.verified_value == value:
        return False
    row.verified_value, row.verified_at, row.verified_how = value, db.utcnow(), how
    _tell("patient.contact_verified", patient.id, {"channel": channel, "how": how})
    return True


def doubt(patient: Patient, channel: Reached) -> bool:
    """It is not sure any more that the number or address reaches the patient; False when it never was."""
    row = _row(patient.id, channel)
    if row.verified_value is None:
        return False
    row.verified_value = row.verified_at = row.verified_how = None
    _tell("patient.contact_doubted", patient.id, {"channel": channel})
    return True


def _row(patient_id: UUID, channel: str) -> ContactState:
    wanted = (
        select(ContactState)
        .where(ContactState.patient_id == patient_id, ContactState.channel == channel)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = db.session().scalar(wanted)
    if found is not None:
        return found
    try:
        with db.savepoint():
            made = ContactState(patient_id=patient_id, channel=channel, consent="unknown")
            db.session().add(made)
            db.session().flush()
            return made
    except IntegrityError:  # somebody else was quicker
        return db.session().scalars(wanted).one()


def _tell(action: str, patient_id: UUID, detail: dict[str, str]) -> None:
    audit.record(action, patient_id=patient_id, detail=detail)
    publish(topic(TOPIC, patient_id), "changed")
