"""The messages that patients receive. Practices may reword them. Texts for SMS keep to the letters of GSM-7."""

from __future__ import annotations

from typing import Final

from core.sdk import Template, _l

INVITATION: Final = "symptom_diary.invitation"
REMINDER: Final = "symptom_diary.reminder"

_VARIABLES: Final = {
    "practice": _l("Name of the practice"),
    "patient": _l("First names of the patient (e-mail only)"),
    "link": _l("The link that the patient opens"),
    "last_day": _l("Last day of the diary"),
}

TEMPLATES: Final = (
    Template(
        name=INVITATION,
        title=_l("Symptom diary: invitation"),
        subject=_l("{practice} asks how you are, day by day"),
        text=_l(
            "Hello {patient},\n\n"
            "{practice} would like to know how you are, for some days. It takes a minute a day. "
            "Open this link to write today's entry:\n\n"
            "{link}\n\n"
            "We remind you each day until {last_day}. The link is meant for you alone: please do not pass it on.\n\n"
            "This is not for emergencies. If you get worse, call the practice or the emergency number.\n\n"
            "{practice}"
        ),
        sms=_l("{practice} would like to know how you are, a minute a day until {last_day}: {link}"),
        variables=_VARIABLES,
        channels=("sms", "email"),
    ),
    Template(
        name=REMINDER,
        title=_l("Symptom diary: daily reminder"),
        subject=_l("How are you today?"),
        text=_l(
            "Hello {patient},\n\n"
            "How are you today? Open this link to write today's entry:\n\n"
            "{link}\n\n"
            "This is not for emergencies. If you get worse, call the practice or the emergency number.\n\n"
            "{practice}"
        ),
        sms=_l("{practice}: how are you today? Your diary: {link}"),
        variables={name: _VARIABLES[name] for name in ("practice", "patient", "link")},
        channels=("sms", "email"),
    ),
)
