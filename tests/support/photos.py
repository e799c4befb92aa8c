"""A photo request that went all the way: asked for, opened, two photos sent and rendered."""

from __future__ import annotations

from uuid import UUID

from core import audit, db
from core.patients import Patient
from plugins.photo_request import sample
from tests.support.house import House

NADIA = audit.Actor("staff", "1", "Nadia Roussel")


def jpeg(colour: str = "teal", size: tuple[int, int] = (640, 480)) -> bytes:
    """A small photo."""
    return sample.picture(colour, size).getvalue()


def a_request_with_photos(house: House, practice_id: UUID, count: int = 2) -> dict[str, UUID]:
    """The ids, by the names that routes use for them: patient_id, request_id, photo_id."""
    with house.at(practice_id, write=False) as session:
        patient = session.query(Patient).filter(Patient.mobile.is_not(None)).order_by(Patient.id).first()
        assert patient is not None
        patient_id = patient.id
    with audit.use_actor(NADIA):
        ids = sample.make(practice_id, patient_id, count)
    house.work()
    assert db.in_scope() is False
    return {"patient_id": patient_id, **ids}
