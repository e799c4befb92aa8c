"""Pages for a person's rights to their data: export it, erase it, and see how far that is.

They have their own permissions, so that a practice administrator who sees no records can answer a patient's letter.
"""

from __future__ import annotations

import unicodedata
from typing import Any, BinaryIO, Final
from uuid import UUID

from flask import Response, flash, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit, i18n, patients, plugin_system
from core.files import disposition
from core.i18n import _
from core.patient_data import PatientErasure, PatientExport, erasures, exports
from core.patient_data.archive import pieces_of
from core.patient_data.keeping import can_be_fetched
from core.patients import Patient
from core.realtime.events import topic
from core.web import record
from core.web.gate import own_scope
from core.web.pages import NotFound, live, render
from core.web.routes import StaffRoutes

EXPORT: Final = "core.export_patients"
ERASE: Final = "core.erase_patients"
_FOUND_AT_ONCE: Final = 20
_SHOWN: Final = 30

routes = StaffRoutes("core", __name__, name="patient_data", prefix="/patient-data")


# --- whose data --------------------------------------------------------------------------------------------------


@routes.get("", permission=EXPORT)
def index() -> Markup:
    """Find the patient who asked; see what is under way and what was done."""
    return _index()


@routes.post("", permission=EXPORT, scope="none")
def search() -> Markup:
    """The patients that the words find. By POST: a name does not belong into an address."""
    with own_scope(write=False):
        return _index(request.form.get("q", "").strip())


def _index(query: str = "") -> Markup:
    found = patients.search(query, _FOUND_AT_ONCE, 0, inactive=True) if query else []
    live(topic(exports.TOPIC), topic(erasures.TOPIC))
    return render(
        "patient_data/index.html",
        query=query,
        found=[(patient, record.identity(patient)) for patient in found],
        topics=f"{topic(exports.TOPIC)} {topic(erasures.TOPIC)}",
        **_under_way(),
    )


@routes.get("/list", permission=EXPORT)
def listing() -> Markup:
    """The part of that page that changes by itself."""
    return render("patient_data/list.html", **_under_way())


def _under_way() -> dict[str, Any]:
    made, erased = exports.recent(_SHOWN), erasures.recent(_SHOWN)
    ids = {one.patient_id for one in made} | {one.patient_id for one in erased}
    named = patients.get_many(ids)
    names = {id: patient.display_name for id, patient in named.items()}
    audit.lists(named)
    return {
        "exports": [(export, names.get(export.patient_id, "")) for export in made],
        "erasures": [(erasure, names.get(erasure.patient_id, "")) for erasure in erased],
    }


# --- exporting ---------------------------------------------------------------------------------------------------


@routes.get("/<uuid:patient_id>/export", permission=EXPORT)
def export(patient_id: UUID) -> Markup:
    """What an export holds, and the patient's exports."""
    patient = patients.get(patient_id)
    heard = topic(exports.TOPIC, patient_id)
    live(heard)
    return render(
        "patient_data/export.html",
        patient=patient,
        identity=record.identity(patient),
        languages=list(i18n.offered_languages().items()),
        language=(patient.language or i18n.language()).partition("-")[0],
        days=exports.KEPT_FOR.days,
        topic=heard,
        **_exports(patient_id),
    )


@routes.get("/<uuid:patient_id>/export/state", permission=EXPORT)
def export_state(patient_id: UUID) -> Markup:
    """The patient's exports alone."""
    return render("patient_data/export_state.html", **_exports(patients.get(patient_id).id))


@routes.post("/<uuid:patient_id>/export", permission=EXPORT)
def make_export(patient_id: UUID) -> ResponseReturnValue:
    """Have one made."""
    language = request.form.get("language", "")
    exports.request(
        patients.get(patient_id), language=language if language in i18n.offered_languages() else None
    )
    return redirect(url_for("patient_data.export", patient_id=patient_id), 303)


@routes.post("/<uuid:patient_id>/exports/<uuid:export_id>/retry", permission=EXPORT)
def retry_export(patient_id: UUID, export_id: UUID) -> ResponseReturnValue:
    """Try one that failed once more."""
    exports.retry(_export(patient_id, export_id))
    return redirect(url_for("patient_data.export", patient_id=patient_id), 303)


@routes.post("/<uuid:patient_id>/exports/<uuid:export_id>/remove", permission=EXPORT)
def remove_export(patient_id: UUID, export_id: UUID) -> ResponseReturnValue:
    """Remove one before its time."""
    exports.discard(_export(patient_id, export_id))
    flash(_("The export was removed."), "success")
    return redirect(url_for("patient_data.export", patient_id=patient_id), 303)


