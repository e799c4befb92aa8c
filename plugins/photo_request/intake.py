"""What the patient sends: the agreement, then the photos, one by one and each once.

Nothing that the phone says is believed: the limits are counted in the database when a photo arrives, by one
conditional UPDATE, so that of two uploads that end at once only as many get in as there is room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from core.sdk import (
    _,
    _l,
    audit,
    db,
    files,
    i18n,
    jobs,
    ngettext,
    notifications,
    tenancy,
    utcnow,
)
from plugins.photo_request import messages, service
from plugins.photo_request.errors import (
    AgreementMissing,
    NothingChosen,
    RequestClosed,
    TooManyChosen,
    UploadRefused,
)
from plugins.photo_request.models import (
    ARRIVED,
    ARRIVED_STATES,
    EXPECTED,
    OPEN_STATES,
    READY,
    RECEIVED,
    UNREADABLE,
    WAITING_STATES,
    Consent,
    Photo,
    Request,
)
from plugins.photo_request.settings import MAX_BYTES
from plugins.photo_request.wording import CONSENT_VERSION, consent_wording

ANNOUNCE_LATE: Final = "photo_request.announce_late"
MAX_COMMENT: Final = 500
_PATIENCE: Final = timedelta(minutes=15)
_STALE: Final = timedelta(hours=24)
_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Chosen:
    """A photo that the patient is about to send: the phone's own id for it, its size in bytes, the comment."""

    uuid: UUID
    size: int
    comment: str | None = None


def request_of(request_id: UUID) -> Request:
    """The request behind a link while it can take photos. Raises RequestClosed."""
    request = db.get(Request, request_id)
    if request is None or service.state_of(request) not in OPEN_STATES:
        raise RequestClosed()
    return request


def photos_of(request: Request) -> list[Photo]:
    """What has arrived through this request, in the order in which the patient arranged it."""
    return list(
        db.session().scalars(
            select(Photo)
            .where(Photo.request_id == request.id, Photo.state != EXPECTED)
            .order_by(Photo.position, Photo.id)
        )
    )


def consents_of(request: Request) -> list[Consent]:
    """What the patient agreed to, word for word, oldest first."""
    return list(
        db.session().scalars(
            select(Consent).where(Consent.request_id == request.id).order_by(Consent.given_at, Consent.id)
        )
    )


def declare_photos(request: Request, chosen: Sequence[Chosen], *, agreed: bool) -> Consent:
    """Store the agreement and what the patient is about to send; the bytes follow.

    Said again with the same ids (the phone lost the answer) it agrees anew and changes no photo that is here.
    Raises AgreementMissing, NothingChosen, TooManyChosen.
    """
    if not agreed:
        raise AgreementMissing()
    if not chosen:
        raise NothingChosen()
    known = {photo.uuid: photo for photo in _all_photos(request)}
    coming = [item for item in chosen if item.uuid not in known or known[item.uuid].state == EXPECTED]
    _check_room(request, coming)
    _drop_stale(request, known)
    consent = Consent(
        request_id=request.id,
        wording=consent_wording(tenancy.current().name),
        version=CONSENT_VERSION,
        language=i18n.language(),
    )
    db.session().add(consent)
    db.session().flush()
    first = 1 + max((photo.position for photo in known.values()), default=0)
    for offset, item in enumerate(coming):
        photo = known.get(item.uuid)
        if photo is None:
            photo = Photo(request_id=request.id, uuid=item.uuid)
            db.session().add(photo)
        photo.consent_id, photo.size, photo.position = consent.id, item.size, first + offset
        photo.patient_comment = clean_comment(item.comment)
    db.session().flush()
    audit.record(
        "photo_request.agreed",
        patient_id=request.patient_id,
        subject=(service.SUBJECT, request.id),
        detail={"version": CONSENT_VERSION, "photos": len(coming)},
    )
    _announce_later(consent)
    return consent


def check_offer(request: Request, uuid: UUID, size: int) -> None:
    """May this upload begin? The answer can change until it ends: :func:`accept` has the last word.

    Raises UploadRefused.
    """
    if service.state_of(request) not in OPEN_STATES:
        raise UploadRefused("closed")
    photo = _by_uuid(request, uuid)
    if photo is None:
        raise UploadRefused("not_agreed")
    if photo.state == EXPECTED:
        _refuse_when_full(request, size)


