"""The pages of the practice: ask for photos, see how requests stand, decide about photos (see ``viewer``)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from core.sdk import (
    Patient,
    StaffRoutes,
    _,
    abort,
    audit,
    can,
    compose,
    db,
    flash,
    links,
    listing,
    live,
    notifications,
    own_scope,
    patient_actions,
    patients,
    redirect,
    request,
    topic,
    url_for,
    utcnow,
    uuid7,
)
from plugins.photo_request import finding, intake, lists, review, service, settings
from plugins.photo_request.errors import CannotSend, PhotoRequestError
from plugins.photo_request.models import Request
from plugins.photo_request.pages import page

routes = StaffRoutes("photo_request", __name__)

_SEND, _VIEW, _REVIEW = "photo_request.send", "photo_request.view", "photo_request.review"


@routes.get("/", permission=_SEND)
def index() -> str:
    """All requests of the practice, by what is to do."""
    return _list(_wanted())


@routes.post("/", permission=_SEND, scope="none")
def search() -> Any:
    """The same for what is searched for (a name is in no address); ``action=csv``: as a table to take away."""
    with own_scope(write=False):
        wanted = _wanted()
        if request.form.get("action") == "csv":
            total = finding.count(wanted)
            name = _("photo-requests.csv")
            table = listing.taken_away(name, finding.COLUMNS, total, lambda: finding.table(wanted))
            return table or redirect(_address(wanted), 303)
        return _list(wanted) if wanted.asked.words else redirect(_address(wanted), 303)


def _wanted() -> finding.Wanted:
    chosen = listing.one_of("show", lists.FILTERS, "review" if can(_VIEW) else "waiting")
    patient_id = request.values.get("patient", type=UUID)
    name = chosen if patient_id is None else "all"
    return finding.Wanted(name, listing.asked(finding.ORDERS), patient_id)


def _address(wanted: finding.Wanted, **changes: Any) -> str:
    """The address of a list, without the words of a search."""
    values = {"show": wanted.name, "patient": wanted.patient_id, **wanted.asked.address(finding.ORDERS[0])}
    return url_for(".index", **{**values, **changes})


def _list(wanted: finding.Wanted) -> str:
    found = finding.page(wanted)
    listing.note(wanted.asked, found.total, (row.patient.id for row in found.rows))
    live(topic(service.SUBJECT))
    return page(
        "index_list.html" if "fragment" in request.args else "index.html",
        chosen=wanted.name,
        patient=_patient(wanted.patient_id) if wanted.patient_id else None,
        found=found,
        page_url=lambda number: _address(wanted, page=number),
        fragment_url=_address(wanted, page=found.asked.page, fragment=1),
        review_total=lists.count_to_review(),
        waiting_total=lists.count_waiting(),
        may_view=can(_VIEW),
        may_export=listing.may_export(),
    )


@routes.get("/patients/<uuid:patient_id>/new", permission=_SEND)
def new(patient_id: UUID) -> str:
    """The form that asks a patient for photos."""
    patient = _patient(patient_id)
    usable = service.usable_channels(patient)
    return _form(patient, channels=usable[:1], note="", id=uuid7())


@routes.post("/patients/<uuid:patient_id>/new", permission=_SEND)
def create(patient_id: UUID) -> Any:
    """Send the request. The form carries the request's id: sent twice, it asks once."""
    patient = _patient(patient_id)
    channels, note = request.form.getlist("channels"), request.form.get("note", "")
    id = request.form.get("id", type=UUID) or uuid7()
    try:
        with db.savepoint():
            service.request_photos(patient, channels=channels, note=note, id=id)
    except (CannotSend, notifications.NotificationError) as refusal:
        return _form(patient, channels=channels, note=note, id=id, error=refusal.message), 422
    flash(_("Photo request sent to %(name)s.", name=patient.display_name), "success")
    return redirect(_workspace(patient_id), 303)


@routes.post("/patients/<uuid:patient_id>/preview", permission=_SEND)
def preview(patient_id: UUID) -> str:
    """The message as it will be sent, as a fragment."""
    patient = _patient(patient_id)
    return page(
        "preview.html",
        **_preview(patient, request.form.getlist("channels"), request.form.get("note", "")),
    )