@routes.get("/<uuid:patient_id>/exports/<uuid:export_id>.zip", permission=EXPORT, scope="none")
def download(patient_id: UUID, export_id: UUID) -> Response:
    """The archive, decrypted on its way. No transaction is held while it is read: it may take minutes."""
    with own_scope():
        found = _export(patient_id, export_id)
        size, at = found.size, i18n.local(found.finished_at or found.created_at)
        stream = exports.open_archive(found)
    # No name in it: it shows in download lists and histories.
    return archive_answer(stream, size, _("patient-data-%(day)s.zip", day=at.strftime("%Y-%m-%d")))


def archive_answer(stream: BinaryIO, size: int, name: str) -> Response:
    """A ZIP to download, read while it is sent."""
    answer = Response(stream_with_context(pieces_of(stream)), mimetype="application/zip")
    answer.headers["Content-Length"] = str(size)
    answer.headers["Content-Disposition"] = disposition(name, "attachment")
    return answer


def _export(patient_id: UUID, export_id: UUID) -> PatientExport:
    found = exports.get(export_id)
    if found is None or found.patient_id != patient_id:
        raise NotFound()
    return found


def _exports(patient_id: UUID) -> dict[str, Any]:
    return {
        "patient_id": patient_id,
        "exports": [(one, can_be_fetched(one)) for one in exports.of_patient(patient_id)[:10]],
        "title_of": title_of,
    }


# --- erasing -----------------------------------------------------------------------------------------------------


@routes.get("/<uuid:patient_id>/erase", permission=ERASE)
def erase(patient_id: UUID) -> ResponseReturnValue:
    """What would go, what must stay and why; and the field in which the name is typed."""
    patient = patients.get(patient_id)
    known = erasures.latest(patient_id)
    if known is not None and known.state != "done":
        return redirect(url_for("patient_data.erasure", erasure_id=known.id))
    return _erase_page(patient)


@routes.post("/<uuid:patient_id>/erase", permission=ERASE)
def confirm_erase(patient_id: UUID) -> ResponseReturnValue:
    """Have it done, when the name was typed as it stands there."""
    patient = patients.get(patient_id)
    if _folded(request.form.get("name", "")) != _folded(patient.display_name):
        problem = _("Type the patient’s name as it stands above: %(name)s.", name=patient.display_name)
        return _erase_page(patient, problem), 422
    erasure_id = erasures.request(patient).id
    return redirect(url_for("patient_data.erasure", erasure_id=erasure_id), 303)


def _erase_page(patient: Patient, problem: str | None = None) -> Markup:
    shown = erasures.preview(patient)
    return render(
        "patient_data/erase.html",
        patient=patient,
        identity=record.identity(patient),
        preview=shown,
        problem=problem,
        has_export=any(can_be_fetched(one) for one in exports.of_patient(patient.id)),
    )


@routes.get("/erasures/<uuid:erasure_id>", permission=ERASE)
def erasure(erasure_id: UUID) -> Markup:
    """How far it is, and what became of it. It names nobody."""
    heard = topic(erasures.TOPIC, erasure_id)
    live(heard)
    return render("patient_data/erasure.html", topic=heard, **_erasure_state(_erasure(erasure_id)))


@routes.get("/erasures/<uuid:erasure_id>/state", permission=ERASE)
def erasure_state(erasure_id: UUID) -> Markup:
    """The part of that page that changes by itself."""
    return render("patient_data/erasure_state.html", **_erasure_state(_erasure(erasure_id)))


@routes.post("/erasures/<uuid:erasure_id>/retry", permission=ERASE)
def retry_erasure(erasure_id: UUID) -> ResponseReturnValue:
    """Try one that failed once more."""
    erasures.retry(_erasure(erasure_id))
    return redirect(url_for("patient_data.erasure", erasure_id=erasure_id), 303)


@routes.post("/erasures/<uuid:erasure_id>/withdraw", permission=ERASE)
def withdraw_erasure(erasure_id: UUID) -> ResponseReturnValue:
    """Think better of one that has not begun: everything is still there."""
    erasures.withdraw(_erasure(erasure_id))
    flash(_("The erasure was called off. Nothing was erased."), "success")
    return redirect(url_for("patient_data.index"), 303)


def _erasure(erasure_id: UUID) -> PatientErasure:
    found = erasures.get(erasure_id)
    if found is None:
        raise NotFound()
    return found


def _erasure_state(erasure: PatientErasure) -> dict[str, Any]:
    return {"erasure": erasure, "sections": erasures.report_of(erasure), "title_of": title_of}


def title_of(owner: str | None) -> str:
    """At whose part it failed, in words."""
    if owner in plugin_system.registry:
        return str(plugin_system.registry.get(str(owner)).title)
    return owner if owner and owner != "core" else _("Careroom itself")


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace("’", "'").split())
