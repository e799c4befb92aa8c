"""Resumable uploads: bytes come in parts, each durable before it is acknowledged, and become a file with the last.

No web in here: :mod:`core.web.uploads` speaks tus and calls these. Each function opens its own short scopes, so call
them with none open. An upload is seen only under the owner and subject that it was made for.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import db
from core.files import crypto, names, service, store
from core.files.errors import FileRefused, FilesError
from core.files.models import File, Upload, UploadPart

KEPT_OPEN: Final = timedelta(hours=24)
"""How long an upload waits for its next part."""
KEPT_DONE: Final = timedelta(days=30)
"""How long a finished one is remembered, so that a repeated creation is not a second photo."""

Allow = Callable[[UUID, int, Mapping[str, str]], None]
Finished = Callable[[Upload, File], None]


class UploadUnknown(FilesError):
    """No such upload here, or not any more."""


class UploadTaken(FilesError):
    """The id belongs to another upload: of another length, or for another subject."""


class OffsetMismatch(FilesError):
    """The part does not begin where the durable bytes end, or another request stored this part first."""


class PartTooLong(FilesError):
    """The part reaches beyond the length that was declared."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where uploads of this request belong; the edge sets it, never the client."""

    practice_id: UUID
    owner: str
    subject_id: UUID
    patient_id: UUID | None = None


def create(place: Place, upload_id: UUID, length: int, metadata: Mapping[str, str], allow: Allow) -> Upload:
    """Begin an upload, or find the one that an earlier, identical request began.

    ``allow(upload_id, length, metadata)`` runs in the write scope that makes the row, for a new one only; it raises
    FileRefused to refuse. Raises UploadTaken, and FileRefused for one that was refused before.
    """
    with db.scope(place.practice_id) as session:
        known = db.get(Upload, upload_id)
        if known is not None:
            if _is_foreign(known, place) or known.length != length:
                raise UploadTaken("this id is in use")
            _raise_refusal(known)
            return known
        if length < 1:
            raise FileRefused("empty")
        allow(upload_id, length, metadata)
        made = Upload(
            id=upload_id,
            owner=place.owner,
            subject_id=place.subject_id,
            patient_id=place.patient_id,
            name=names.clean(metadata.get("filename")),
            declared_type=metadata.get("filetype", "")[:120],
            details={k: v for k, v in metadata.items() if k not in ("filename", "filetype")},
            length=length,
            expires_at=db.utcnow() + KEPT_OPEN,
        )
        session.add(made)
        return made


def find(place: Place, upload_id: UUID) -> Upload:
    """The upload. Raises UploadUnknown, also when it has expired; FileRefused when it was refused."""
    with db.scope(place.practice_id, write=False):
        known = db.get(Upload, upload_id)
    if known is None or _is_foreign(known, place) or known.expires_at < db.utcnow():
        raise UploadUnknown("no such upload")
    _raise_refusal(known)
    return known


def under_way(owner: str, subject_id: UUID) -> list[Upload]:
    """The uploads for a subject that have begun and are neither finished nor refused nor expired.

    Uses the current scope: made for ``allow``, to count them in.
    """
    return list(
        db.session().scalars(
            select(Upload).where(
                Upload.owner == owner,
                Upload.subject_id == subject_id,
                Upload.state == "open",
                Upload.expires_at >= db.utcnow(),
            )
        )
    )


def append(
    place: Place,
    upload_id: UUID,
    offset: int,
    part: bytes,
    finished: Finished,
    also: Collection[str] = (),
) -> Upload:
    """Store the bytes from ``offset`` on; they are durable on return. The last part makes the file.

    ``finished(upload, file)`` then runs in the write scope that makes the file's row, so that what a plugin adds
    stands or falls with it; it raises FileRefused to refuse. Raises UploadUnknown, OffsetMismatch, PartTooLong,
    FileRefused (the upload is over), StoreUnavailable (it can go on later).
    """
    known = find(place, upload_id)
    if offset != known.received or (known.state == "finished" and part):
        raise OffsetMismatch("not where the durable bytes end")
    if offset + len(part) > known.length:
        raise PartTooLong("more than was declared")
    if not part:
        return known
    if offset + len(part) < known.length:
        return _store_part(place, known, part)
    return _finish(place, known, part, finished, also)


def close(place: Place, upload_id: UUID, finished: Finished, also: Collection[str] = ()) -> Upload:
    """What came so far is all: makes the file of an upload whose length was only a limit (a recording, say).

    A second time changes nothing. Raises as :func:`append`, and FileRefused where nothing came.
    """
    known = find(place, upload_id)
    if known.state == "finished":
        return known
    if not known.received:
        raise FileRefused("empty")
    with db.scope(place.practice_id) as session:
        session.execute(
            update(Upload)
            .where(Upload.id == upload_id, Upload.state == "open", Upload.received == known.received)
            .values(length=known.received, updated_at=db.utcnow())
        )
    return _finish(place, find(place, upload_id), b"", finished, also)


def cancel(place: Place, upload_id: UUID) -> None:
    """Give up an upload that is not finished. Raises UploadUnknown, and UploadTaken when it is a file already."""
    if find(place, upload_id).state == "finished":
        raise UploadTaken("it is a file already")
    with db.scope(place.practice_id) as session:
        known = db.get(Upload, upload_id)
        if known is not None and known.state == "open":
            _drop_parts(session, known)
            session.delete(known)


