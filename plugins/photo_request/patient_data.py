"""What photo requests hold about a patient: handed over on request, and erased on request."""

from __future__ import annotations

from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select

from core.sdk import Erased, ExportPart, FileRef, PatientDataContext, _, _l, db, files, utcnow
from plugins.photo_request import settings, wording
from plugins.photo_request.models import (
    KEPT,
    REJECTED,
    UNREADABLE,
    Consent,
    Photo,
    Request,
)
from plugins.photo_request.wording import REASONS

_FIELDS: Final = {
    "asked_at": _l("Asked on"),
    "asked_by": _l("Asked by"),
    "note": _l("What we wrote"),
    "state": _l("State"),
    "opened_at": _l("Link opened"),
    "received_at": _l("First photo arrived"),
    "closed_at": _l("Closed"),
    "agreements": _l("What you agreed to"),
    "given_at": _l("Agreed on"),
    "wording": _l("In these words"),
    "photos": _l("Photos"),
    "picture": _l("Photo"),
    "arrived_at": _l("Arrived"),
    "your_comment": _l("Your comment"),
    "decision": _l("What the practice decided"),
    "decided_at": _l("Decided on"),
    "decided_by": _l("Decided by"),
    "why_rejected": _l("Why it was not kept"),
    "comment": _l("Comment of the practice"),
}
_DECISIONS: Final = {
    KEPT: _l("Kept in your record"),
    REJECTED: _l("Not kept"),
    UNREADABLE: _l("Could not be read"),
}


def export(ctx: PatientDataContext) -> list[ExportPart]:
    """Every request with its agreements and photos, the pictures among them."""
    requests = _requests(ctx.patient.id)
    if not requests:
        return []
    content = [_request(request, number) for number, request in enumerate(requests, start=1)]
    return [ExportPart("requests.json", content, _l("Photo requests"), _FIELDS)]


def erase(ctx: PatientDataContext) -> list[Erased]:
    """Everything goes, but for photos that the practice must keep in the record by law, with their requests."""
    requests = _requests(ctx.patient.id)
    photos = _photos_of(requests)
    years = settings.here().record_years
    must_stay = [photo for photo in photos if photo.state == KEPT and _last_day(photo, years) >= _today()]
    staying = {photo.request_id for photo in must_stay}
    kept = {photo.id for photo in must_stay}
    going = [photo for photo in photos if photo.id not in kept]
    ended = [request for request in requests if request.id not in staying]
    if not ctx.preview:
        for photo in going:
            if photo.file_id is not None:
                files.delete(photo.file_id)
        _remove(Photo, [photo.id for photo in going])
        _remove(Request, [request.id for request in ended])  # their agreements go along
        for request in requests:
            if request.id in staying:
                request.note = None
    erased = [
        Erased(_l("Photo requests and what was agreed to"), len(ended)),
        Erased(_l("Photos"), len(going)),
    ]
    if must_stay:
        until = max(_last_day(photo, years) for photo in must_stay)
        reason = _("They are part of the medical record, which the law obliges the practice to keep.")
        erased.append(Erased(_l("Photos kept in the record"), len(must_stay), reason, until))
    return erased


def _requests(patient_id: UUID) -> list[Request]:
    about = select(Request).where(Request.patient_id == patient_id)
    return list(db.session().scalars(about.order_by(Request.created_at, Request.id)))


def _photos_of(requests: list[Request]) -> list[Photo]:
    of_them = select(Photo).where(Photo.request_id.in_([request.id for request in requests]))
    return list(db.session().scalars(of_them.order_by(Photo.request_id, Photo.position, Photo.id)))


def _photos(request: Request) -> list[Photo]:
    of_it = select(Photo).where(Photo.request_id == request.id)
    return list(db.session().scalars(of_it.order_by(Photo.position, Photo.id)))


def _request(request: Request, number: int) -> dict[str, Any]:
    consents = db.session().scalars(
        select(Consent).where(Consent.request_id == request.id).order_by(Consent.given_at, Consent.id)
    )
    return {
        "asked_at": request.created_at,
        "asked_by": request.requested_by_name,
        "note": request.note,
        "state": wording.STATES.get(request.state, request.state),
        "opened_at": request.opened_at,
        "received_at": request.received_at,
        "closed_at": request.closed_at,
        "agreements": [
            {
                "given_at": one.given_at,
                "wording": one.wording,
                "version": one.version,
                "language": one.language,
            }
            for one in consents
        ],
        "photos": [
            _photo(photo, f"{number}-{place}") for place, photo in enumerate(_photos(request), start=1)
        ],
        "id": request.id,
    }


def _photo(photo: Photo, number: str) -> dict[str, Any]:
    reason = REASONS.get(photo.reject_reason or "")
    return {
        "picture": FileRef(photo.file_id, f"photo-{number}.jpg") if photo.file_id else None,
        "arrived_at": photo.arrived_at,
        "your_comment": photo.patient_comment,
        "decision": _DECISIONS.get(photo.state),
        "decided_at": photo.reviewed_at,
        "decided_by": photo.reviewed_by_name,
        "why_rejected": photo.reject_text or (reason.label if reason else None),
        "comment": photo.staff_comment,
        "id": photo.id,
    }


def _last_day(photo: Photo, years: int) -> date:
    """The last day on which a kept photo must stay; long ago where nothing obliges."""
    decided = (photo.reviewed_at or photo.created_at).date()
    if not years:
        return date.min
    try:
        return decided.replace(year=decided.year + years)
    except ValueError:  # the 29th of February
        return decided.replace(year=decided.year + years, day=28)


def _today() -> date:
    return utcnow().date()


def _remove(model: type[Photo] | type[Request], ids: list[UUID]) -> None:
    for start in range(0, len(ids), 500):
        db.session().execute(delete(model).where(model.id.in_(ids[start : start + 500])))
