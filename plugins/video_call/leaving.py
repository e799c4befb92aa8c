"""How calls leave: with everything that belongs to them, their files among it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select

from core.sdk import db, files
from plugins.video_call.models import Call, Document, LineEntry, Message, Signal, Stroke


def remove(calls: Sequence[Call]) -> None:
    """Delete these calls, what was said and drawn in them, and the files."""
    ids = [call.id for call in calls]
    _delete_files(Message, ids)
    _delete_files(Document, ids)
    for some in _some(ids):
        db.session().execute(delete(Call).where(Call.id.in_(some)))  # the rest goes along


def strip(calls: Sequence[Call]) -> None:
    """Leave of these calls what belongs to the medical record: notes, documents, consents, and when it was."""
    ids = [call.id for call in calls]
    _delete_files(Message, ids)
    for some in _some(ids):
        for model in (Message, LineEntry, Signal, Stroke):
            db.session().execute(delete(model).where(model.call_id.in_(some)))
    for call in calls:
        call.note = call.waiting_message = call.feedback_text = call.feedback_score = None


def _delete_files(model: type[Message] | type[Document], ids: Sequence[UUID]) -> None:
    for some in _some(ids):
        found = db.session().scalars(
            select(model.file_id).where(model.call_id.in_(some), model.file_id.is_not(None))
        )
        for file_id in found.all():
            if file_id is not None:
                files.delete(file_id)


def _some(ids: Sequence[UUID]) -> Sequence[Sequence[UUID]]:
    """As many as one statement takes."""
    return [ids[start : start + 500] for start in range(0, len(ids), 500)]
