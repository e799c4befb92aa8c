"""What a practice can take out: its patients as a table, its trail, all that is held about one patient."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from flask import flash, g, redirect, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit, i18n, patients
from core.i18n import _
from core.patient_data import PracticeExport, practice_exports
from core.patient_data.keeping import can_be_fetched
from core.patients import exports
from core.security import sessions
from core.web import emergency, listing
from core.web.account_page import ask_for_proof, proven
from core.web.gate import own_scope
from core.web.pages import NotFound, live, render
from core.web.patient_data import archive_answer, title_of
from core.web.routes import StaffRoutes

PERMISSION: Final = "core.export_patients"
EVERYTHING: Final = "core.export_practice"
"""The whole practice holds what no patient's record does: staff, settings, the trail."""
routes = StaffRoutes("core", __name__, name="exports", prefix="/admin/exports")


@routes.get("", permission=PERMISSION)
def index() -> Markup:
    """What there is to take out."""
    return render("admin/exports.html", patients=patients.count(inactive=True))


# --- everything --------------------------------------------------------------------------------------------------


@routes.get("/practice", permission=EVERYTHING)
@proven
def practice() -> Markup:
    """What an export of the whole practice holds, and those that were made. Asks first who is there."""
    live(practice_exports.TOPIC)
    return render(
        "admin/practice_export.html",
        topic=practice_exports.TOPIC,
        days=practice_exports.KEPT_FOR.days,
        **_practice_exports(),
    )


@routes.get("/practice/state", permission=EVERYTHING)
def practice_state() -> Markup:
    """The exports alone, for the page that heard of a change."""
    return render("admin/practice_export_state.html", **_practice_exports())


@routes.post("/practice", permission=EVERYTHING)
def make_practice() -> ResponseReturnValue:
    """Have one made."""
    if sessions.is_proven(g.practice_id):  # else the page asks
        practice_exports.request()
    return redirect(url_for("exports.practice"), 303)


@routes.post("/practice/<uuid:export_id>/retry", permission=EVERYTHING)
def retry_practice(export_id: UUID) -> ResponseReturnValue:
    """Try one that failed once more."""
    found = _practice_export(export_id)
    if sessions.is_proven(g.practice_id):
        practice_exports.retry(found)
    return redirect(url_for("exports.practice"), 303)


@routes.post("/practice/<uuid:export_id>/remove", permission=EVERYTHING)
def remove_practice(export_id: UUID) -> ResponseReturnValue:
    """Remove one before its time."""
    practice_exports.discard(_practice_export(export_id))
    flash(_("The export was removed."), "success")
    return redirect(url_for("exports.practice"), 303)


@routes.get("/practice/<uuid:export_id>.zip", permission=EVERYTHING, scope="none")
def download_practice(export_id: UUID) -> ResponseReturnValue:
    """The archive, decrypted on its way. No transaction is held while it is read: it may take minutes."""
    with own_scope():
        found = _practice_export(export_id)
        if not sessions.is_proven(g.practice_id):
            return redirect(url_for("exports.practice"), 303)
        size, at = found.size, i18n.local(found.finished_at or found.created_at)
        stream = practice_exports.open_archive(found)
    return archive_answer(
        stream, size, _("%(practice)s-%(day)s.zip", practice=g.practice.slug, day=at.strftime("%Y-%m-%d"))
    )


def _practice_export(export_id: UUID) -> PracticeExport:
    found = practice_exports.get(export_id)
    if found is None:
        raise NotFound()
    return found


def _practice_exports() -> dict[str, Any]:
    return {
        "exports": [(one, can_be_fetched(one)) for one in practice_exports.recent()],
        "title_of": title_of,
    }


# --- the list of patients ------------------------------------------------------------------------------------------


@routes.get("/patients.csv", permission=PERMISSION, scope="none")
def patients_csv() -> ResponseReturnValue:
    """All patients as a table, former ones too, each on the trail; without the restricted records that are closed."""
    if not sessions.is_proven(g.practice_id):
        return ask_for_proof(url_for("exports.index"))
    practice_id = g.practice_id
    with own_scope():
        everybody, restricted = exports.everybody()
        closed = emergency.closed(restricted)
        shown = [one for one in everybody if one not in closed]
        detail = {"format": "csv", **({"left_out": len(closed)} if closed else {})}
        for at in range(0, max(len(shown), 1), audit.MOST_SHOWN):
            audit.record("patients.exported", detail=detail, shown=shown[at : at + audit.MOST_SHOWN])
    if closed:
        listing.tell_left_out(len(closed))
    name = listing.name_without(_("patients-%(practice)s.csv", practice=g.practice.slug), len(closed))
    return listing.table_file(name, exports.lines(practice_id, shown, restricted - closed))
