"""What clinicians decide about photos: keep them in the record, reject them, comment, ask again."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from core.sdk import LazyString, audit, db, utcnow
from plugins.photo_request import service
from plugins.photo_request.errors import PhotoNotReady, ReasonMissing
from plugins.photo_request.models import (
    ARRIVED,
    EXPECTED,
    KEPT,
    READY,
    REJECTED,
    TO_REVIEW_STATES,
    UNREADABLE,
    Photo,
    Request,
)
from plugins.photo_request.wording import REASONS

MAX_TEXT = 500
_DECIDABLE = (READY, KEPT, REJECTED)  # a decision may be changed; the audit trail keeps both


def keep(photo: Photo) -> None:
    """Keep a photo in the patient's record. Raises PhotoNotReady."""
    _decide(photo, KEPT)
    photo.reject_reason = photo.reject_text = None
    _record(photo, "photo_request.photo_kept")


def reject(photo: Photo, reason: str, text: str | None = None) -> None:
    """Set a photo aside with a reason; "other" needs a text. Raises PhotoNotReady, ReasonMissing."""
    text = " ".join((text or "").split())[:MAX_TEXT] or None
    if reason not in REASONS or (reason == "other" and text is None):
        raise ReasonMissing()
    _decide(photo, REJECTED)
    photo.reject_reason, photo.reject_text = reason, text
    _record(photo, "photo_request.photo_rejected", {"reason": reason})


def ask_again(photo: Photo) -> Request:
    """Send the patient a new link that says why this photo does not do.

    The first request is completed when nothing in it waits for a decision. Raises CannotSend.
    """
    request = request_of(photo)
    patient = service.patient_of(request)
    usable = service.usable_channels(patient)
    channels = [c for c in request.channels if c in usable]
    again = service.request_photos(
        patient,
        channels=channels or usable,
        supersedes=request.id,
        reason=reason_for_patient(photo),
    )
    if request.state == "received" and not waiting_in(request):
        service.complete(request)
    return again


def reason_for_patient(photo: Photo) -> LazyString | str:
    """Why a photo was rejected, as a sentence to the patient; the clinician's own words come first."""
    reason = REASONS.get(photo.reject_reason or "other", REASONS["other"])
    return photo.reject_text or reason.ask


def comment(photo: Photo, text: str | None) -> None:
    """Set the clinicians' comment on a photo; nothing takes it away."""
    lines = [" ".join(line.split()) for line in (text or "").splitlines()]
    photo.staff_comment = "\n".join(line for line in lines if line)[:MAX_TEXT] or None
    _record(photo, "photo_request.photo_commented")


def keep_all(request: Request) -> int:
    """Keep every photo that waits for a decision, and answer how many there were."""
    ready = [photo for photo in waiting_in(request) if photo.state == READY]
    for photo in ready:
        keep(photo)
    return len(ready)


def waiting_in(request: Request) -> list[Photo]:
    """The photos of a request about which nobody has decided."""
    return list(
        db.session().scalars(
            select(Photo)
            .where(Photo.request_id == request.id, Photo.state.in_(TO_REVIEW_STATES))
            .order_by(Photo.position, Photo.id)
        )
    )


def visible_photo(photo_id: UUID) -> Photo | None:
    """A photo that can be looked at, or None."""
    photo = db.get(Photo, photo_id)
    if photo is None or photo.state in (EXPECTED, ARRIVED, UNREADABLE):
        return None
    return photo


def record_view(photo: Photo) -> None:
    """Somebody looked at this photo in full size."""
    audit.record(
        "photo_request.photo_viewed",
        patient_id=request_of(photo).patient_id,
        subject=("photo_request.photo", photo.id),
    )


def request_of(photo: Photo) -> Request:
    """The request that a photo came through."""
    return db.session().get_one(Request, (photo.practice_id, photo.request_id))


def _decide(photo: Photo, state: str) -> None:
    if photo.state not in _DECIDABLE:
        raise PhotoNotReady()
    actor = audit.actor()
    photo.state = state
    photo.reviewed_by, photo.reviewed_by_name, photo.reviewed_at = actor.id, actor.name, utcnow()


def _record(photo: Photo, action: str, detail: dict[str, str] | None = None) -> None:
    request = request_of(photo)
    audit.record(
        action, patient_id=request.patient_id, subject=("photo_request.photo", photo.id), detail=detail
    )
    service.tell(request, "reviewed")
