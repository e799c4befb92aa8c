"""What exports of a patient and of a practice have in common: made by the worker, fetched for a few days, then gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select, update

from core import audit, db, jobs
from core.errors import Refused
from core.files import StoreUnavailable
from core.files.service import delete_after_commit
from core.i18n import _
from core.patient_data.models import EXPIRED, FAILED, QUEUED, READY, RUNNING, PatientExport, PracticeExport
from core.patient_data.sources import SourceFailed

Export = PatientExport | PracticeExport
_TELL_EVERY: Final = 1.0  # seconds
_STORE_PAUSE: Final = timedelta(minutes=1)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """Exports of one kind. ``tell``: wakes the pages that show one; ``event``: what the log calls a failure."""

    model: Any
    tell: Callable[[Any], None]
    event: str


def run(kind: Kind, export_id: UUID, make: Callable[[Any], None]) -> None:
    """A job that makes an export. Begins anew when the worker before it died; why it failed is kept and told.

    make: gets the row as it was, and works as whoever asked for the export.
    """
    with jobs.scope():
        export = db.get(kind.model, export_id)
        if export is None or export.state not in (QUEUED, RUNNING):
            return
        export.state = RUNNING
        kind.tell(export)
    try:
        with audit.use_actor(audit.Actor("staff", export.requested_by, export.requested_by_name)):
            make(export)
    except StoreUnavailable:
        raise jobs.Postpone(_STORE_PAUSE) from None
    except SourceFailed as error:
        _failed(kind, export_id, error.owner, error.what)
    except Exception as error:
        _failed(kind, export_id, None, type(error).__name__)


def _failed(kind: Kind, export_id: UUID, owner: str | None, what: str) -> None:
    log.error(kind.event, export=str(export_id), owner=owner, error=what)
    with jobs.scope():
        export = db.get(kind.model, export_id)
        if export is not None:
            export.state, export.failed_owner, export.error = FAILED, owner, what[:200]
            export.finished_at = db.utcnow()
            kind.tell(export)


class Progress:
    """Writes how far an export is, now and then: a row for each piece would take longer than the archive."""

    def __init__(self, kind: Kind, export_id: UUID, total: int) -> None:
        self._kind, self._export_id, self._total = kind, export_id, total
        self._told_at = time.monotonic()

    def note(self, done: int) -> None:
        """So much is done; what that counts is the kind's own."""
        now = time.monotonic()
        if now - self._told_at < _TELL_EVERY:
            return
        self._told_at = now
        with jobs.scope():
            export = db.get(self._kind.model, self._export_id)
            if export is not None and export.state == RUNNING:
                export.note_progress(done, max(self._total, done))
                self._kind.tell(export)


def can_be_fetched(export: Export) -> bool:
    """Is it there, and is its time not over? The time counts, not whether the worker has removed it."""
    return export.state == READY and export.expires_at is not None and export.expires_at > db.utcnow()


def count_download(export: Export) -> str:
    """It is about to be fetched: the blob that it is in. In a write scope. Raises Refused."""
    if not can_be_fetched(export) or export.blob is None:
        raise Refused(_("This export is not there any more. Make a new one."), "expired", status=410)
    model: Any = type(export)
    # A row of another transaction may be fetched at the same moment: the database counts.
    db.session().execute(
        update(model)
        .where(model.id == export.id)
        .values(downloads=model.downloads + 1)
        .execution_options(synchronize_session=False)
    )
    return export.blob


def drop_blob(export: Export) -> None:
    """The archive goes with this transaction; that there was one stays."""
    if export.blob:
        delete_after_commit([export.blob])
    export.state, export.blob = EXPIRED, None


def expire(model: Any, limit: int = 500) -> None:
    """Remove the archives whose time is over, of all practices, in a scope across them. model: of the exports."""
    over = select(model).where(model.state == READY, model.expires_at <= db.utcnow())
    for export in db.session().scalars(over.limit(limit)):
        drop_blob(export)
