"""The pages behind a patient's link: what it is about, choosing photos, sending them, what has arrived."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from core.sdk import (
    PatientRoutes,
    _,
    abort,
    current_link,
    db,
    file_response,
    files,
    flash,
    jsonify,
    own_scope,
    redirect,
    request,
    tenancy,
    uploads,
    url_for,
)
from plugins.photo_request import intake, service, settings, wording
from plugins.photo_request.errors import PhotoRequestError
from plugins.photo_request.intake import Chosen
from plugins.photo_request.models import ARRIVED, OPEN_STATES, Photo, Request
from plugins.photo_request.pages import page

routes = PatientRoutes("photo_request", __name__)

ACCEPT = "image/jpeg,image/png,image/webp,image/heic,image/heif"
_FORM_LIMIT = settings.MAX_BYTES + 1024 * 1024  # the photos, and what a form wraps around them
_PURPOSE = service.PURPOSE


@routes.get("/", purpose=_PURPOSE)
def start() -> Any:
    """What the practice asks for; or, once photos are here, what has arrived."""
    asked = _asked()
    arrived = intake.photos_of(asked)
    if arrived and "add" not in request.args:
        return _arrived_page(asked, arrived)
    return _choose_page(asked, arrived)


@routes.get("/tips", purpose=_PURPOSE)
def tips() -> str:
    """How to take a good photo."""
    return page("tips.html")


@routes.get("/arrived", purpose=_PURPOSE)
def arrived_list() -> str:
    """The list of what has arrived, as a fragment: the page asks for it until every photo is prepared."""
    asked = _asked()
    photos = intake.photos_of(asked)
    return page(
        "arrived_list.html",
        photos=photos,
        waiting=_waiting(photos),
        ended=_ended(asked),
        refusal_text=files.refusal_text,
    )


@routes.get("/photos/<uuid:photo_id>/thumb", purpose=_PURPOSE)
def thumb(photo_id: UUID) -> Any:
    """A small picture of a photo that this patient sent through this link."""
    photo = db.get(Photo, photo_id)
    if photo is None or photo.request_id != current_link().subject_id or photo.file_id is None:
        abort(404)
    return file_response(files.get(photo.file_id), "thumb")


@routes.post("/agree", purpose=_PURPOSE)
def agree() -> Any:
    """The patient agrees to send these photos: JSON {"agreed": true, "photos": [{"id", "size", "comment"}]}."""
    asked = intake.request_of(current_link().subject_id)
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400)
    intake.declare_photos(asked, _chosen(body.get("photos")), agreed=body.get("agreed") is True)
    return jsonify(agreed=True)


@routes.post("/withdraw/<uuid:photo_id>", purpose=_PURPOSE)
def withdraw(photo_id: UUID) -> Any:
    """The patient does not send a photo after all; ``photo_id`` is the phone's own id for it."""
    asked = db.get(Request, current_link().subject_id)
    if asked is not None:
        intake.withdraw(asked, photo_id)
    return jsonify(withdrawn=True)


@routes.post("/photos", purpose=_PURPOSE, scope="none")
def send_form() -> Any:
    """The way without scripts: agreement and photos in one form. What cannot be taken is named, the rest is sent."""
    request.max_content_length = _FORM_LIMIT
    chosen = [item for item in request.files.getlist("photos") if item.filename]
    problems: list[str] = []
    sent = 0
    try:
        coming = [(item, uuid4()) for item in chosen]
        with own_scope():
            intake.declare_photos(
                intake.request_of(current_link().subject_id),
                [Chosen(uuid, _length(item)) for item, uuid in coming],
                agreed="agreed" in request.form,
            )
        for item, uuid in coming:
            try:
                _take(uuid, item)
                sent += 1
            except files.FileRefused as refusal:
                problems.append(f"{str(item.filename)[:60]}: {refusal.message}")
                with own_scope():
                    intake.withdraw(_asked(), uuid)
    except PhotoRequestError as refusal:
        problems.append(refusal.message)
    for problem in problems:
        flash(problem, "danger")
    return redirect(url_for(".start") if sent else url_for(".start", add="1"), 303)


