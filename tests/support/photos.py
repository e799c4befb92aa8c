"""A photo request that went all the way: asked for, opened, two photos sent and rendered."""

from __future__ import annotations

import io
from uuid import UUID, uuid4

from PIL import Image

from core import audit, db, files
from core.patients import Patient
from plugins.photo_request import intake, service
from tests.support.house import House

NADIA = audit.Actor("staff", "1", "Nadia Roussel")


def jpeg(colour: str = "teal", size: tuple[int, int] = (640, 480)) -> bytes:
    """A small photo."""
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, "JPEG")
    return target.getvalue()


def a_request_with_photos(house: House, practice_id: UUID, count: int = 2) -> dict[str, UUID]:
    """The ids, by the names that routes use for them: patient_id, request_id, photo_id."""
    with house.at(practice_id) as session, audit.use_actor(NADIA):
        patient = session.query(Patient).filter(Patient.mobile.is_not(None)).order_by(Patient.id).first()
        assert patient is not None
        request_id = service.request_photos(patient, channels=["sms"]).id
        patient_id = patient.id
    chosen = [intake.Chosen(uuid4(), 1000) for _ in range(count)]
    with house.at(practice_id):
        intake.declare_photos(intake.request_of(request_id), chosen, agreed=True)
    for item in chosen:
        with house.at(practice_id, write=False):
            staged = files.stage(
                io.BytesIO(jpeg()), owner="photo_request", name="photo.jpg", patient_id=patient_id
            )
        with house.at(practice_id):
            photo = intake.accept(intake.request_of(request_id), item.uuid, files.keep(staged))
            photo_id = photo.id
    house.work()
    assert db.in_scope() is False
    return {"patient_id": patient_id, "request_id": request_id, "photo_id": photo_id}
