"""The pages of the practice: start a diary, read it, stop it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from core.sdk import (
    Patient,
    Refused,
    StaffRoutes,
    _,
    abort,
    audit,
    can,
    db,
    flash,
    live,
    ngettext,
    notifications,
    patients,
    redirect,
    request,
    url_for,
    uuid7,
)

from careroom_symptom_diary import service, settings
from careroom_symptom_diary.models import Diary
from careroom_symptom_diary.pages import number_words, page
from careroom_symptom_diary.plot import plots
from careroom_symptom_diary.scales import SCALES, BadValue

routes = StaffRoutes("symptom_diary", __name__)
_START, _READ = "symptom_diary.start", service.READ
DAYS = (7, 14, 21, 28)
HOURS = range(6, 23)


@routes.get("/patients/<uuid:patient_id>/new", permission=_START)
def new(patient_id: UUID) -> str:
    """The form that asks a patient to keep a diary."""
    patient, here = _patient(patient_id), settings.here()
    usual = {
        "scales": ["pain", "note"],
        "channel": "sms" if patient.mobile else "email",
        "days": here.days,
        "hour": here.hour,
        "id": uuid7(),
        **{f"threshold_{scale.name}": number_words(scale.threshold) for scale in SCALES.values()},
    }
    return _form(patient, usual)


@routes.post("/patients/<uuid:patient_id>/new", permission=_START)
def create(patient_id: UUID) -> Any:
    """Ask the patient."""
    patient, form = _patient(patient_id), request.form
    said: dict[str, Any] = {**form.to_dict(), "scales": form.getlist("scales")}
    thresholds, wrong = _thresholds(said)
    days, hour = form.get("days", 0, type=int), form.get("hour", 0, type=int)
    if days not in _days() or hour not in HOURS:
        abort(400)
    if wrong:
        return _form(patient, said, wrong), 422
    channel: notifications.Channel = "email" if form.get("channel") == "email" else "sms"
    try:
        with db.savepoint():
            service.start(
                patient,
                scales=said["scales"],
                thresholds=thresholds,
                days=days,
                hour=hour,
                channel=channel,
                note=form.get("note", ""),
                id=form.get("id", type=UUID),
            )
    except Refused as refusal:
        return _form(patient, said, {"scales": refusal.message}), refusal.status
    except notifications.NotificationError as refusal:
        return _form(patient, said, {"channel": refusal.message}), 422
    flash(_("Symptom diary started. %(name)s has the link.", name=patient.display_name), "success")
    return redirect(url_for("patients.show", patient_id=patient_id), 303)


@routes.get("/diaries/<uuid:diary_id>", permission=_READ)
def show(diary_id: UUID) -> str:
    """A diary: its plots, and every entry in a table."""
    diary = _diary(diary_id)
    live(service.topic_of(diary.patient_id))
    entries = service.entries_of(diary)
    return page(
        "diary.html",
        diary=diary,
        patient=_patient(diary.patient_id),
        entries=entries,
        plots=plots(diary, entries),
        may_stop=can(_START),
    )


@routes.post("/diaries/<uuid:diary_id>/stop", permission=_START)
def stop(diary_id: UUID) -> Any:
    """No more entries are needed; the links stop working."""
    service.stop(_diary(diary_id))
    flash(_("Symptom diary stopped. What was written stays."), "success")
    return redirect(url_for(".show", diary_id=diary_id), 303)


def _thresholds(said: dict[str, Any]) -> tuple[dict[str, Decimal], dict[str, str]]:
    """The values at which the practice is told, and what is wrong with them; an empty one tells nobody."""
    found, wrong = {}, {}
    for name in said["scales"]:
        text = str(said.get(f"threshold_{name}", "")).strip()
        if name in SCALES and text:
            try:
                found[name] = SCALES[name].parse(text)
            except BadValue:
                wrong[f"threshold_{name}"] = _(
                    "Please write a number from %(low)s to %(high)s, or nothing.",
                    low=SCALES[name].low,
                    high=SCALES[name].high,
                )
    return found, wrong


def _days() -> list[int]:
    return sorted({*DAYS, settings.here().days})


def _diary(diary_id: UUID) -> Diary:
    found = db.get(Diary, diary_id)
    if found is None:
        abort(404)
    audit.concerns(found.patient_id)
    return found


def _patient(patient_id: UUID) -> Patient:
    try:
        found = patients.get(patient_id)
    except patients.PatientNotFound:
        abort(404)
    audit.concerns(found.id)
    return found


def _form(patient: Patient, said: dict[str, Any], errors: dict[str, str] | None = None) -> str:
    return page(
        "new.html",
        patient=patient,
        said=said,
        errors=errors or {},
        day_options=[(days, ngettext("%(num)d day", "%(num)d days", days)) for days in _days()],
        hour_options=[(hour, f"{hour}:00") for hour in HOURS],
        max_note=service.MAX_NOTE,
        workspace=url_for("patients.show", patient_id=patient.id),
    )
