"""A patient's export: asked for by staff, made by the worker, fetched for a few days, then gone.

The archive goes from the files' store into the files' store, piece by piece and encrypted; nothing of it is held.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, BinaryIO, Final
from uuid import UUID

from sqlalchemy import select

from core import audit, db, i18n, jobs, notifications, tenancy
from core.files import crypto, store
from core.files.service import delete_after_commit, open_blob, write_blob
from core.patient_data import collecting, keeping
from core.patient_data.archive import Archive, Reading
from core.patient_data.keeping import count_download, drop_blob
from core.patient_data.models import FAILED, QUEUED, READY, RUNNING, PatientExport, PracticeExport
from core.patients import Patient
from core.patients import get as get_patient
from core.realtime.events import publish, topic

MAKE: Final = "core.export_patient"
EXPIRE: Final = "core.expire_exports"
TOPIC: Final = "core.patient_export"
"""``core.patient_export:<patient id>``, and alone for all of the practice."""
KEPT_FOR: Final = timedelta(days=3)
"""How long an export can be fetched."""
FORMAT: Final = 1


def request(patient: Patient, *, language: str | None = None) -> PatientExport:
    """Ask for everything about a patient, in the current write scope. One that is under way is answered instead.

    language: of the page that the patient reads; None: the patient's own, else the practice's.
    """
    for export in of_patient(patient.id):
        if export.state in (QUEUED, RUNNING):
            return export
    actor = audit.actor()
    export = PatientExport(
        id=db.uuid7(),
        patient_id=patient.id,
        language=language or notifications.language_for(patient),
        requested_by=actor.id,
        requested_by_name=actor.name,
    )
    db.session().add(export)
    _enqueue(export)
    audit.record(
        "patient.export_requested", patient_id=patient.id, subject=("core.patient_export", export.id)
    )
    return export


def retry(export: PatientExport) -> None:
    """Try one that failed once more. On any other nothing happens."""
    if export.state != FAILED:
        return
    export.state, export.failed_owner, export.error = QUEUED, None, None
    export.bytes_done = 0
    _enqueue(export)
    _tell(export)


def of_patient(patient_id: UUID) -> list[PatientExport]:
    """The patient's exports, newest first."""
    found = select(PatientExport).where(PatientExport.patient_id == patient_id)
    return list(
        db.session().scalars(found.order_by(PatientExport.created_at.desc(), PatientExport.id.desc()))
    )


def recent(limit: int = 50) -> list[PatientExport]:
    """The practice's exports, newest first."""
    found = select(PatientExport).order_by(PatientExport.created_at.desc(), PatientExport.id.desc())
    return list(db.session().scalars(found.limit(limit)))


def get(export_id: UUID) -> PatientExport | None:
    return db.get(PatientExport, export_id)


def open_archive(export: PatientExport) -> BinaryIO:
    """The ZIP's bytes, decrypted while they are read; notes on the trail that it was fetched. Raises Refused.

    In a write scope, which may be closed before the bytes are read.
    """
    blob = count_download(export)
    audit.record(
        "patient.export_downloaded", patient_id=export.patient_id, subject=("core.patient_export", export.id)
    )
    return open_blob(blob, _context(export.practice_id, export.id))


def discard(export: PatientExport) -> None:
    """Remove the archive before its time."""
    drop_blob(export)
    audit.record(
        "patient.export_removed", patient_id=export.patient_id, subject=("core.patient_export", export.id)
    )


def make(payload: dict[str, Any]) -> None:
    """Job core.export_patient. Begins anew when the worker before it died."""
    keeping.run(_KIND, UUID(payload["export_id"]), _make)


def _make(export: PatientExport) -> None:
    with i18n.use_language(export.language):
        _write(export)


def _write(export: PatientExport) -> None:
    made_at, export_id = db.utcnow(), export.id
    with jobs.scope(write=False), i18n.use_language(export.language):
        patient = get_patient(export.patient_id)
        practice_id, name = export.practice_id, patient.display_name
        owned = collecting.ask(patient)
        about = {
            "format": FORMAT,
            "kind": "patient",
            "practice": tenancy.current().name,
            "patient_id": str(patient.id),
            "owners": {one.source.owner: one.source.version for one in owned},
        }
        zone = tenancy.current().time_zone
    total = sum(size for one in owned for size in one.sizes.values())
    blob = store.new_name(practice_id)
    archive = Archive(made_at, about)
    progress = keeping.Progress(_KIND, export_id, total)
    with i18n.use_time_zone(zone):
        reading = Reading(
            archive.stream(collecting.members(owned, name, made_at, practice_id)), progress.note
        )
        write_blob(blob, reading, _context(practice_id, export_id))
    with jobs.scope():
        found = db.get(PatientExport, export_id)
        if (
            found is None or found.state != RUNNING
        ):  # the patient was erased meanwhile, or another worker was first
            delete_after_commit([blob])
            return
        now = db.utcnow()
        found.state, found.blob, found.size, found.sha256 = READY, blob, reading.size, reading.sha256()
        found.bytes_done = found.bytes_total = reading.size
        found.finished_at, found.expires_at = now, now + KEPT_FOR
        audit.record(
            "patient.exported",
            patient_id=found.patient_id,
            subject=("core.patient_export", found.id),
            detail={"files": len(archive.members), "bytes": reading.size, "sha256": reading.sha256()},
        )
        _tell(found)


def expire(payload: dict[str, Any]) -> None:
    """Sweep core.expire_exports: remove the archives whose time is over, of all practices."""
    with db.scope(across_practices=True):
        keeping.expire(PatientExport)
        keeping.expire(PracticeExport)


def _enqueue(export: PatientExport) -> None:
    db.session().flush()
    jobs.enqueue(MAKE, export_id=export.id)


def _context(practice_id: UUID, export_id: UUID) -> crypto.Context:
    return crypto.Context(practice_id, export_id, "patient export")


def _tell(export: PatientExport) -> None:
    publish(topic(TOPIC, export.patient_id), export.state, export=export.id)
    publish(topic(TOPIC), export.state, export=export.id)


_KIND: Final = keeping.Kind(PatientExport, _tell, "patient_export.failed")
