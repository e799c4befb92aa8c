"""Does every row have its bytes, and are they what was stored? Read whole, decrypted, counted and hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import func, select

from core import db
from core.files import attachments, keys, reencryption, service
from core.files.errors import BlobDamaged, FileMissing
from core.files.models import File, Rendition, Upload, UploadPart
from core.files.reencryption import StoredBlob

_BATCH: Final = 200
_PIECE: Final = 1 << 20
_KINDS: Final = ("part", "original", "rendition")


@dataclass(frozen=True, slots=True)
class Problem:
    """kind: "part", "original", "rendition", "file" or "upload"; what: "missing", "damaged", "no key" or "incomplete".

    subject: the id of the file or upload, never a name.
    """

    practice_id: UUID
    kind: str
    subject: UUID
    what: Literal["missing", "damaged", "no key", "incomplete"]


@dataclass(slots=True)
class Checked:
    """How much was looked at so far."""

    blobs: int = 0
    bytes: int = 0


def check(practice_id: UUID, checked: Checked | None = None) -> Iterator[Problem]:
    """Go through a practice's files and uploads; may run while people work. Raises StoreUnavailable."""
    checked = checked or Checked()
    yield from _rows_without_blobs(practice_id)
    for kind in _KINDS:
        after: UUID | None = None
        while True:
            with db.scope(practice_id, write=False):
                batch = reencryption.blobs_of(kind, after=after, limit=_BATCH)
            for blob in batch:
                problem = _look(kind, blob, checked)
                # What went meanwhile (a photo was rendered or deleted, a key rotated) is no loss.
                if problem is not None and _still_there(kind, blob):
                    yield problem
            if not batch:
                break
            after = batch[-1].row_id


def _look(kind: str, blob: StoredBlob, checked: Checked) -> Problem | None:
    size, digest = 0, hashlib.sha256()
    practice_id, subject = blob.context.practice_id, blob.context.subject
    try:
        with service.open_blob(blob.name, blob.context) as plain:
            while piece := plain.read(_PIECE):
                size += len(piece)
                digest.update(piece)
    except FileMissing:
        return Problem(practice_id, kind, subject, "missing")
    except BlobDamaged:
        return Problem(practice_id, kind, subject, "damaged")
    except keys.KeyUnavailable:
        return Problem(practice_id, kind, subject, "no key")
    checked.blobs += 1
    checked.bytes += size
    if size != blob.size or (blob.sha256 and digest.hexdigest() != blob.sha256):
        return Problem(practice_id, kind, subject, "damaged")
    return None


def _still_there(kind: str, blob: StoredBlob) -> bool:
    previous = UUID(int=blob.row_id.int - 1)
    with db.scope(blob.context.practice_id, write=False):
        found = reencryption.blobs_of(kind, after=previous, limit=1)
    return bool(found) and found[0].row_id == blob.row_id and found[0].name == blob.name


def _rows_without_blobs(practice_id: UUID) -> Iterator[Problem]:
    """Files and uploads whose rows do not add up: a ready photo with one picture, an upload with a gap."""
    pictures = select(func.count(Rendition.id)).where(
        Rendition.practice_id == File.practice_id, Rendition.file_id == File.id
    )
    is_photo = File.media_type.not_in(attachments.TYPES)
    parts = select(func.coalesce(func.sum(UploadPart.size), 0)).where(
        UploadPart.practice_id == Upload.practice_id, UploadPart.upload_id == Upload.id
    )
    with db.scope(practice_id, write=False) as session:
        unfinished = session.scalars(
            select(File.id).where(
                ((File.state == "ready") & is_photo & (pictures.scalar_subquery() != 2))
                | (~is_photo & File.original_blob.is_(None))
                | ((File.state == "received") & File.original_blob.is_(None))
            )
        ).all()
        gaps = session.scalars(
            select(Upload.id).where(Upload.state == "open", parts.scalar_subquery() != Upload.received)
        ).all()
    yield from (Problem(practice_id, "file", found, "incomplete") for found in unfinished)
    yield from (Problem(practice_id, "upload", found, "incomplete") for found in gaps)
