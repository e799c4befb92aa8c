"""Emergency access in the web: what the gate asks, the page that asks for the reason, and the switch on a record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from flask import Flask, abort, flash, g, jsonify, make_response, redirect, render_template, request, url_for
from markupsafe import Markup

from core import audit, db
from core.audit import context
from core.i18n import _
from core.patients import Patient
from core.security import emergency
from core.security.models import EmergencyAccess
from core.security.permissions import current_permissions
from core.web import csrf, denial
from core.web.pages import render
from core.web.routes import Access, StaffRoutes

routes = StaffRoutes("core", __name__, name="emergency", prefix="/emergency")
# Not "patient_id": asking is not yet seeing, so the trail says "emergency.opened" and nothing before.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Who opened a record and why is read without opening it; what names the patient there asks closed() itself.
_OVERSEEING: Final = ("emergency.", "oversight.", "audit_trail.")
ACTION: Final = re.compile(r"[a-z0-9_]{1,60}(?:\.[a-z0-9_]{1,60})?")
"""What somebody wants to do in a record, as a clinical system names it: see core.web.launch."""


def install(app: Flask) -> None:
    """Give templates ``emergency_on(patient_id)``, the access that marks a page, ``is_restricted(patient_id)``, and
    ``restricted_mark(patient)`` for lists.
    """
    app.jinja_env.globals.update(
        emergency_on=emergency_on, is_restricted=is_restricted, restricted_mark=restricted_mark
    )


# --- what the gate asks --------------------------------------------------------------------------------------------


def admit(asked: Access) -> Any:
    """Before the view. None, or the answer instead; may add the right to see this one record to ``g.permissions``."""
    patient_id = (request.view_args or {}).get("patient_id")
    if not isinstance(patient_id, UUID):
        return None
    if asked.permission == emergency.VIEW and emergency.VIEW not in g.permissions:
        if emergency.OPEN not in g.permissions:
            return None
        if emergency.current(patient_id, g.user.id) is not None:
            g.permissions = g.permissions | {emergency.VIEW}
        elif _exists(patient_id):
            return _ask(patient_id)
        return None
    # A view that opens its own scopes, or that writes, must not begin; for the others see refuse_shown.
    if (request.method not in _SAFE or asked.scope == "none") and closed({patient_id}):
        return _ask(patient_id)
    return None


def refuse_shown() -> Any:
    """After the view: None, or the answer instead of one that shows a restricted record to somebody without access."""
    if (request.endpoint or "").startswith(_OVERSEEING) or g.get("user") is None:
        return None
    concerned = context.concerned() | {entry.patient_id for entry in audit.pending() if entry.patient_id}
    refused = closed(concerned)
    return _ask(sorted(refused)[0]) if refused else None


def closed(patient_ids: Any) -> set[UUID]:
    """The restricted among these to which this person has no access now."""
    if not patient_ids or emergency.VIEW_RESTRICTED in g.get("permissions", frozenset()):
        return set()
    restricted = emergency.restricted_among(patient_ids)
    return restricted - emergency.opened_by(g.user.id) if restricted else set()


def _exists(patient_id: UUID) -> bool:
    return db.get(Patient, patient_id) is not None


def _ask(patient_id: UUID) -> Any:
    """To the page that asks why; for a script, words; for a form, a page that keeps what was typed."""
    if request.method in _SAFE and "X-Panel" not in request.headers and "X-Fragment" not in request.headers:
        return redirect(url_for("emergency.ask", record_id=patient_id))
    if request.method in _SAFE or csrf.is_by_script():
        words = _("This record is restricted. Open it from the list of patients to say why you need it.")
        response = jsonify(error={"code": "restricted", "message": words})
        response.status_code = 403
        return response
    asking = url_for("emergency.ask", record_id=patient_id, action=action_in(request.form) or None)
    if (request.endpoint or "").startswith("launch."):
        return redirect(asking, 303)
    page = render_template(
        "emergency/refused_form.html",
        kept=csrf.typed(),
        action=request.full_path.rstrip("?"),
        ask=url_for("emergency.ask", record_id=patient_id) if emergency.OPEN in g.permissions else None,
    )
    return make_response(page, 403)


def action_in(given: Mapping[str, str]) -> str:
    """The action that a form or an address names; empty where it names none."""
    asked = given.get("action", "").strip()
    return asked if ACTION.fullmatch(asked) else ""


# --- the page ------------------------------------------------------------------------------------------------------


@routes.get("/<uuid:record_id>", permission=emergency.OPEN)
def ask(record_id: UUID) -> Any:
    """Ask for the reason. It tells nothing of the patient."""
    return _page(record_id, action=action_in(request.args))


@routes.post("/<uuid:record_id>", permission=emergency.OPEN)
def open_record(record_id: UUID) -> Any:
    """Open the record for an hour, and lead to it."""
    why: emergency.Why = "restricted" if emergency.VIEW in g.permissions else "role"
    reason, action = request.form.get("reason", "")[:2000], action_in(request.form)
    try:
        emergency.open_record(record_id, g.user, why, reason)
    except emergency.ReasonMissing as missing:
        return _page(record_id, reason, missing.message, action=action, status=422)
    except LookupError:
        abort(404)
    if action:
        return redirect(url_for("launch.act", patient_id=record_id, name=action), 303)
    return redirect(url_for("patients.show", patient_id=record_id), 303)


@routes.post("/<uuid:record_id>/restrict", permission=emergency.RESTRICT)
def restrict(record_id: UUID) -> Any:
    """Restrict a record, or lift it: only somebody who has access to it may do that."""
    wanted = request.form.get("restricted") == "1"
    if closed({record_id}):
        return _ask(record_id)
    try:
        changed = emergency.set_restricted(record_id, wanted)
    except LookupError:
        abort(404)
    if changed and wanted:
        flash(
            _("This record is restricted now. Who opens it has to say why, and the administrators are told."),
            "success",
        )
    elif changed:
        flash(_("This record is no longer restricted."), "success")
    return redirect(url_for("patients.show", patient_id=record_id), 303)


def _page(
    record_id: UUID, reason: str = "", error: str | None = None, *, action: str = "", status: int = 200
) -> Any:
    if not _exists(record_id):
        abort(404)
    page = render(
        "emergency/ask.html",
        record_id=record_id,
        restricted=emergency.VIEW in g.permissions,
        reason=reason,
        error=error,
        action=action,
        administrators=denial.holders(emergency.OVERSEE),
    )
    return make_response(page, status)


def is_restricted(patient_id: UUID) -> bool:
    """Is this record, which the page shows, restricted?"""
    patient = db.held(Patient, patient_id)
    return patient is not None and patient.restricted


def restricted_mark(patient: Any) -> Markup | str:
    """What stands beside a patient's name in a list: a lock with words where the record is restricted, else nothing."""
    if not getattr(patient, "restricted", False):
        return ""
    opens = emergency.VIEW_RESTRICTED in g.get("permissions", frozenset()) or patient.id in _open_to_me()
    return Markup(render_template("emergency/mark.html", opens=opens))  # noqa: S704 - our template


def _open_to_me() -> set[UUID]:
    """The records that this person has opened in an emergency; asked once a request, however long the list."""
    if "opened_records" not in g:
        g.opened_records = emergency.opened_by(g.user.id) if g.get("user") is not None else set()
    found: set[UUID] = g.opened_records
    return found


def emergency_on(patient_id: UUID) -> EmergencyAccess | None:
    """The emergency access by which this person sees this record, when it is that and not their role."""
    patient = db.held(Patient, patient_id)
    if patient is None or g.get("user") is None or emergency.VIEW_RESTRICTED in g.permissions:
        return None
    return emergency.current(patient_id, g.user.id) if patient.restricted or _by_emergency() else None


def _by_emergency() -> bool:
    return emergency.VIEW not in current_permissions()
