"""Staff pages about patients: the list with its search, the workspace of one, and the form that adds or changes one.

A search goes by POST: what people type here is a name or a date of birth, and a URL ends up in logs and histories.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit, i18n, patients
from core.i18n import _
from core.patients import (
    EditConflict,
    IdentifierTaken,
    InvalidDetails,
    Patient,
    active,
    alerts,
    details,
    phones,
)
from core.patients.search import ORDERS, Order
from core.web import alerts as alert_pages
from core.web import coming_back, panels, record, sent
from core.web.gate import own_scope
from core.web.pages import render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="patients", prefix="/patients")

PAGE: Final = 25
_MOST_PAGES: Final = 2000


# --- finding -----------------------------------------------------------------------------------------------------


@routes.get("", permission="core.view_patients")
def index() -> Markup:
    """All patients by name. What is searched for is posted; other systems hand a patient over by core.web.launch."""
    return render("patients/index.html", **_listing(request.args, ""))


@routes.post("", permission="core.view_patients", scope="none")
def search() -> Markup:
    """The same list for a search; for the page's script only its results."""
    coming_back.again()
    with own_scope(write=False):
        template = "patients/results.html" if "X-Fragment" in request.headers else "patients/index.html"
        return render(template, **_listing(request.form, request.form.get("q", "").strip()))