def sweep_expired(payload: dict[str, Any]) -> None:
    """Sweep core.sweep_uploads: forget uploads whose time is over, with the parts they left."""
    more = True
    while more:
        with db.scope(across_practices=True) as session:
            expired = session.scalars(
                select(Upload).where(Upload.expires_at < db.utcnow()).order_by(Upload.expires_at).limit(200)
            ).all()
            for upload in expired:
                forget(upload)
        more = len(expired) == 200


def forget(upload: Upload) -> None:
    """Remove an upload and the parts that it left, in the current write scope; a file that it became stays."""
    _drop_parts(db.session(), upload)
    db.session().delete(upload)


def _is_foreign(upload: Upload, place: Place) -> bool:
    return (upload.owner, upload.subject_id) != (place.owner, place.subject_id)


def _raise_refusal(upload: Upload) -> None:
    if upload.state == "refused":
        raise FileRefused(upload.reason or "damaged", upload.refusal)


def _store_part(place: Place, upload: Upload, part: bytes) -> Upload:
    blob = store.new_name(place.practice_id)
    service.write_blob(blob, io.BytesIO(part), _context(place, upload.id, upload.received))
    with service.freeing_when_full(blob), db.scope(place.practice_id) as session:
        won = _advance(session, upload, len(part))
        if won:
            row = UploadPart(upload_id=upload.id, start=upload.received, size=len(part), blob=blob)
            session.add(row)
    if not won:
        store.delete(blob)
        raise OffsetMismatch("another request stored this part first")
    return find(place, upload.id)


def _finish(place: Place, upload: Upload, last: bytes, finished: Finished, also: Collection[str]) -> Upload:
    try:
        staged = service.stage(
            _Joined(place, upload, last),
            owner=upload.owner,
            name=upload.name,
            patient_id=upload.patient_id,
            max_size=upload.length,
            practice_id=place.practice_id,
            also=also,
        )
    except FileRefused as refusal:
        _refuse(place, upload, refusal)
        raise
    try:
        with service.freeing_when_full(staged.blob), db.scope(place.practice_id) as session:
            won = _advance(session, upload, len(last), state="finished", file_id=staged.file_id)
            if won and (row := db.get(Upload, upload.id)) is not None:
                _drop_parts(session, row)
                finished(row, service.keep(staged))
    except FileRefused as refusal:
        service.discard(staged)
        _refuse(place, upload, refusal)
        raise
    if not won:
        service.discard(staged)
        raise OffsetMismatch("another request stored this part first")
    return find(place, upload.id)


def _advance(session: Session, upload: Upload, size: int, **also: Any) -> bool:
    """Move the offset if nobody did meanwhile: of two requests with the same part one gets True."""
    now = db.utcnow()
    until = now + (KEPT_DONE if also else KEPT_OPEN)
    changed = session.execute(
        update(Upload)
        .where(Upload.id == upload.id, Upload.received == upload.received, Upload.state == "open")
        .values(received=upload.received + size, expires_at=until, updated_at=now, **also)
    )
    return bool(changed.rowcount == 1)  # type: ignore[attr-defined]


def _refuse(place: Place, upload: Upload, refusal: FileRefused) -> None:
    with db.scope(place.practice_id) as session:
        row = db.get(Upload, upload.id)
        if row is None or row.state != "open":
            return
        row.state, row.reason = "refused", refusal.reason[:40]
        row.refusal = refusal.own_message[:500] if refusal.own_message else None
        row.expires_at = db.utcnow() + KEPT_DONE
        _drop_parts(session, row)


def _drop_parts(session: Session, upload: Upload) -> None:
    parts = session.scalars(
        select(UploadPart).where(
            UploadPart.practice_id == upload.practice_id, UploadPart.upload_id == upload.id
        )
    ).all()
    for part in parts:
        session.delete(part)
    session.flush()
    service.delete_after_commit([part.blob for part in parts])


def _context(place: Place, upload_id: UUID, start: int) -> crypto.Context:
    return crypto.Context(place.practice_id, upload_id, f"part:{start}")


_TURN: Final = 256 * 1024  # bytes that are decrypted, hashed and encrypted in a few milliseconds


class _Joined:
    """The stored parts of an upload and the last one, as one stream."""

    def __init__(self, place: Place, upload: Upload, last: bytes) -> None:
        self._place, self._upload_id = place, upload.id
        with db.scope(place.practice_id, write=False) as session:
            self._waiting = list(
                session.scalars(
                    select(UploadPart).where(UploadPart.upload_id == upload.id).order_by(UploadPart.start)
                )
            )
        self._open: io.BytesIO | None = None
        self._last: bytes | None = last
        self._read = 0

    def read(self, size: int = -1) -> bytes:
        while True:
            if self._open is not None and (piece := self._open.read(size)):
                self._read += len(piece)
                if self._read >= _TURN:
                    # In a web process on eventlet or gevent the others get their turn.
                    self._read = 0
                    time.sleep(0)
                return piece
            if self._waiting:
                part = self._waiting.pop(0)
                context = _context(self._place, self._upload_id, part.start)
                with service.open_blob(part.blob, context) as plain:
                    self._open = io.BytesIO(plain.read())
                time.sleep(0)
            elif self._last is not None:
                self._open, self._last = io.BytesIO(self._last), None
            else:
                return b""
