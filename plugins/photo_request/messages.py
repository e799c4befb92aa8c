"""The messages that patients receive. Practices may reword them; the variables are what they may use.

The texts for SMS stay in one segment: short, and in French without ç, ê and the like, which would halve the room.
"""

from __future__ import annotations

from typing import Final

from core.sdk import LazyString, Template, _l

INVITATION: Final = "photo_request.invitation"
CONFIRMATION: Final = "photo_request.confirmation"
RETAKE: Final = "photo_request.retake"

_PRACTICE = _l("Name of the practice")
_LINK = _l("The link that the patient opens")
_EXPIRES = _l("Last day on which the link works")
_NOTE = _l("What the clinician wrote to the patient; may be empty")
_SAMPLES: Final = {
    "patient": _l("Sam"),
    "expires": _l("30 November"),
    "note": _l("Both elbows, please."),
    "reason": _l("The photo is blurred. Please hold the phone still and try again."),
    "count": "3",
}


def _samples(*names: str) -> dict[str, LazyString | str]:
    return {name: _SAMPLES[name] for name in names}


TEMPLATES: Final = (
    Template(
        name=INVITATION,
        title=_l("Photo request"),
        subject=_l("{practice} asks you for photos"),
        text=_l(
            "Hello {patient},\n\n"
            "{practice} asks you to send photos for your care. Open this link, enter your date of birth and follow "
            "the steps. You do not need an app.\n\n"
            "{link}\n\n"
            "{note}\n\n"
            "The link works until {expires}. It is meant for you alone: please do not pass it on.\n\n"
            "This is not for emergencies. If you get worse, call the practice or the emergency number.\n\n"
            "{practice}"
        ),
        sms=_l("{practice} asks you to send photos: {link} No app needed. Valid until {expires}. {note}"),
        variables={
            "practice": _PRACTICE,
            "patient": _l("First names of the patient (e-mail only)"),
            "link": _LINK,
            "expires": _EXPIRES,
            "note": _NOTE,
        },
        channels=("sms", "email"),
        samples=_samples("patient", "expires", "note"),
    ),
    Template(
        name=RETAKE,
        title=_l("Photo request: please take photos again"),
        subject=_l("{practice} asks you for a new photo"),
        text=_l(
            "Hello {patient},\n\n"
            "Thank you for your photos. {practice} needs a new one: {reason}\n\n"
            "Open this link to send it:\n\n"
            "{link}\n\n"
            "{note}\n\n"
            "The link works until {expires}. It is meant for you alone: please do not pass it on.\n\n"
            "{practice}"
        ),
        sms=_l("{practice} needs a new photo. {reason} {link} Valid until {expires}. {note}"),
        variables={
            "practice": _PRACTICE,
            "patient": _l("First names of the patient (e-mail only)"),
            "reason": _l("Why a new photo is needed, in a sentence"),
            "link": _LINK,
            "expires": _EXPIRES,
            "note": _NOTE,
        },
        channels=("sms", "email"),
        samples=_samples("patient", "reason", "expires", "note"),
    ),
    Template(
        name=CONFIRMATION,
        title=_l("Photos received"),
        subject=_l("{practice} has received your photos"),
        text=_l(
            "Hello {patient},\n\n"
            "Your photos have arrived safely at {practice}. Photos received: {count}.\n\n"
            "A clinician will look at them and contact you if something is needed. "
            "If you get worse, do not wait: call the practice or the emergency number.\n\n"
            "{practice}"
        ),
        sms=_l("{practice}: your photos have arrived safely ({count}). A clinician will look at them."),
        variables={
            "practice": _PRACTICE,
            "patient": _l("First names of the patient (e-mail only)"),
            "count": _l("How many photos have arrived"),
        },
        channels=("sms", "email"),
        samples=_samples("patient", "count"),
    ),
)
