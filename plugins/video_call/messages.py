"""The messages that patients and guests receive. Practices may reword them; the variables are what they may use.

The texts for SMS stay short, and in French without ç, ê and the like, which would halve the room.
"""

from __future__ import annotations

from typing import Final

from core.sdk import LazyString, Template, _l

INVITATION: Final = "video_call.invitation"
PLANNED: Final = "video_call.planned"
GUEST: Final = "video_call.guest"
AFTERWARDS: Final = "video_call.afterwards"
REMINDER: Final = "video_call.reminder"

_PRACTICE = _l("Name of the practice")
_PATIENT = _l("First names of the patient (e-mail only)")
_CLINICIAN = _l("Name of the clinician")
_LINK = _l("The link that the patient opens")
_EXPIRES = _l("Last day on which the link works")
_NOTE = _l("What the practice wrote to the patient; may be empty")
_WHEN = _l("Day and time of the consultation")
_SAMPLES: Final = {
    "patient": _l("Sam"),
    "clinician": _l("Dr Hannah Reid"),
    "expires": _l("30 November"),
    "note": _l("Please have your medicines at hand."),
    "when": _l("30 November, 10:20"),
    "guest": _l("Alex Berg"),
    "role": _l("Interpreter"),
}


def _samples(*names: str) -> dict[str, LazyString | str]:
    return {name: _SAMPLES[name] for name in names}


TEMPLATES: Final = (
    Template(
        name=INVITATION,
        title=_l("Video consultation: invitation for now"),
        subject=_l("{practice} invites you to a video consultation"),
        text=_l(
            "Hello {patient},\n\n"
            "{clinician} would like to speak with you by video. Open this link on a phone, tablet or computer with a "
            "camera, enter your date of birth and follow the steps. You do not need an app.\n\n"
            "{link}\n\n"
            "{note}\n\n"
            "The link works until {expires}. It is meant for you alone: please do not pass it on.\n\n"
            "This is not for emergencies. If you get worse, call the practice or the emergency number.\n\n"
            "{practice}"
        ),
        sms=_l("{practice} invites you to a video call: {link} No app needed. Valid until {expires}. {note}"),
        action=_l("Open the video consultation"),
        variables={
            "practice": _PRACTICE,
            "patient": _PATIENT,
            "clinician": _CLINICIAN,
            "link": _LINK,
            "expires": _EXPIRES,
            "note": _NOTE,
        },
        channels=("sms", "email"),
        urgent=True,
        samples=_samples("patient", "clinician", "expires", "note"),
    ),
    Template(
        name=PLANNED,
        title=_l("Video consultation: planned for later"),
        subject=_l("Your video consultation with {practice}"),
        text=_l(
            "Hello {patient},\n\n"
            "your video consultation with {clinician} is planned for {when}. Keep this message: a few minutes before, "
            "open this link on a phone, tablet or computer with a camera, and enter your date of birth. You do not "
            "need an app.\n\n"
            "{link}\n\n"
            "{note}\n\n"
            "It is meant for you alone: please do not pass it on. If you cannot come, please call us.\n\n"
            "{practice}"
        ),
        sms=_l("{practice}: video call on {when}. Open a few minutes before: {link} No app needed. {note}"),
        action=_l("Open the video consultation"),
        variables={
            "practice": _PRACTICE,
            "patient": _PATIENT,
            "clinician": _CLINICIAN,
            "when": _WHEN,
            "link": _LINK,
            "note": _NOTE,
        },
        channels=("sms", "email"),
        samples=_samples("patient", "clinician", "when", "note"),
    ),
    Template(
        name=REMINDER,
        title=_l("Video consultation: reminder"),
        subject=_l("Reminder: your video consultation with {practice}"),
        text=_l(
            "Hello {patient},\n\n"
            "this is to remind you of your video consultation with {clinician}: {when}. A few minutes before, open "
            "this link on a phone, tablet or computer with a camera, and enter your date of birth. You do not need "
            "an app. The link that we sent you before works, too.\n\n"
            "{link}\n\n"
            "It is meant for you alone: please do not pass it on. If you cannot come, please call us.\n\n"
            "{practice}"
        ),
        sms=_l("{practice}: reminder of your video call on {when}. Open a few minutes before: {link}"),
        action=_l("Open the video consultation"),
        variables={
            "practice": _PRACTICE,
            "patient": _PATIENT,
            "clinician": _CLINICIAN,
            "when": _WHEN,
            "link": _LINK,
        },
        channels=("sms", "email"),
        samples=_samples("patient", "clinician", "when"),
    ),
    Template(
        name=GUEST,
        title=_l("Video consultation: invitation of a guest"),
        subject=_l("{practice} invites you to a video consultation"),
        text=_l(
            "Hello {guest},\n\n"
            "{practice} asks you to take part in a video consultation. Your part: {role}. Open this link on a phone, "
            "tablet or computer with a camera. You do not need an app. The clinician lets you in.\n\n"
            "{link}\n\n"
            "It is meant for you alone: please do not pass it on.\n\n"
            "{practice}"
        ),
        sms=_l("{practice} asks you to join a video call ({role}): {link} No app needed."),
        action=_l("Join the video consultation"),
        variables={
            "practice": _PRACTICE,
            "guest": _l("Name of the guest (e-mail only)"),
            "role": _l("What the guest is: interpreter, relative, colleague"),
            "link": _l("The link that the guest opens"),
        },
        channels=("sms", "email"),
        urgent=True,
        samples=_samples("guest", "role"),
    ),
    Template(
        name=AFTERWARDS,
        title=_l("Video consultation: documents to fetch"),
        subject=_l("Documents from your video consultation with {practice}"),
        text=_l(
            "Hello {patient},\n\n"
            "there are documents from your video consultation. Open this link and enter your date of birth to read "
            "them.\n\n"
            "{link}\n\n"
            "The link works until {expires}. It is meant for you alone: please do not pass it on.\n\n"
            "{practice}"
        ),
        sms=_l("{practice}: documents from your video call are ready: {link} Valid until {expires}."),
        action=_l("Read the documents"),
        variables={"practice": _PRACTICE, "patient": _PATIENT, "link": _LINK, "expires": _EXPIRES},
        channels=("sms", "email"),
        samples=_samples("patient", "expires"),
    ),
)
