"""Receive, open and delete files.

Receiving has two steps, because bytes are not moved inside a write transaction: :func:`stage` makes them durable
in the store and looks at them, :func:`keep` makes the row. :func:`receive` does both.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Final
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from core import db, jobs
from core.files import attachments, crypto, elsewhere, keys, names, store
from core.files.errors import FileMissing, FileRefused
from core.files.models import ORIGINAL, File, Rendition
from core.files.sniff import Sniffed, sniff

MAX_FILE: Final = 15 * 1024 * 1024
"""Largest file in bytes when the caller says nothing."""
RENDER: Final = "core.render_picture"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Staged:
    """Bytes that are durable, encrypted and of a kind that we take, but have no row yet."""

    file_id: UUID
    practice_id: UUID
    owner: str
    patient_id: UUID | None
    name: str
    size: int
    sha256: str
    blob: str
    sniffed: Sniffed


def receive(
    stream: crypto.Source,
    *,
    owner: str,
    name: str,
    patient_id: UUID | None = None,
    declared_type: str = "",
    max_size: int = MAX_FILE,
) -> File:
    """Take a whole file for the current practice. Raises FileRefused, StoreUnavailable.

    Durable on return when no write scope is open here; within one, with its commit. ``declared_type`` is what the
    browser claims and decides nothing: the bytes do.
    """
    staged = stage(stream, owner=owner, name=name, patient_id=patient_id, max_size=max_size)
    # Should the commit fail, the bytes stay until the orphan sweep: it may have failed on its way back only.
    if db.is_write():
        return keep(staged)
    with freeing_when_full(staged.blob), db.scope(staged.practice_id):
        return keep(staged)


def stage(
    stream: crypto.Source,
    *,
    owner: str,
    name: str,
    patient_id: UUID | None = None,
    max_size: int = MAX_FILE,
    practice_id: UUID | None = None,
    also: Collection[str] = (),
) -> Staged:
    """Encrypt a stream into the store and look at it. Raises FileRefused, and StoreUnavailable (try again later).

    practice_id: needed only where no scope is open. also: media types that are taken besides photos
    ("application/pdf", "video/webm", "audio/webm"); such a file is kept as it came.
    """
    practice_id = practice_id or db.practice_id()
    file_id, blob = db.uuid7(), store.new_name(practice_id)
    counted = _Counted(stream, max_size)
    context = crypto.Context(practice_id, file_id, ORIGINAL)
    write_blob(blob, counted, context)
    try:
        if not counted.size:
            raise FileRefused("empty")
        with open_blob(blob, context) as plain:
            sniffed = sniff(plain, also)
    except BaseException:
        _delete_quietly(blob)
        raise
    return Staged(
        file_id,
        practice_id,
        owner,
        patient_id,
        names.clean(name),
        counted.size,
        counted.sha256(),
        blob,
        sniffed,
    )


def keep(staged: Staged) -> File:
    """Make the row of a staged file in the current write scope, and have a photo rendered after the commit."""
    is_photo = staged.sniffed.media_type not in attachments.TYPES
    file = File(
        id=staged.file_id,
        owner=staged.owner,
        patient_id=staged.patient_id,
        name=staged.name,
        media_type=staged.sniffed.media_type,
        size=staged.size,
        sha256=staged.sha256,
        state="received" if is_photo else "ready",
        width=staged.sniffed.width,
        height=staged.sniffed.height,
        original_blob=staged.blob,
    )
    db.session().add(file)
    db.session().flush()
    if is_photo:
        jobs.enqueue(RENDER, key=f"{RENDER}:{file.id}", file_id=file.id)
    return file


@contextmanager
def freeing_when_full(blob: str) -> Iterator[None]:
    """Around the transaction that makes a blob's row: takes the blob away when the database has no room for the row.

    Only then is it certain that nothing was committed; after any other failure the orphan sweep decides.
    """
    try:
        yield
    except DBAPIError as error:
        if db.is_out_of_space(error):
            _delete_quietly(blob)
        raise


def discard(staged: Staged) -> None:
    """Remove the bytes of a staged file that nobody keeps."""
    _delete_quietly(staged.blob)


def get(file_id: UUID) -> File:
    """The file. Raises FileMissing."""
    file = db.get(File, file_id)
    if file is None:
        raise FileMissing("no such file in this practice")
    return file


def name_of(file: File) -> str:
    """What a file is called where it is handed over: a photo became a JPEG, everything else is as it came."""
    return file.name if file.media_type in attachments.TYPES else names.with_ending(file.name, "jpg")


def rendition(file_id: UUID, name: str) -> Rendition:
    """The rendition "large" or "thumb" of a file. Raises FileMissing, also while it is not made yet."""
    found = db.session().scalar(select(Rendition).where(Rendition.file_id == file_id, Rendition.name == name))
    if found is None:
        raise FileMissing(f"no {name} rendition of this file in this practice")
    return found


def open(file_id: UUID, rendition_name: str | None = None) -> BinaryIO:
    """The plain bytes, seekable: of a rendition, or of the original as long as that is kept.

    Raises FileMissing; BlobDamaged, here or while reading, when the stored bytes are not what was written.
    """
    if rendition_name is not None:
        blob = rendition(file_id, rendition_name).blob
    else:
        blob = get(file_id).original_blob or ""
        if not blob:
            raise FileMissing("the original is no longer kept")
    return open_blob(blob, crypto.Context(db.practice_id(), file_id, rendition_name or ORIGINAL))


def delete(file_id: UUID) -> None:
    """Remove a file and its renditions in the current write scope; the bytes go after the commit.

    One that does not exist is no error. Bytes that a crash leaves behind are swept later.
    """
    file = db.get(File, file_id)
    if file is None:
        return
    session = db.session()
    renditions = session.scalars(select(Rendition).where(Rendition.file_id == file_id)).all()
    blobs = [row.blob for row in renditions]
    if file.original_blob:
        blobs.append(file.original_blob)
    for row in renditions:
        session.delete(row)
    session.flush()
    session.delete(file)
    jobs.withdraw(f"{RENDER}:{file_id}")
    delete_after_commit(blobs)


def delete_after_commit(blobs: list[str]) -> None:
    """Remove these blobs when the current transaction has committed."""
    for blob in blobs:
        db.after_commit(partial(_delete_quietly, blob))


def _delete_quietly(blob: str) -> None:
    # The transaction stands whatever the store says: what it keeps now, the orphan sweep takes later.
    try:
        store.delete(blob)
    except Exception as error:
        log.warning("file.blob_left", error=type(error).__name__)


def write_blob(name: str, source: crypto.Source, context: crypto.Context) -> None:
    """Encrypt a stream into a new blob. Raises StoreUnavailable."""
    key_id, key = keys.for_writing(context.practice_id)
    pieces = crypto.encrypt(source, key_id, key, context)
    if isinstance(source, io.BytesIO):
        elsewhere.do(store.put, name, pieces)  # nothing of it comes from the database or a connection
    else:
        store.put(name, pieces)


def open_blob(name: str, context: crypto.Context) -> BinaryIO:
    """A blob's plain bytes, seekable. Raises FileMissing, BlobDamaged."""
    blob = store.get(name)
    try:
        return crypto.decrypt(blob, context, partial(keys.for_reading, context.practice_id))
    except BaseException:
        blob.close()
        raise


class _Counted:
    """A stream on its way into the store: counted, hashed and cut off beyond the limit."""

    def __init__(self, stream: crypto.Source, limit: int) -> None:
        self._stream, self._limit = stream, limit
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self.size += len(piece)
        if self.size > self._limit:
            raise FileRefused("too_large")
        self._hash.update(piece)
        return piece

    def sha256(self) -> str:
        return self._hash.hexdigest()
