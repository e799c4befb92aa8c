"""A patient's erasure from asking to done, and what is left of a practice."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from core import audit
from core.files import store
from core.files.models import File, Rendition, Upload
from core.links.models import Link
from core.notifications.models import InboxItem, Notification
from core.patient_data import PatientErasure, PatientExport, erasures
from core.patients import Patient, get
from core.patients.models import PatientIdentifier, PatientSearchWord
from plugins.photo_request.models import Consent, Photo, Request
from tests.core.patient_data.conftest import HELEN
from tests.support.house import House

OF_PATIENTS = (Patient, PatientIdentifier, PatientSearchWord, Link, Notification, InboxItem, File, Rendition)
OF_PHOTOS = (Request, Consent, Photo)


def erased(house: House, practice_id: UUID, patient_id: UUID) -> PatientErasure:
    with house.at(practice_id), audit.use_actor(HELEN):
        erasure_id = erasures.request(get(patient_id)).id
    house.work()
    return seen(house, practice_id, erasure_id)


def seen(house: House, practice_id: UUID, erasure_id: UUID) -> PatientErasure:
    with house.at(practice_id, write=False):
        found = erasures.get(erasure_id)
    assert found is not None
    return found


def counts(house: House, practice_id: UUID) -> dict[str, int]:
    with house.at(practice_id, write=False) as session:
        return {
            model.__tablename__: session.scalar(select(func.count(model.id))) or 0
            for model in (*OF_PATIENTS, *OF_PHOTOS, Upload, PatientExport)
        }


def blobs() -> set[str]:
    return {name for name, _at in store.listing()}
