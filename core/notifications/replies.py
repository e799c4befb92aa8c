"""STOP and START: what a patient answers to a text counts as their consent, wherever the number is known.

All practices of an installation send from one number (or one messaging service), and it is that sender whom the
provider stops for the patient's number. So a STOP refuses texts in every practice that has the number: whatever one of
them still sent, the provider would turn down. START gives back what STOP took, and nothing that a patient told the
staff of a practice. See docs/decisions/0012.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

import structlog

from core import audit, tenancy
from core.patients import contact_states
from core.patients.contact_states import ConsentHow

Word = Literal["stop", "start"]

# What Twilio itself takes for one or the other, and what French networks teach people to answer.
_STOP: Final = frozenset(
    {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "arret", "arreter"}
)
_START: Final = frozenset({"start", "unstop", "yes"})
_LETTERS: Final = re.compile(r"[^a-z]+")
_PATIENT: Final = audit.Actor("patient", "text", "patient")

log = structlog.get_logger(__name__)


def word_in(text: str) -> Word | None:
    """Is the whole text a STOP or a START? Accents, spaces, dots and capitals make no difference."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    said = _LETTERS.sub("", plain)
    return "stop" if said in _STOP else "start" if said in _START else None


def take(number: str, word: Word) -> int:
    """Note an answer from this number (E.164) with every patient who has it; how many it changed."""
    return stop(number, "reply") if word == "stop" else _start(number)


def stop(number: str, how: ConsentHow) -> int:
    """No more texts to this number. how: "reply", or "provider" when only it knows. Opens scopes of its own."""
    changed = 0
    for practice_id, patient_id in contact_states.holders_of(number):
        with tenancy.practice_scope(practice_id), audit.use_actor(_PATIENT):
            changed += contact_states.set_consent(patient_id, "sms", "refused", how=how)
    log.info("texts.stopped", how=how, patients=changed)
    return changed


def _start(number: str) -> int:
    changed = 0
    for practice_id, patient_id in contact_states.holders_of(number):
        with tenancy.practice_scope(practice_id), audit.use_actor(_PATIENT):
            if contact_states.refused_by_themselves(patient_id, "sms"):
                changed += contact_states.set_consent(patient_id, "sms", "given", how="reply")
    log.info("texts.started", patients=changed)
    return changed
