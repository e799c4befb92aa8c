"""The toolbar: a small window beside the clinical system with the current patient and one icon an action.

It follows the person's other windows: a launch sets the current patient on the server, and the bus tells; a workspace
that is opened in the same browser tells it directly (js/toolbar.js), and the toolbar makes it the current patient.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit, patients
from core.patients import Patient, active
from core.web import panels, record
from core.web.pages import live, render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="toolbar", prefix="/toolbar")


@routes.get("", permission="core.view_patients")
def window() -> Markup:
    """The whole small window."""
    live(active.topic_of(g.user.id))
    return render("toolbar/window.html", topic=active.topic_of(g.user.id), **_shown())


@routes.get("/patient", permission="core.view_patients")
def panel() -> Markup:
    """What is in it, for the window that heard of a change."""
    return render("toolbar/patient.html", **_shown())


@routes.post("/patient", permission="core.view_patients")
def follow() -> ResponseReturnValue:
    """A workspace was opened in another window of this person: its patient is the current one."""
    try:
        patient_id = UUID(request.form.get("patient_id", ""))
    except ValueError:
        raise patients.PatientNotFound from None
    patient = patients.get(patient_id)
    audit.concerns(patient.id)
    if active.current(g.user.id) != patient.id:
        active.become(g.user.id, patient.id)
    return "", 204


@routes.post("/clear", permission="core.view_patients")
def clear() -> ResponseReturnValue:
    """Nobody is the current patient: the consultation is over."""
    active.clear(g.user.id)
    return "", 204


def _shown() -> dict[str, Any]:
    patient_id = active.current(g.user.id)
    if patient_id is None:
        return {"patient": None}
    audit.concerns(patient_id)
    patient: Patient = patients.get(patient_id)
    ctx = panels.patient_context(patient)
    return {
        "patient": patient,
        "identity": record.identity(patient),
        "actions": panels.actions_for(ctx),
    }