def accept(request: Request, uuid: UUID, file: files.File) -> Photo:
    """Take a photo whose bytes are durable. The same ``uuid`` a second time answers the first photo.

    In the transaction that stores the file: when this raises UploadRefused, neither is kept.
    """
    photo = _by_uuid(request, uuid)
    if photo is None:
        raise UploadRefused("not_agreed")
    arrived = db.session().scalar(
        update(Photo)
        .where(Photo.id == photo.id, Photo.state == EXPECTED)
        .values(state=ARRIVED, file_id=file.id, size=file.size, arrived_at=utcnow(), updated_at=utcnow())
        .returning(Photo.id)
        .execution_options(synchronize_session=False)
    )
    db.session().refresh(photo)
    if arrived is None:
        return photo
    _claim_room(request, file.size)
    if service.move(request, RECEIVED, WAITING_STATES):
        request.received_at = utcnow()
    audit.record("photo_request.photo_received", patient_id=request.patient_id, subject=_subject(photo))
    service.tell(request, "photo")
    consent = db.session().get_one(Consent, (photo.practice_id, photo.consent_id))
    if consent.announced_at is not None:  # a straggler, after the practice was told about the others
        consent.announced_at = None
        _announce_later(consent, after=photo.id)
    announce_when_complete(request, consent)
    return photo


def withdraw(request: Request, uuid: UUID) -> None:
    """The patient does not send this photo after all. One that has arrived stays."""
    photo = _by_uuid(request, uuid)
    if photo is None or photo.state != EXPECTED:
        return
    consent = db.get(Consent, photo.consent_id)
    db.session().delete(photo)
    db.session().flush()
    if consent is not None and consent.announced_at is None:
        announce_when_complete(request, consent)


def announce_when_complete(request: Request, consent: Consent) -> None:
    """Tell the practice and the patient once every photo that was agreed to has arrived."""
    states = _states_of(consent)
    if EXPECTED not in states and any(state in ARRIVED_STATES for state in states):
        _announce(request, consent)


def announce_late(consent_id: UUID) -> None:
    """Some photos never came (the phone was switched off, say): tell about those that did."""
    consent = db.get(Consent, consent_id)
    request = db.get(Request, consent.request_id) if consent is not None else None
    if consent is None or request is None or request.state != RECEIVED:
        return
    if any(state in ARRIVED_STATES for state in _states_of(consent)):
        _announce(request, consent)


def photo_ready(file_id: UUID) -> None:
    """The worker has made the pictures of a photo."""
    photo = _by_file(file_id)
    if photo is None or photo.state != ARRIVED:
        return
    photo.state = READY
    _tell_of(photo, "ready")


def photo_unreadable(file_id: UUID, reason: str) -> None:
    """No picture could be made of a photo: its place is free again, and the patient is asked for another one."""
    photo = _by_file(file_id)
    if photo is None or photo.state != ARRIVED:
        return
    photo.state, photo.unreadable_reason = UNREADABLE, reason
    db.session().flush()
    db.session().execute(
        update(Request)
        .where(Request.id == photo.request_id)
        .values(photo_count=Request.photo_count - 1, byte_count=Request.byte_count - photo.size)
        .execution_options(synchronize_session=False)
    )
    _tell_of(photo, "unreadable")


def clean_comment(comment: str | None) -> str | None:
    """A comment in the patient's own lines, at most MAX_COMMENT characters, or None."""
    lines = [" ".join(line.split()) for line in (comment or "").splitlines()]
    return "\n".join(line for line in lines if line)[:MAX_COMMENT].strip() or None


def megabytes(size: int) -> str:
    """Bytes as the person reads them: "4.2"."""
    return i18n.format_number(round(size / _MEGABYTE, 1))


