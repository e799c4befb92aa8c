"""Everything of a practice as one ZIP: asked for by an administrator, made by the worker, fetched for a few days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, BinaryIO, Final
from uuid import UUID

from sqlalchemy import select

from core import audit, db, jobs, tenancy
from core.files import crypto, store
from core.files.service import delete_after_commit, open_blob, write_blob
from core.patient_data import keeping, practice_archive, purging
from core.patient_data.archive import Reading
from core.patient_data.models import FAILED, QUEUED, READY, RUNNING, PracticeExport
from core.realtime.events import publish

MAKE: Final = "core.export_practice"
TOPIC: Final = "core.practice_export"
KEPT_FOR: Final = timedelta(days=2)
"""How long an export can be fetched. It holds everything in one file, so less long than a patient's."""


def request() -> PracticeExport:
    """Ask for everything of the current practice, in a write scope. One that is under way is answered instead."""
    tenancy.held()  # two who ask at once get one
    for export in recent():
        if export.state in (QUEUED, RUNNING):
            return export
    actor = audit.actor()
    export = PracticeExport(id=db.uuid7(), requested_by=actor.id, requested_by_name=actor.name)
    db.session().add(export)
    _enqueue(export)
    audit.record("practice.export_requested", subject=("core.practice_export", export.id))
    _tell(export)
    return export


def retry(export: PracticeExport) -> None:
    """Try one that failed once more. On any other nothing happens."""
    if export.state != FAILED:
        return
    export.state, export.failed_owner, export.error, export.parts_done = QUEUED, None, None, 0
    _enqueue(export)
    _tell(export)


def recent(limit: int = 10) -> list[PracticeExport]:
    """The practice's exports of everything, newest first."""
    found = select(PracticeExport).order_by(PracticeExport.created_at.desc(), PracticeExport.id.desc())
    return list(db.session().scalars(found.limit(limit)))


def get(export_id: UUID) -> PracticeExport | None:
    """The export with this id; None when the practice has none."""
    return db.get(PracticeExport, export_id)


def open_archive(export: PracticeExport) -> BinaryIO:
    """The ZIP's bytes, decrypted while they are read; notes on the trail that it was fetched. Raises Refused.

    In a write scope, which may be closed before the bytes are read.
    """
    blob = keeping.count_download(export)
    audit.record("practice.export_downloaded", subject=("core.practice_export", export.id))
    return open_blob(blob, _context(export.practice_id, export.id))


def discard(export: PracticeExport) -> None:
    """Remove the archive before its time."""
    keeping.drop_blob(export)
    audit.record("practice.export_removed", subject=("core.practice_export", export.id))
    _tell(export)


def make(payload: dict[str, Any]) -> None:
    """Job core.export_practice. Begins anew when the worker before it died."""
    keeping.run(_KIND, UUID(payload["export_id"]), _make)


def _make(export: PracticeExport) -> None:
    export_id = export.id
    with jobs.scope(write=False):
        practice = tenancy.current()
    owners = purging.everybody(practice.id)
    progress = keeping.Progress(_KIND, export_id, practice_archive.parts_of(practice.id, owners))
    counts: dict[str, int] = {}
    missing: list[str] = []
    blob = store.new_name(practice.id)
    reading = Reading(practice_archive.stream(practice, owners, counts, missing, progress.note))
    write_blob(blob, reading, _context(practice.id, export_id))
    with jobs.scope():
        found = db.get(PracticeExport, export_id)
        if found is None or found.state != RUNNING:  # another worker was first
            delete_after_commit([blob])
            return
        now = db.utcnow()
        found.state, found.blob, found.size, found.sha256 = READY, blob, reading.size, reading.sha256()
        found.parts_done = found.parts_total = max(found.parts_total, 1)
        found.missing, found.finished_at, found.expires_at = len(missing), now, now + KEPT_FOR
        audit.record(
            "practice.exported",
            subject=("core.practice_export", export_id),
            detail={
                "sha256": reading.sha256(),
                "bytes": reading.size,
                "rows": sum(counts.values()),
                "missing": len(missing),
            },
        )
        _tell(found)


def _enqueue(export: PracticeExport) -> None:
    db.session().flush()
    jobs.enqueue(MAKE, export_id=export.id)


def _context(practice_id: UUID, export_id: UUID) -> crypto.Context:
    return crypto.Context(practice_id, export_id, "practice export")


def _tell(export: PracticeExport) -> None:
    publish(TOPIC, export.state, export=export.id)


_KIND: Final = keeping.Kind(PracticeExport, _tell, "practice_export.failed")
