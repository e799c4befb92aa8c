"""The alerts beside a patient's name: shown wherever the record is open, put up and resolved by whoever may edit."""

from __future__ import annotations

from uuid import UUID

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit, patients
from core.i18n import _
from core.patients import alerts
from core.patients.service import TOPIC
from core.realtime.events import topic
from core.web import coming_back, record
from core.web.pages import live, render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="alerts", prefix="/patients")

_EDIT = "core.edit_patients"


@routes.get("/<uuid:patient_id>/alerts", permission="core.view_patients")
def strip(patient_id: UUID) -> Markup:
    """The alerts alone, for the page that heard of a change."""
    patients.get(patient_id)
    return shown(patient_id)


def shown(patient_id: UUID) -> Markup:
    """The alerts as they stand beside the name; the page hears when one comes or goes."""
    live(topic(TOPIC, patient_id))
    return render(
        "patients/alerts.html",
        patient_id=patient_id,
        alerts=alerts.open_alerts(patient_id),
        may_edit=_EDIT in g.permissions,
    )


@routes.get("/<uuid:patient_id>/alerts/new", permission=_EDIT)
def new(patient_id: UUID) -> Markup:
    """The form on a page of its own; the workspace shows the same in a dialog."""
    return _page(patient_id, "", "note", None)


@routes.post("/<uuid:patient_id>/alerts", permission=_EDIT)
def add(patient_id: UUID) -> ResponseReturnValue:
    """Put one up."""
    patients.get(patient_id)
    text, level = request.form.get("text", ""), request.form.get("level", "note")
    try:
        alerts.add(patient_id, text, "warning" if level == "warning" else "note")
    except alerts.AlertRefused as refusal:
        coming_back.to(url_for(".new", patient_id=patient_id))
        return _page(patient_id, text, level, refusal.message), 422
    flash(_("The alert stands beside the name."), "success")
    return redirect(url_for("patients.show", patient_id=patient_id), 303)


@routes.post("/<uuid:patient_id>/alerts/<uuid:alert_id>/resolve", permission=_EDIT)
def resolve(patient_id: UUID, alert_id: UUID) -> ResponseReturnValue:
    """It does not hold any more."""
    try:
        alerts.resolve(patient_id, alert_id)
    except LookupError:
        abort(404)
    flash(_("The alert is resolved. The timeline keeps it."), "success")
    return redirect(url_for("patients.show", patient_id=patient_id), 303)


def _page(patient_id: UUID, text: str, level: str, problem: str | None) -> Markup:
    patient = patients.get(patient_id)
    audit.concerns(patient_id)
    return render(
        "patients/alert_form.html",
        patient=patient,
        patient_id=patient_id,
        identity=record.identity(patient),
        alerts=shown(patient_id),
        text=text,
        level=level,
        problem=problem,
        usual=[str(one) for one in alerts.USUAL],
        longest=alerts.LONGEST,
    )
