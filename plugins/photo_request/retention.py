"""How long photos stay: those that were rejected, and those that were kept. For ever, unless the practice chooses."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, select

from core.sdk import RetentionKind, _l, db, files
from plugins.photo_request.models import KEPT, REJECTED, Photo


def _old(state: str, before: datetime) -> tuple[ColumnElement[bool], ...]:
    return Photo.state == state, func.coalesce(Photo.reviewed_at, Photo.created_at) < before


def _count(state: str, before: datetime) -> int:
    return db.session().scalar(select(func.count(Photo.id)).where(*_old(state, before))) or 0


def _remove(state: str, before: datetime, limit: int) -> int:
    """The photo goes with its picture; that it came, and what was decided, stays on the audit trail."""
    found = select(Photo).where(*_old(state, before)).order_by(Photo.id).limit(limit)
    photos = db.session().scalars(found).all()
    for photo in photos:
        if photo.file_id is not None:
            files.delete(photo.file_id)
        db.session().delete(photo)
    return len(photos)


KINDS: Final = (
    RetentionKind(
        "photo_request.rejected_photos",
        _l("Photos that were rejected"),
        _l("Pictures that were set aside. The audit trail still says that they came and who rejected them."),
        None,
        lambda before: _count(REJECTED, before),
        lambda before, limit: _remove(REJECTED, before, limit),
        least_days=7,
    ),
    RetentionKind(
        "photo_request.kept_photos",
        _l("Photos that were kept"),
        _l(
            "Pictures that are part of the medical record. Choose a time only if your law allows it, or if the "
            "record is kept elsewhere."
        ),
        None,
        lambda before: _count(KEPT, before),
        lambda before, limit: _remove(KEPT, before, limit),
        least_days=365,
    ),
)