@routes.get("/requests/<uuid:request_id>", permission=_SEND)
def show(request_id: UUID) -> str:
    """A request with its photos, messages and history."""
    asked = _request(request_id)
    live(topic(service.SUBJECT, request_id))
    row, is_fragment = lists.row(asked), "fragment" in request.args
    return page(
        "request_body.html" if is_fragment else "request.html",
        row=row,
        next_steps=[] if is_fragment else patient_actions(row.patient),
        earlier=db.get(Request, asked.supersedes) if asked.supersedes else None,
        consents=intake.consents_of(asked),
        topic=topic(service.SUBJECT, request_id),
        may_view=can(_VIEW),
        may_review=can(_REVIEW),
        me=audit.actor().id,
    )


@routes.post("/requests/<uuid:request_id>/again", permission=_SEND)
def again(request_id: UUID) -> Any:
    """Send a new link; the old one stops working."""
    asked = _request(request_id)
    id = request.form.get("id", type=UUID)
    try:
        with db.savepoint():
            service.send_again(asked, id=id)
    except (PhotoRequestError, notifications.NotificationError) as refusal:
        flash(refusal.message, "danger")
    else:
        flash(_("Sent again with a new link."), "success")
    return redirect(_workspace(asked.patient_id), 303)


@routes.post("/requests/<uuid:request_id>/cancel", permission=_SEND)
def cancel(request_id: UUID) -> Any:
    """Take a request back."""
    return _act(request_id, service.cancel, _("Photo request cancelled. The link no longer works."))


@routes.post("/requests/<uuid:request_id>/unlock", permission=_SEND)
def unlock(request_id: UUID) -> Any:
    """Lift the lock that wrong dates of birth put on the link."""
    return _act(request_id, service.unlock, _("Unlocked. The patient can try again with the same link."))


@routes.post("/requests/<uuid:request_id>/take", permission=_VIEW)
def take(request_id: UUID) -> Any:
    """I look after this."""
    return _act(request_id, service.take, _("You look after this request now."))


@routes.post("/requests/<uuid:request_id>/release", permission=_VIEW)
def release(request_id: UUID) -> Any:
    """Somebody else may look after this."""
    return _act(request_id, service.release, _("The request is open to everybody again."))


@routes.post("/requests/<uuid:request_id>/complete", permission=_REVIEW)
def complete(request_id: UUID) -> Any:
    """Nothing more is to come."""
    return _act(request_id, service.complete, _("Completed. The patient cannot add photos any more."))


@routes.post("/requests/<uuid:request_id>/keep_all", permission=_REVIEW)
def keep_all(request_id: UUID) -> Any:
    """Keep every photo that waits for a decision."""
    return _act(request_id, review.keep_all, _("All photos are kept in the record."))


def _act(request_id: UUID, action: Any, done: str) -> Any:
    asked = _request(request_id)
    try:
        with db.savepoint():
            action(asked)
    except PhotoRequestError as refusal:
        flash(refusal.message, "warning")
    else:
        flash(done, "success")
    if request.form.get("back") == "request":
        return redirect(url_for(".show", request_id=request_id), 303)
    return redirect(_workspace(asked.patient_id), 303)


def _request(request_id: UUID) -> Request:
    found = db.get(Request, request_id)
    if found is None:
        abort(404)
    audit.concerns(found.patient_id)
    return found


def _patient(patient_id: UUID) -> Patient:
    try:
        found = patients.get(patient_id)
    except patients.PatientNotFound:
        abort(404)
    audit.concerns(found.id)
    return found


def _workspace(patient_id: UUID) -> str:
    return url_for("patients.show", patient_id=patient_id)


def _form(patient: Patient, *, channels: list[Any], note: str, id: UUID, error: str | None = None) -> str:
    here = settings.here()
    return page(
        "new.html",
        channels=channels,
        note=note,
        id=id,
        error=error,
        max_note=service.MAX_NOTE,
        max_photos=here.max_photos,
        workspace=_workspace(patient.id),
        **_preview(patient, channels, note),
    )


def _preview(patient: Patient, channels: list[Any], note: str) -> dict[str, Any]:
    """The message with a link of the very length that the real one will have."""
    expires_at = utcnow() + timedelta(days=settings.here().link_days or links.default_days())
    return {"expires_at": expires_at, "patient": patient} | compose.shown(
        patient,
        channels,
        lambda: service.preview(patient, note=note, link=links.example_url(), expires_at=expires_at),
    )
