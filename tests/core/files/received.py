"""A file that is received, and what is known of it."""

from __future__ import annotations

import io
from uuid import UUID, uuid4

from core import db, files
from core.files.models import File
from core.realtime.events import events_since


def received(practice: UUID, content: bytes, name: str = "rash.jpg") -> UUID:
    with db.scope(practice, write=False):
        return files.receive(io.BytesIO(content), owner="photo_request", name=name, patient_id=uuid4()).id


def file_of(practice: UUID, file_id: UUID) -> File:
    with db.scope(practice, write=False):
        return files.get(file_id)


def events_of(practice: UUID, file_id: UUID) -> list[str]:
    with db.scope(practice, write=False):
        return [event.type for event in events_since(0, [f"core.file:{file_id}"])]
