"""Looking at photos one by one: large, beside another, and deciding about them. Part of the staff routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from core.sdk import (
    _,
    abort,
    audit,
    can,
    db,
    file_response,
    files,
    flash,
    live,
    notifications,
    redirect,
    request,
    topic,
    url_for,
)
from plugins.photo_request import lists, review, service
from plugins.photo_request.errors import CannotSend, PhotoRequestError
from plugins.photo_request.models import ARRIVED, READY, Photo
from plugins.photo_request.pages import page
from plugins.photo_request.staff import routes as routes
from plugins.photo_request.wording import REASONS

_VIEW, _REVIEW = "photo_request.view", "photo_request.review"


@routes.get("/photos/<uuid:photo_id>", permission=_VIEW)
def photo(photo_id: UUID) -> Any:
    """One photo in full size, or two side by side (``?beside=<photo>``)."""
    found = _photo(photo_id)
    return _page(found)


@routes.get("/photos/<uuid:photo_id>/<any(thumb, large):size>", permission=_VIEW)
def picture(photo_id: UUID, size: str) -> Any:
    """The picture itself. Whoever fetches the large one has seen the photo: it is audited."""
    found = _photo(photo_id)
    if found.file_id is None:
        abort(404)
    if size == "large":
        review.record_view(found)
    return file_response(files.get(found.file_id), size)


@routes.post("/photos/<uuid:photo_id>/keep", permission=_REVIEW)
def keep(photo_id: UUID) -> Any:
    """Keep the photo in the record and go on to the next one."""
    return _decide(photo_id, review.keep, _("Kept in the record."))


@routes.post("/photos/<uuid:photo_id>/reject", permission=_REVIEW)
def reject(photo_id: UUID) -> Any:
    """Reject the photo with a reason and, when ticked, ask the patient for a new one."""
    reason, text = request.form.get("reason", ""), request.form.get("text", "")

    def decide(found: Photo) -> None:
        review.reject(found, reason, text)
        if "ask_again" in request.form:
            review.ask_again(found)

    done = (
        _("Rejected. The patient was asked for a new photo.")
        if "ask_again" in request.form
        else _("Rejected.")
    )
    return _decide(photo_id, decide, done)


@routes.post("/photos/<uuid:photo_id>/comment", permission=_REVIEW)
def comment(photo_id: UUID) -> Any:
    """Set the practice's own comment."""
    review.comment(_photo(photo_id), request.form.get("comment"))
    flash(_("Comment saved."), "success")
    return redirect(url_for(".photo", photo_id=photo_id), 303)


def _decide(photo_id: UUID, action: Callable[[Photo], Any], done: str) -> Any:
    found = _photo(photo_id)
    try:
        with db.savepoint():
            action(found)
    except (PhotoRequestError, CannotSend, notifications.NotificationError) as refusal:
        db.session().refresh(found)
        return _page(found, error=refusal.message), 422
    flash(done, "success")
    waiting = [item for item in review.waiting_in(review.request_of(found)) if item.state == READY]
    after = [item for item in waiting if item.position > found.position]
    target = (after or waiting or [found])[0]
    return redirect(url_for(".photo", photo_id=target.id), 303)


def _page(found: Photo, error: str | None = None) -> str:
    asked = review.request_of(found)
    row = lists.row(asked)
    shown = [item for item in row.shown if item.state != ARRIVED]
    place = next((i for i, item in enumerate(shown) if item.id == found.id), 0)
    others = [item for other in lists.of_patient(asked.patient_id) for item in other.shown]
    beside_id = request.args.get("beside", type=UUID)
    live(topic(service.SUBJECT, asked.id))
    return page(
        "photo.html",
        photo=found,
        row=row,
        shown=shown,
        number=place + 1,
        previous=shown[place - 1] if place > 0 else None,
        following=shown[place + 1] if place + 1 < len(shown) else None,
        beside=next((item for item in others if item.id == beside_id), None),
        others=[item for item in others if item.id != found.id and item.state != ARRIVED],
        compare="beside" in request.args,
        reasons=REASONS.values(),
        reason_options=[(reason.code, reason.label) for reason in REASONS.values()],
        form=request.form,
        error=error,
        may_review=can(_REVIEW),
    )


def _photo(photo_id: UUID) -> Photo:
    found = review.visible_photo(photo_id)
    if found is None:
        abort(404)
    audit.concerns(review.request_of(found).patient_id)
    return found
