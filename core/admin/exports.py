"""What a practice can take out: its patients as a table, its trail, all that is held about one patient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flask import Response, g
from markupsafe import Markup

from core import audit, patients, tenancy
from core.patients import exports
from core.web.gate import own_scope
from core.web.pages import render
from core.web.routes import StaffRoutes

PERMISSION: Final = "core.export_patients"
routes = StaffRoutes("core", __name__, name="exports", prefix="/admin/exports")


@routes.get("", permission=PERMISSION)
def index() -> Markup:
    """What there is to take out."""
    return render("admin/exports.html", patients=patients.count(inactive=True))


@routes.get("/patients.csv", permission=PERMISSION, scope="none")
def patients_csv() -> Response:
    """All patients as a table, former ones too."""
    practice_id, slug = g.practice_id, g.practice.slug
    with own_scope():
        audit.record(
            "patients.exported", detail={"format": "csv", "count": str(patients.count(inactive=True))}
        )

    def body() -> Iterator[bytes]:
        yield "\ufeff".encode()  # without it, spreadsheets take UTF-8 for something else
        with tenancy.practice_scope(practice_id, write=False):
            for line in exports.lines():
                yield line.encode()

    answer = Response(body(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="patients-{slug}.csv"'
    return answer
