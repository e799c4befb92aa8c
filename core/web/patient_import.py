"""The pages that import a list of patients: choose a file, read what would happen, say yes, read what happened."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import jobs, tenancy
from core.i18n import _
from core.patients import csv_reading, details, import_columns, import_runs
from core.patients.csv_reading import NotATable
from core.patients.import_jobs import CHECK, RUN
from core.patients.models import PatientImport
from core.web import listing
from core.web.gate import own_scope
from core.web.pages import live, render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="patient_import", prefix="/patients/import")

_PERMISSION: Final = "core.import_patients"
_CHECKED_AT_ONCE: Final = 60_000  # bytes; a longer list is read by the worker while the page waits
_SHOWN_BAD_ROWS: Final = 50


@routes.get("", permission=_PERMISSION)
def index() -> Markup:
    """Which files are taken, and the field to choose one."""
    return _upload_page()


@routes.post("", permission=_PERMISSION, scope="none")
def upload() -> ResponseReturnValue:
    """Keep the file and look through it."""
    file = request.files.get("file")
    content = file.stream.read(csv_reading.MOST_BYTES + 1) if file else b""
    if file is None or not file.filename:
        with own_scope(write=False):
            return _upload_page(_("Choose a file first.")), 422
    try:
        with own_scope():
            row = import_runs.receive(file.filename, content)
            if len(content) > _CHECKED_AT_ONCE:
                jobs.enqueue(CHECK, import_id=row.id)
    except NotATable as error:
        with own_scope(write=False):
            return _upload_page(error.message), 422
    if len(content) <= _CHECKED_AT_ONCE:
        import_runs.check(row.id, own_scope)
    with own_scope(write=False):
        return redirect(url_for("patient_import.show", import_id=row.id), 303)


@routes.get("/example.csv", permission=_PERMISSION)
def example() -> Response:
    """A file to fill in: the header that is understood, and one line."""
    country = tenancy.current().country
    fields = ["given_names", "family_name", "birth_date", "sex", "mobile", "email", "language"]
    fields += ["ins" if country == "FR" else "nhs_number", "local_id"]
    values = {
        "given_names": "Zoé" if country == "FR" else "Zoe",
        "family_name": "Martin",
        "birth_date": "27/03/1980",
        "sex": "F",
        "mobile": "06 39 98 01 23" if country == "FR" else "07700 900123",
        "email": "zoe.martin@example.com",
        "language": "fr" if country == "FR" else "en",
        "nhs_number": "943 476 5919",
        "local_id": "1042",
    }
    columns = [import_columns.title(name) for name in fields]
    return listing.table(_("patients-example.csv"), columns, [[values.get(name) for name in fields]])


@routes.get("/<uuid:import_id>", permission=_PERMISSION)
def show(import_id: UUID) -> Markup:
    """Where this import stands; the page keeps itself up to date."""
    row = import_runs.get(import_id)
    topic = f"{import_runs.TOPIC}:{import_id}"
    live(topic)
    return render("patients/import_show.html", topic=topic, **_state(row))


@routes.get("/<uuid:import_id>/state", permission=_PERMISSION)
def state(import_id: UUID) -> Markup:
    """The changing part of that page."""
    return render("patients/import_state.html", **_state(import_runs.get(import_id)))


@routes.post("/<uuid:import_id>/confirm", permission=_PERMISSION)
def confirm(import_id: UUID) -> ResponseReturnValue:
    """Import what the check found good."""
    import_runs.confirm(import_id, "skip" if request.form.get("duplicates") == "skip" else "update")
    jobs.enqueue(RUN, key=f"import:{import_id}", import_id=import_id)
    return redirect(url_for("patient_import.show", import_id=import_id), 303)


@routes.post("/<uuid:import_id>/discard", permission=_PERMISSION)
def discard(import_id: UUID) -> ResponseReturnValue:
    """Forget the file."""
    import_runs.discard(import_id)
    return redirect(url_for("patient_import.index"), 303)


@routes.get("/<uuid:import_id>/bad-rows.csv", permission=_PERMISSION)
def bad_rows(import_id: UUID) -> Response:
    """The rows that were not taken, with the reasons, to correct in a spreadsheet."""
    report = import_runs.report_of(import_runs.get(import_id))
    return listing.table_file(_("rows-to-correct.csv"), [import_runs.bad_rows_csv(report)])


def _upload_page(problem: str | None = None) -> Markup:
    titles = {name: import_columns.title(name) for name in details.FIELDS}
    return render("patients/import_upload.html", problem=problem, titles=titles)


def _state(row: PatientImport) -> dict[str, Any]:
    report = import_runs.report_of(row)
    return {
        "row": row,
        "report": report,
        "bad_rows": report.bad_rows[:_SHOWN_BAD_ROWS],
        "hidden_bad_rows": max(0, report.bad - _SHOWN_BAD_ROWS),
        "state_url": url_for("patient_import.state", import_id=row.id),
    }