def _may_begin(uuid: UUID, size: int, _metadata: Mapping[str, str]) -> None:
    intake.check_offer(_asked(), uuid, size)


def _finished(upload: files.Upload, file: files.File) -> None:
    intake.accept(_asked(), upload.id, file)


uploads.mount(
    routes,
    "/uploads",
    purpose=_PURPOSE,
    allow=_may_begin,
    finished=_finished,
    max_size=settings.MAX_BYTES,
)


def _take(uuid: UUID, item: Any) -> None:
    """Bytes first, outside any transaction; then file and photo in one."""
    link = current_link()
    with own_scope(write=False):
        practice_id = db.practice_id()
    staged = files.stage(
        item.stream,
        owner=routes.owner,
        name=item.filename,
        patient_id=link.patient_id,
        max_size=settings.MAX_BYTES,
        practice_id=practice_id,
    )
    try:
        with own_scope():
            intake.accept(_asked(), uuid, files.keep(staged))
    except BaseException:
        files.discard(staged)
        raise


def _asked() -> Request:
    asked = db.get(Request, current_link().subject_id)
    if asked is None:
        abort(404)
    return asked


def _choose_page(asked: Request, arrived: list[Photo]) -> str:
    practice = tenancy.current()
    return page(
        "choose.html",
        asked=asked,
        arrived=arrived,
        practice=practice,
        guidance=settings.here().guidance.strip(),
        accept=ACCEPT,
        max_bytes=settings.MAX_BYTES,
        consent_use=wording.use_wording(practice.name),
        intimate=wording.intimate_wording(),
        acceptable=_acceptable(),
        unacceptable=_unacceptable(),
        max_comment=intake.MAX_COMMENT,
    )


def _arrived_page(asked: Request, arrived: list[Photo]) -> str:
    return page(
        "arrived.html",
        asked=asked,
        photos=arrived,
        waiting=_waiting(arrived),
        ended=_ended(asked),
        refusal_text=files.refusal_text,
        room=asked.max_photos - asked.photo_count,
        practice=tenancy.current(),
    )


def _waiting(photos: list[Photo]) -> bool:
    return any(photo.state == ARRIVED for photo in photos)


def _ended(asked: Request) -> bool:
    """Nothing more can be added."""
    is_open = service.state_of(asked) in OPEN_STATES
    return not is_open or asked.photo_count >= asked.max_photos or asked.byte_count >= settings.MAX_BYTES


def _acceptable() -> list[str]:
    return [
        _("Sharp and bright: you can see the skin or the wound clearly"),
        _("One close up, about 20 cm away, and one from further away that shows where on the body it is"),
        _("A coin or ruler beside it when the size matters"),
        _("Only the part of the body that your practice asked about"),
    ]


def _unacceptable() -> list[str]:
    return [
        _("Intimate areas (genitals, buttocks or breasts) of anyone, above all of a child"),
        _("Blurred or dark photos, or photos with a filter"),
        _("Other people, or things that show where you live"),
        _("Photos of screens, or screenshots"),
    ]


def _chosen(items: Any) -> list[Chosen]:
    """What the phone says it will send. Answers 400 to anything that our own page would not say."""
    if not isinstance(items, list) or len(items) > 100:
        abort(400)
    try:
        chosen = [
            Chosen(UUID(str(i["id"])), int(i["size"]), str(i.get("comment") or "")[:2000]) for i in items
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        abort(400)
    if any(item.size < 0 for item in chosen) or len({item.uuid for item in chosen}) != len(chosen):
        abort(400)
    return chosen


def _length(item: Any) -> int:
    item.stream.seek(0, 2)
    size = int(item.stream.tell())
    item.stream.seek(0)
    return size
