"""Several patients of the list at once: take them off it, put them back, hand them out as a table."""

from __future__ import annotations

from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from core import patients
from core.i18n import _, ngettext
from core.patients import Patient, exports
from core.web import listing
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="patient_bulk", prefix="/patients/several")

MOST = 100


@routes.post("", permission="core.edit_patients")
def act() -> ResponseReturnValue:
    """Do ``action`` (leave, back, csv) with the patients that are ticked. Ids of nobody here are left out."""
    chosen = list(patients.get_many(_ids()).values())
    if not chosen:
        flash(_("Tick at least one patient."), "warning")
        return redirect(url_for("patients.index"), 303)
    action = request.form.get("action", "")
    if action == "csv":
        return _table(chosen)
    if action not in ("leave", "back"):
        abort(400)
    for patient in chosen:
        if action == "leave":
            patients.deactivate(patient.id)
        else:
            patients.reactivate(patient.id)
    count = len(chosen)
    said = (
        ngettext("%(num)d patient is off the list.", "%(num)d patients are off the list.", count)
        if action == "leave"
        else ngettext("%(num)d patient is on the list.", "%(num)d patients are on the list.", count)
    )
    flash(said, "success")
    return redirect(url_for("patients.index"), 303)


def _ids() -> list[UUID]:
    found = []
    for text in request.form.getlist("patient")[:MOST]:
        try:
            found.append(UUID(text))
        except ValueError:
            abort(400)
    return found


def _table(chosen: list[Patient]) -> ResponseReturnValue:
    """Those of the chosen whose records this person may open now; the others are counted, not shown."""
    rows = [(one.id, exports.cells(one)) for one in sorted(chosen, key=lambda patient: patient.search_name)]
    found = listing.spreadsheet(_("patients.csv"), exports.header(), rows)
    return found or redirect(url_for("patients.index"), 303)
