"""Oversight: who opened which record in an emergency and why, and that somebody looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement

from core import audit
from core.i18n import _, _l
from core.security import emergency
from core.security.models import EmergencyAccess
from core.web import listing, sent
from core.web.emergency import closed
from core.web.listing import Asked
from core.web.pages import render
from core.web.routes import StaffRoutes

PAGE: Final = 50
_COLUMNS: Final = (
    _l("From"), _l("Until"), _l("Who"), _l("Patient"), _l("What was closed"), _l("Reason"), _l("Looked at on"),
    _l("Looked at by"), _l("Note"),
)  # fmt: skip

routes = StaffRoutes("core", __name__, name="oversight", prefix="/oversight")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for: days, a user's id, a patient."""

    asked: Asked
    person: int | None
    patient_id: UUID | None

    @property
    def narrows(self) -> bool:
        return self.asked.narrows or self.person is not None or self.patient_id is not None

    def conditions(self) -> list[ColumnElement[bool]]:
        found = self.asked.during(EmergencyAccess.started_at)
        if self.person is not None:
            found.append(EmergencyAccess.user_id == self.person)
        if self.patient_id is not None:
            found.append(EmergencyAccess.patient_id == self.patient_id)
        return found

    def url(self, endpoint: str = "oversight.index", **changes: Any) -> str:
        """An address with the same choice, some of it changed."""
        values = {**self.asked.address(), "person": self.person, "patient": self.patient_id}
        return url_for(endpoint, **{**values, **changes})


@routes.get("", permission=emergency.OVERSEE)
def index() -> str:
    """The accesses; what nobody has looked at yet comes first."""
    chosen = _chosen()
    wanted = chosen.conditions()
    pages = max(1, -(-emergency.count(wanted) // PAGE))
    number = sent.page(pages)
    rows = emergency.page(PAGE, (number - 1) * PAGE, wanted)
    audit.lists(patient.id for _access, patient in rows)
    return render(
        "admin/oversight.html",
        rows=rows,
        chosen=chosen,
        people=[("", _("Everybody")), *((str(id), name) for id, name in emergency.people())],
        page=number,
        pages=pages,
        page_url=lambda wanted: chosen.url(page=wanted if wanted > 1 else None),
        may_export=listing.may_export(),
    )


@routes.get("/export.csv", permission=emergency.OVERSEE)
def export() -> ResponseReturnValue:
    """The chosen ones as a table, for whoever may take patients' data away."""
    if not listing.may_export():
        g.lacking = listing.EXPORT
        abort(403)
    chosen = _chosen()
    wanted = chosen.conditions()
    if listing.is_too_long(emergency.count(wanted)):
        return redirect(chosen.url(), 303)
    rows = emergency.page(listing.MOST_ROWS, 0, wanted)
    ids = {patient.id for _access, patient in rows}
    hidden = closed(ids)
    named = sorted(ids - hidden)
    detail = {"format": "csv", "part": request.endpoint or ""}
    audit.record("patients.exported", detail=detail, shown=named[: audit.MOST_SHOWN])
    audit.lists(named)
    cells = [_cells(access, "" if patient.id in hidden else patient.display_name) for access, patient in rows]
    return listing.table(_("emergency-access.csv"), _COLUMNS, cells)


@routes.post("/<uuid:access_id>/review", permission=emergency.OVERSEE)
def review(access_id: UUID) -> Any:
    """Note that one was looked at."""
    try:
        emergency.review(access_id, g.user, request.form.get("note", "")[:2000])
    except LookupError:
        abort(404)
    flash(_("It is noted that you looked at it."), "success")
    return redirect(_chosen().url(), 303)


def _chosen() -> Chosen:
    return Chosen(
        asked=listing.asked(),
        person=sent.number(request.args.get("person")),
        patient_id=request.args.get("patient", type=UUID),
    )


def _cells(access: EmergencyAccess, patient: str) -> tuple[object, ...]:
    """What the columns of the table say; of a record that is closed to the reader too, no name."""
    return (
        access.started_at,
        access.ends_at,
        access.user_name,
        patient,
        _("Restricted record") if access.why == "restricted" else _("Outside the role"),
        access.reason,
        access.reviewed_at,
        access.reviewed_by,
        access.review,
    )
