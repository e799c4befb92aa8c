"""What exports of a patient and of a practice have in common: fetched for a few days, counted, then gone."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from core import db
from core.errors import Refused
from core.files.service import delete_after_commit
from core.i18n import _
from core.patient_data.models import EXPIRED, READY, PatientExport, PracticeExport

Export = PatientExport | PracticeExport


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