def _listing(asked: Any, query: str) -> dict[str, Any]:
    inactive = asked.get("inactive") == "1"
    total = patients.count(query, inactive=inactive)
    pages = max(1, min(_MOST_PAGES, -(-total // PAGE)))
    page = min(max(sent.number(asked.get("page")) or 1, 1), pages)
    order: Order = next((one for one in ORDERS if one == asked.get("order")), "name")
    found = patients.search(query, PAGE, (page - 1) * PAGE, inactive=inactive, order=order)
    if not query:  # a search is noted as such
        audit.lists(patient.id for patient in found)
    return {
        "query": query,
        "inactive": inactive,
        "order": order,
        "may_export": "core.export_patients" in g.permissions,
        "patients": [(patient, record.identity(patient)) for patient in found],
        "total": total,
        "page": page,
        "pages": pages,
        "first": (page - 1) * PAGE + 1,
        "may_edit": "core.edit_patients" in g.permissions,
        "may_import": "core.import_patients" in g.permissions,
    }


# --- the workspace -------------------------------------------------------------------------------------------------


@routes.get("/<uuid:patient_id>", permission="core.view_patients")
def show(patient_id: UUID) -> Markup:
    """The workspace: identity, actions, panels."""
    patient = patients.get_for_workspace(patient_id)
    identity = record.identity(patient)
    ctx = panels.patient_context(patient)
    offered = panels.of_patient(ctx)
    page = render(
        "patients/show.html",
        patient_id=patient_id,
        identity=identity,
        alerts=alert_pages.shown(patient_id),
        usual_alerts=[str(one) for one in alerts.USUAL],
        actions=panels.actions_for(ctx),
        main=panels.show(offered, "patient.main", ctx),
        side=panels.show(offered, "patient.side", ctx),
        may_edit=ctx.can("core.edit_patients"),
    )
    # Last, so that a plugin whose statement failed and was undone cannot take the entry with it.
    patients.note_viewed(patient_id)
    return page


# --- adding and changing -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Form:
    """What stands in the form: as typed, or as recorded; with what is wrong."""

    values: dict[str, str]
    problems: dict[str, str] = field(default_factory=dict)
    version: int | None = None
    taken_by: UUID | None = None
    namesakes: list[Patient] = field(default_factory=list)
    conflict: bool = False
    then: str | None = None
    """Of a form that a clinical system filled: the action that comes next, or "" for the workspace."""


@routes.get("/new", permission="core.edit_patients")
def new() -> Markup:
    """An empty form."""
    return _form_page(Form(dict.fromkeys(details.FIELDS, "")), None)


def blank_form(values: dict[str, str], *, then: str) -> Markup:
    """The form for a new patient with what a clinical system knows; ``then``: the action that comes next."""
    return _form_page(Form(dict.fromkeys(details.FIELDS, "") | values, then=then), None)


@routes.post("/new", permission="core.edit_patients")
def create() -> ResponseReturnValue:
    """Add the patient; ask first when somebody with this name and date of birth is here already."""
    form = Form(_typed(), then=request.form.get("then"))
    if not request.form.get("anyway"):
        form.namesakes = _namesakes(form.values)
        if form.namesakes:
            return _form_page(form, None), 409
    try:
        patient = patients.create(**form.values)
    except InvalidDetails as error:
        return _form_page(_with_problems(form, error), None), 422
    flash(_("%(name)s was added.", name=patient.display_name), "success")
    if form.then is not None:
        active.become(g.user.id, patient.id)
    if form.then:
        return redirect(url_for("launch.act", patient_id=patient.id, name=form.then), 303)
    return redirect(url_for("patients.show", patient_id=patient.id), 303)


@routes.get("/<uuid:patient_id>/edit", permission="core.edit_patients")
def edit(patient_id: UUID) -> Markup:
    """The form with what is recorded."""
    patient = patients.open_record(patient_id)
    return _form_page(Form(_recorded(patient), version=patient.version), patient)


@routes.post("/<uuid:patient_id>/edit", permission="core.edit_patients")
def save(patient_id: UUID) -> ResponseReturnValue:
    """Save the changes, unless somebody else saved meanwhile: then both can be compared."""
    form = Form(_typed(), version=sent.number(request.form.get("version")) or 1)
    try:
        patients.update(patient_id, expected_version=form.version, **form.values)
    except InvalidDetails as error:
        return _form_page(_with_problems(form, error), patients.get(patient_id)), 422
    except EditConflict:
        patient = patients.get(patient_id)
        form.conflict, form.version = True, patient.version
        return _form_page(form, patient), 409
    flash(_("The details were saved."), "success")
    return redirect(url_for("patients.show", patient_id=patient_id), 303)


@routes.post("/<uuid:patient_id>/active", permission="core.edit_patients")
def set_active(patient_id: UUID) -> ResponseReturnValue:
    """Mark that the patient has left the practice, or is back."""
    if request.form.get("active") == "1":
        patients.reactivate(patient_id)
        flash(_("The patient is on the list again."), "success")
    else:
        patients.deactivate(patient_id)
        flash(_("The patient is off the list. The record stays."), "success")
    return redirect(url_for("patients.show", patient_id=patient_id), 303)


def _form_page(form: Form, patient: Patient | None) -> Markup:
    practice = g.practice
    own = i18n.LANGUAGES.get(practice.language.partition("-")[0], practice.language)
    languages = [
        ("", _("The practice's language (%(language)s)", language=own)),
        *i18n.offered_languages().items(),
    ]
    sexes = [(sex, record.sex_in_words(sex)) for sex in patients.SEXES]
    return render(
        "patients/form.html",
        form=form,
        patient=patient,
        identity=record.identity(patient) if patient else None,
        patient_id=patient.id if patient else None,
        alerts=alert_pages.shown(patient.id) if patient else "",
        recorded=_recorded(patient) if patient and form.conflict else {},
        languages=languages,
        sexes=sexes,
        country=practice.country,
        has_ins=practice.country == "FR" or bool(form.values["ins"]),
        has_nhs=practice.country == "GB" or bool(form.values["nhs_number"]),
    )


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in details.FIELDS}


def _recorded(patient: Patient) -> dict[str, str]:
    """The record as people here write it."""
    country = g.practice.country
    values: dict[str, str] = {
        name: getattr(patient, name) or "" for name in details.COLUMNS if name != "birth_date"
    }
    values["birth_date"] = patient.birth_date.strftime("%d/%m/%Y")
    for name in ("mobile", "phone"):
        values[name] = phones.national(values[name], country) if values[name] else ""
    for name, system in details.IDENTIFIERS.items():
        values[name] = patient.identifier(system) or ""
    values["nhs_number"] = patient.nhs_number or ""
    return values


def _with_problems(form: Form, error: InvalidDetails) -> Form:
    form.problems = error.problems
    form.taken_by = error.patient_id if isinstance(error, IdentifierTaken) else None
    return form


def _namesakes(values: dict[str, str]) -> list[Patient]:
    practice = g.practice
    cleaned = details.clean(values, country=practice.country, locale=practice.language)
    if cleaned.problems:
        return []  # first things first: they are shown when the details are right
    kept = cleaned.values
    found = patients.same_person(kept["given_names"], kept["family_name"], kept["birth_date"])
    audit.lists(patient.id for patient in found)
    return found
