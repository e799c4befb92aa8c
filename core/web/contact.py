"""How a patient can be reached: the panel, and the form for what they said about texts and e-mails."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import get_args
from uuid import UUID

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit, i18n, patients, tenancy
from core.i18n import _, format_date, format_phone
from core.notifications import ways
from core.patients import Patient, contact_states
from core.patients.contact_states import Channel, Consent, Reached
from core.patients.models import ContactState
from core.plugin_system import PatientContext
from core.web import alerts, record
from core.web.pages import render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="contact", prefix="/patients")

_EDIT = "core.edit_patients"


@dataclass(frozen=True, slots=True)
class Shown:
    """A channel as the panel shows it. verification, consent: sentences; empty where there is nothing to say.

    seen: what the form carries, to find out whether the record has changed since it was shown.
    """

    channel: Channel
    address: str | None
    verified: bool
    verification: str
    consent: Consent
    consent_words: str
    why_not: str
    seen: str


@dataclass(frozen=True, slots=True)
class Phone:
    """The second phone, which nobody writes to: whether it reaches the patient, in the same words."""

    verified: bool
    verification: str
    seen: str


def panel(ctx: PatientContext) -> Markup:
    """The panel of the workspace."""
    patient = ctx.patient
    language = patient.language or tenancy.current().language.partition("-")[0]
    return render(
        "patients/contact_panel.html",
        patient=patient,
        channels=_channels(patient),
        phone=_phone(patient),
        language=i18n.LANGUAGES.get(language, language),
        has_own_language=patient.language is not None,
        may_edit=ctx.can(_EDIT),
    )


@routes.get("/<uuid:patient_id>/consent", permission=_EDIT)
def edit(patient_id: UUID) -> Markup:
    """What the patient said, as a form."""
    patient = patients.get(patient_id)
    audit.concerns(patient_id)
    return _form(patient, _channels(patient), _phone(patient))


def _form(patient: Patient, channels: list[Shown], phone: Phone | None, *, is_stale: bool = False) -> Markup:
    return render(
        "patients/consent.html",
        patient=patient,
        identity=record.identity(patient),
        patient_id=patient.id,
        alerts=alerts.shown(patient.id),
        channels=channels,
        phone=phone,
        is_stale=is_stale,
    )


@routes.post("/<uuid:patient_id>/consent", permission=_EDIT)
def save(patient_id: UUID) -> ResponseReturnValue:
    """Note it; 409 where something else came in meanwhile: the patient's own STOP, a link that they opened."""
    patient = patients.get(patient_id)
    audit.concerns(patient_id)
    states = contact_states.held(patient)
    now, phone = _channels(patient), _phone(patient)
    was_seen = {one.channel: one.seen for one in now} | ({"phone": phone.seen} if phone else {})
    if any(request.form.get(f"{name}_seen", seen) != seen for name, seen in was_seen.items()):
        typed = [_typed(one) for one in now]
        return make_response(_form(patient, typed, _typed_phone(phone), is_stale=True), 409)
    for channel in contact_states.CHANNELS:
        said = request.form.get(f"{channel}_consent")
        for consent in get_args(Consent):
            if said == consent:
                contact_states.set_consent(patient_id, channel, consent)
    for each in contact_states.REACHED:
        _note_verified(patient, each, states.get(each))
    flash(_("What the patient said is in the record."), "success")
    return redirect(url_for("patients.show", patient_id=patient_id), 303)


def _typed(now: Shown) -> Shown:
    """A channel as it was filled in, unless it has changed since: then what is in the record is what counts."""
    if request.form.get(f"{now.channel}_seen") != now.seen:
        return now
    said = request.form.get(f"{now.channel}_consent")
    consent = next((one for one in get_args(Consent) if one == said), now.consent)
    return replace(now, consent=consent, verified=request.form.get(f"{now.channel}_verified") == "1")


def _typed_phone(now: Phone | None) -> Phone | None:
    if now is None or request.form.get("phone_seen") != now.seen:
        return now
    return replace(now, verified=request.form.get("phone_verified") == "1")


def _note_verified(patient: Patient, channel: Reached, state: ContactState | None) -> None:
    value = contact_states.address(patient, channel)
    # The form speaks of the address that it showed; one that was changed meanwhile is left as it is.
    if value is None or request.form.get(f"{channel}_address") != value:
        return
    ticked = request.form.get(f"{channel}_verified") == "1"
    if ticked:
        contact_states.verify(patient, channel, "staff")
    elif contact_states.is_verified(state, value):
        contact_states.doubt(patient, channel)


def _channels(patient: Patient) -> list[Shown]:
    states, found = contact_states.of(patient.id), ways.to(patient)
    return [_shown(way, states.get(channel)) for channel, way in found.items()]


def _phone(patient: Patient) -> Phone | None:
    if not patient.phone:
        return None
    state = contact_states.of(patient.id).get("phone")
    verified = contact_states.is_verified(state, patient.phone)
    return Phone(verified, _verification(verified, state), str(verified))


def _shown(way: ways.Way, state: ContactState | None) -> Shown:
    consent: Consent = state.consent if state and state.consent in get_args(Consent) else "unknown"  # type: ignore[assignment]
    address = format_phone(way.address) if way.address and way.channel == "sms" else way.address
    return Shown(
        channel=way.channel,
        address=address,
        verified=way.verified,
        verification=_verification(way.verified, state) if way.address else "",
        consent=consent,
        consent_words=_consent(way.channel, consent, state),
        why_not=way.why_not if way.address else "",
        seen=f"{consent} {state.consent_at if state else None} {way.verified}",
    )


def _verification(verified: bool, state: ContactState | None) -> str:
    if not verified or state is None or state.verified_at is None:
        return _("Not confirmed yet")
    on = format_date(i18n.local(state.verified_at).date(), "medium")
    if state.verified_how == "link":
        return _("Confirmed on %(date)s: the patient opened a link sent there", date=on)
    return _("Confirmed with the patient on %(date)s", date=on)


def _consent(channel: Channel, consent: Consent, state: ContactState | None) -> str:
    by_text = channel == "sms"
    if consent == "unknown" or state is None or state.consent_at is None:
        return _("Nobody has asked about texts") if by_text else _("Nobody has asked about e-mails")
    if by_text and state.consent_how in ("reply", "provider"):
        return _by_answer(consent, state.consent_how, i18n.format_datetime(state.consent_at))
    words = {"on": format_date(i18n.local(state.consent_at).date(), "medium"), "name": state.consent_by or ""}
    if consent == "given":
        return (
            _("Agreed to texts on %(on)s (%(name)s)", **words)
            if by_text
            else _("Agreed to e-mails on %(on)s (%(name)s)", **words)
        )
    return (
        _("No texts, said on %(on)s (%(name)s)", **words)
        if by_text
        else _("No e-mails, said on %(on)s (%(name)s)", **words)
    )


def _by_answer(consent: Consent, how: str, on: str) -> str:
    if consent == "given":
        return _("Agreed to texts: the patient answered START on %(on)s", on=on)
    if how == "reply":
        return _("No texts: the patient answered STOP on %(on)s", on=on)
    return _("No texts: the provider said on %(on)s that the patient had answered STOP", on=on)
