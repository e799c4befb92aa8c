"""How a patient can be written to, and why not: what a form offers before anybody presses anything."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from core.i18n import _
from core.notifications import rules
from core.notifications.errors import ConsentMissing, NoRecipient, NotificationError
from core.notifications.models import CHANNELS, Channel
from core.patients import Patient, contact_states


@dataclass(frozen=True, slots=True)
class Way:
    """A channel to a patient. why_not: a sentence when it cannot be used, else ""."""

    channel: Channel
    address: str | None
    why_not: str
    verified: bool

    @property
    def usable(self) -> bool:
        return not self.why_not


def to(patient: Patient) -> dict[Channel, Way]:
    """Every channel, whether it can be used now or not. One query."""
    states = contact_states.of(patient.id)
    found: dict[Channel, Way] = {}
    for channel in CHANNELS:
        address, state = contact_states.address(patient, channel), states.get(channel)
        problem = _problem(channel, address, state.consent if state else "unknown")
        verified = contact_states.is_verified(state, address)
        found[channel] = Way(channel, address, problem.message if problem else "", verified)
    return found


def check_consent(channel: Channel, patient: Patient | None) -> None:
    """Raises ConsentMissing when the patient does not want this channel, or must be asked first and was not."""
    problem = unwanted(channel, patient.id) if patient is not None else None
    if problem is not None:
        raise problem


def unwanted(channel: str, patient_id: UUID) -> ConsentMissing | None:
    """Why this patient is not to be written to by this channel, as things are now."""
    return _unwanted(channel, contact_states.consent(patient_id, channel))


def _problem(channel: Channel, address: str | None, consent: str) -> NotificationError | None:
    return NoRecipient(channel) if not address else _unwanted(channel, consent)


def _unwanted(channel: str, consent: str) -> ConsentMissing | None:
    if consent == "refused":
        said = (
            _("This patient does not want texts. Telephone, or change the consent in the record.")
            if channel == "sms"
            else _("This patient does not want e-mails. Telephone, or change the consent in the record.")
        )
        return ConsentMissing(channel, said, "consent_refused")
    if consent != "given" and rules.load().only_with_consent:
        said = (
            _("Nobody has asked this patient about texts yet. Ask, and note it in the record.")
            if channel == "sms"
            else _("Nobody has asked this patient about e-mails yet. Ask, and note it in the record.")
        )
        return ConsentMissing(channel, said, "consent_unknown")
    return None