def _check_room(request: Request, coming: Sequence[Chosen]) -> None:
    room = request.max_photos - request.photo_count
    if len(coming) > room:
        raise TooManyChosen(
            ngettext(
                "There is room for %(num)d more photo. Please remove some.",
                "There is room for %(num)d more photos. Please remove some.",
                room,
            )
        )
    if request.byte_count + sum(item.size for item in coming) > MAX_BYTES:
        raise TooManyChosen(
            _(
                "All photos together may have %(limit)s MB at most. Please remove some.",
                limit=megabytes(MAX_BYTES),
            )
        )


def _refuse_when_full(request: Request, size: int) -> None:
    if request.photo_count >= request.max_photos:
        raise UploadRefused("too_many", max=request.max_photos)
    if request.byte_count + size > MAX_BYTES:
        raise UploadRefused("too_much", limit=megabytes(MAX_BYTES))


def _claim_room(request: Request, size: int) -> None:
    claimed = db.session().scalar(
        update(Request)
        .where(
            Request.id == request.id,
            Request.state.in_(OPEN_STATES),
            Request.photo_count < Request.max_photos,
            Request.byte_count + size <= MAX_BYTES,
        )
        .values(photo_count=Request.photo_count + 1, byte_count=Request.byte_count + size)
        .returning(Request.id)
        .execution_options(synchronize_session=False)
    )
    db.session().refresh(request)
    if claimed is None:
        _refuse_when_full(request, size)
        raise UploadRefused("closed")


def _announce(request: Request, consent: Consent) -> None:
    announced = db.session().scalar(
        update(Consent)
        .where(Consent.id == consent.id, Consent.announced_at.is_(None))
        .values(announced_at=utcnow())
        .returning(Consent.id)
        .execution_options(synchronize_session=False)
    )
    db.session().refresh(consent)
    if announced is None:
        return
    patient = service.patient_of(request)
    channels = [c for c in service.usable_channels(patient) if c in request.channels]
    if channels:
        notifications.send(
            messages.CONFIRMATION,
            patient=patient,
            channels=channels[:1],  # one confirmation is enough
            variables={
                "practice": tenancy.current().name,
                "patient": patient.given_names,
                "count": str(request.photo_count),
            },
            key=f"photo_request.confirmation:{consent.id}:{request.photo_count}",
            subject=("photo_request.consent", consent.id),
        )
    notifications.inbox.notify(
        _l("Photos received from %(patient)s", patient=patient.display_name),
        url=f"/photo_request/requests/{request.id}",
        permission="photo_request.view",
        icon="photo",
        subject=(service.SUBJECT, request.id),
        patient_id=patient.id,
    )
    service.tell(request, "received")


def _announce_later(consent: Consent, after: UUID | None = None) -> None:
    jobs.enqueue(
        ANNOUNCE_LATE,
        due_at=utcnow() + _PATIENCE,
        key=f"{ANNOUNCE_LATE}:{consent.id}:{after or ''}",
        consent_id=consent.id,
    )


def _drop_stale(request: Request, known: dict[UUID, Photo]) -> None:
    """Forget what was announced long ago and never came, so that a phone cannot pile up rows."""
    limit = utcnow() - _STALE
    stale = [photo for photo in known.values() if photo.state == EXPECTED and photo.created_at < limit]
    waiting = sum(photo.state == EXPECTED for photo in known.values()) - len(stale)
    if waiting > 4 * request.max_photos:
        raise TooManyChosen(_("Too many photos were started and not finished. Please try again tomorrow."))
    for photo in stale:
        db.session().delete(known.pop(photo.uuid))


def _states_of(consent: Consent) -> list[str]:
    return list(db.session().scalars(select(Photo.state).where(Photo.consent_id == consent.id)))


def _all_photos(request: Request) -> list[Photo]:
    return list(db.session().scalars(select(Photo).where(Photo.request_id == request.id)))


def _by_uuid(request: Request, uuid: UUID) -> Photo | None:
    return db.session().scalar(select(Photo).where(Photo.request_id == request.id, Photo.uuid == uuid))


def _by_file(file_id: UUID) -> Photo | None:
    return db.session().scalar(select(Photo).where(Photo.file_id == file_id))


def _tell_of(photo: Photo, change: str) -> None:
    request = db.get(Request, photo.request_id)
    if request is not None:
        service.tell(request, change)


def _subject(photo: Photo) -> tuple[str, UUID]:
    return "photo_request.photo", photo.id
