"""One of everything, for whoever looks this plugin over: a request that went all the way, with photos."""

from __future__ import annotations

import io
from typing import Final
from uuid import UUID, uuid4

from PIL import Image

from core.sdk import files, patients, tenancy
from plugins.photo_request import intake, service

_OWNER: Final = "photo_request"


def make(practice_id: UUID, patient_id: UUID, count: int = 2) -> dict[str, UUID]:
    """Ask a patient for photos and send ``count``; the ids by the names that routes use. Opens its own scopes."""
    with tenancy.practice_scope(practice_id):
        request_id = service.request_photos(patients.get(patient_id), channels=["sms"]).id
    chosen = [intake.Chosen(uuid4(), 1000) for _ in range(count)]
    with tenancy.practice_scope(practice_id):
        intake.declare_photos(intake.request_of(request_id), chosen, agreed=True)
    ids = {"request_id": request_id}
    for item in chosen:
        with tenancy.practice_scope(practice_id, write=False):
            staged = files.stage(picture(), owner=_OWNER, name="photo.jpg", patient_id=patient_id)
        with tenancy.practice_scope(practice_id):
            photo = intake.accept(intake.request_of(request_id), item.uuid, files.keep(staged))
            ids["photo_id"] = photo.id
    return ids


def picture(colour: str = "teal", size: tuple[int, int] = (640, 480)) -> io.BytesIO:
    """A small photo."""
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, "JPEG")
    target.seek(0)
    return target
