"""The core's own panels of the patient workspace: contact details and the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from markupsafe import Markup

from core import db, i18n, notifications, patients, plugin_system, tenancy
from core.i18n import _, _l, ngettext
from core.notifications import Notification
from core.patients import Patient, TimelineEntry, birth_dates, nhs_number
from core.patients import ins as ins_numbers
from core.plugin_system import Panel, PatientContext
from core.web.pages import render

PERMISSION: Final = "core.view_patients"
SHOWN_AT_ONCE: Final = 10
MOST_ENTRIES: Final = 100

_MESSAGE_STATES: Final = {
    "queued": _l("Waiting to be sent"),
    "sending": _l("On its way"),
    "sent": _l("Sent"),
    "delivered": _l("Delivered"),
    "failed": _l("Did not arrive"),
    "dead": _l("Could not be sent"),
    "cancelled": _l("Cancelled before it was sent"),
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the page is about: what a clinician compares before doing anything."""

    name: str
    initials: str
    birth_date: date
    age: str
    sex: str
    numbers: list[tuple[str, str]]
    is_test: bool
    active: bool


def identity(patient: Patient) -> Identity:
    """The identity in words. Copied out, so that it can be shown whatever becomes of the session."""
    held = patient.identifier(patients.NHS_NUMBER)
    return Identity(
        name=patient.display_name,
        initials=patient.initials,
        birth_date=patient.birth_date,
        age=age_in_words(patient.birth_date),
        sex=sex_in_words(patient.sex),
        numbers=_numbers(patient),
        is_test=held is not None and nhs_number.is_test(held),
        active=patient.active,
    )


def sex_in_words(sex: str) -> str:
    return {"female": _("Female"), "male": _("Male"), "other": _("Other")}.get(sex, _("Sex not recorded"))


def age_in_words(born: date) -> str:
    """In years; of small children in months, of newborns in days, as in clinical use."""
    today = i18n.local(db.utcnow()).date()
    days = (today - born).days
    if days < 28:
        return ngettext("%(num)d day old", "%(num)d days old", days)
    years = birth_dates.age(born, on=today)
    if years < 2:
        months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
        return ngettext("%(num)d month old", "%(num)d months old", months)
    return ngettext("%(num)d year old", "%(num)d years old", years)


def panels(ctx: PatientContext, offered: Iterable[Panel]) -> list[Panel]:
    """Contact details and timeline. The timeline listens to whatever the plugins' panels listen to."""
    own_topic = ctx.topic("core.patient", ctx.patient.id)
    heard = {topic: None for panel in offered if ctx.can(panel.permission) for topic in panel.topics}
    messages = ctx.topic("core.notification", ctx.patient.id)
    return [
        Panel("patient.side", "contact", _l("Contact"), contact, PERMISSION, [own_topic], order=10),
        Panel(
            "patient.side",
            "timeline",
            _l("Timeline"),
            timeline,
            PERMISSION,
            [own_topic, messages, *heard],
            order=900,
        ),
    ]


def contact(ctx: PatientContext) -> Markup:
    """How to reach the patient, and what is missing for it."""
    patient = ctx.patient
    language = patient.language or tenancy.current().language.partition("-")[0]
    return render(
        "patients/contact_panel.html",
        patient=patient,
        language=i18n.LANGUAGES.get(language, language),
        has_own_language=patient.language is not None,
        may_edit=ctx.can("core.edit_patients"),
    )


def timeline(ctx: PatientContext) -> Markup:
    """Everything that happened, from all parts of the house."""
    contributed: list[TimelineEntry] = plugin_system.call("timeline_entries", ctx)
    entries = patients.collect(contributed, _messages(ctx), _own(ctx.patient), limit=MOST_ENTRIES)
    return render("patients/timeline_panel.html", first=entries[:SHOWN_AT_ONCE], rest=entries[SHOWN_AT_ONCE:])


def _numbers(patient: Patient) -> list[tuple[str, str]]:
    numbers = []
    if value := patient.nhs_number:
        numbers.append((_("NHS number"), value))
    if value := patient.identifier(patients.INS):
        numbers.append((_("INS number"), ins_numbers.formatted(value)))
    if value := patient.identifier(patients.LOCAL):
        numbers.append((_("Record number"), value))
    return numbers


def _own(patient: Patient) -> list[TimelineEntry]:
    return [TimelineEntry(patient.created_at, _("Record created"), icon="user-plus")]


def _messages(ctx: PatientContext) -> list[TimelineEntry]:
    return [_message(one) for one in notifications.for_patient(ctx.patient.id, limit=50)]


def _message(message: Notification) -> TimelineEntry:
    by_text = message.channel == "sms"
    failed = message.state in ("failed", "dead")
    return TimelineEntry(
        at=message.created_at,
        title=_("Text message")
        if by_text
        else _("E-mail instead of a text")
        if message.failover_of
        else _("E-mail"),
        detail=str(_MESSAGE_STATES.get(message.state, message.state)),
        icon="alert-triangle" if failed else "message" if by_text else "mail",
    )
