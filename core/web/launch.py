"""From the clinical system: its link or form opens the right patient here, with what is to be done.

The identity comes in the fragment of the address, which browsers send nowhere, or in a form that another site posts.
Either way it waits in the tab's own storage until somebody has signed in, and then comes in a form of this site. The
page that takes it is public, the same for every practice, and knows nothing.
"""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import UUID

from flask import flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import Markup

from core import audit, patients
from core.i18n import _
from core.patients import active, details, launching
from core.web import coming_back, emergency, panels, record
from core.web import patients as patient_pages
from core.web.pages import render
from core.web.routes import CoreRoutes, StaffRoutes

door = CoreRoutes("launch_door", __name__)
routes = StaffRoutes("core", __name__, name="launch", prefix="")

HANDED_OVER: Final = (*launching.IDENTITY, "action", "system")
_LONGEST: Final = 200
_SYSTEM: Final = re.compile(r"[A-Za-z0-9 ._-]{1,40}")


# --- the door, which anybody may stand at ------------------------------------------------------------------------


@door.get("/p/<practice_slug>/launch", access="public")
def enter() -> Markup:
    """Takes what the fragment says, keeps it through a sign-in, and hands it on."""
    here = url_for("launch_door.enter")
    sign_in = None if current_user.is_authenticated else url_for("AuthDBView.login", next=here)
    return render("launch/enter.html", sign_in_url=sign_in)


@door.post("/p/<practice_slug>/launch", access="public", scope="none")
def hand_over() -> Markup:
    """The same for a form of another site, which comes without a session: the tab keeps it, the server does not.

    Exempt from the check of forged forms (core.web.csrf): it reads no cookie, sets none, changes nothing, and what
    follows is what a link with a fragment could do as well.
    """
    values = {name: text for name in HANDED_OVER if (text := request.form.get(name, "").strip()[:_LONGEST])}
    return render("launch/handed_over.html", values=values)


# --- inside the practice -----------------------------------------------------------------------------------------


@routes.post("/launch/open", permission="core.view_patients")
def open_patient() -> ResponseReturnValue:
    """To the patient, when there is no doubt; else to a choice."""
    found = launching.find(request.form)
    action, system = emergency.action_in(request.form), _system()
    if found.patient is not None:
        return _open(found.patient.id, action, {"by": ", ".join(found.by), **system})
    audit.record(
        "launch.unclear",
        detail={"doubt": found.doubt, "by": ", ".join(sorted(launching.given(request.form))), **system},
    )
    audit.lists(launching.patient_ids(found))
    coming_back.again()
    page = render(
        "launch/choose.html",
        found=found,
        explanation=launching.explanation(found),
        handed_over=_in_words(found.values),
        candidates=[(one, record.identity(one)) for one in found.candidates],
        action=action,
        system=system.get("system", ""),
        may_add="core.edit_patients" in g.permissions and found.doubt != "too_little",
    )
    return page, 404 if found.doubt == "nobody" else 409


@routes.post("/launch/choose", permission="core.view_patients")
def choose() -> ResponseReturnValue:
    """Somebody has chosen the patient whom the clinical system means."""
    patient = patients.get(_uuid(request.form.get("patient_id", "")))
    return _open(patient.id, emergency.action_in(request.form), {"by": "choice", **_system()})


@routes.post("/launch/add", permission="core.edit_patients")
def add() -> Markup:
    """The form for a new patient, with what the clinical system said."""
    coming_back.again()
    typed = {name: request.form.get(name, "")[:_LONGEST] for name in details.FIELDS}
    return patient_pages.blank_form(typed, then=emergency.action_in(request.form))


@routes.get("/patients/<uuid:patient_id>/actions/<name>", permission="core.view_patients")
def act(patient_id: UUID, name: str) -> ResponseReturnValue:
    """To the page of an action of this patient's workspace, or to the workspace with a word on why not."""
    return redirect(_place(patient_id, name if emergency.ACTION.fullmatch(name) else ""), 303)


def _open(patient_id: UUID, action: str, detail: dict[str, str]) -> ResponseReturnValue:
    active.become(g.user.id, patient_id)
    audit.record("patient.launched", patient_id=patient_id, detail={**detail, "action": action})
    return redirect(_place(patient_id, action), 303)


def _place(patient_id: UUID, action: str) -> str:
    workspace = url_for("patients.show", patient_id=patient_id)
    if not action:
        return workspace
    ctx = panels.patient_context(patients.get(patient_id))
    offered = panels.actions_for(ctx)
    for one in offered:
        # A clinical system may know the plugin's name only; then its first action is meant.
        if action in (one.name, one.name.partition(".")[0]):
            return one.url
    flash(_("What the clinical system asked for is not offered for this patient."), "warning")
    return workspace


def _system() -> dict[str, str]:
    """Which system it was, as it calls itself: for the trail."""
    named = request.form.get("system", "").strip()
    return {"system": named} if _SYSTEM.fullmatch(named) else {}


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise patients.PatientNotFound from None


def _in_words(values: dict[str, str]) -> list[tuple[str, Any]]:
    labels = {
        "family_name": _("Family name"),
        "given_names": _("First names"),
        "birth_date": _("Date of birth"),
        "nhs_number": _("NHS number"),
        "ins": _("INS number"),
        "local_id": _("Record number"),
    }
    return [(label, values[name]) for name, label in labels.items() if name in values]
