"""A new data key for a practice, and the older blobs encrypted anew under it while everybody goes on working.

New files use the new key from the commit of :func:`rotate` on. A job then goes through the practice's blobs in the
order of their rows, a batch a run. Each run's successor is stored with it, a blob that has the newest key is passed
over: it may be killed anywhere and repeated. A blob's row changes to the new blob in one statement; the old bytes
stay for :data:`KEPT_AFTER`, so that whoever has just read the row still finds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select, update

from core import audit, db, jobs
from core.files import crypto, keys, service, store
from core.files.errors import BlobDamaged, FileMissing, StoreUnavailable
from core.files.models import ORIGINAL, File, Rendition, UploadPart

REENCRYPT: Final = "core.reencrypt_blobs"
DROP: Final = "core.drop_blobs"
KEPT_AFTER: Final = timedelta(minutes=10)
"""How long the old bytes stay after the row knows the new ones."""
SECOND_LOOK: Final = timedelta(hours=1)
"""When the newest rows are looked at once more: their bytes may have been written with the key of before."""
BATCH: Final = 40
_STORE_PAUSE: Final = timedelta(minutes=1)
_KINDS: Final = ("part", "original", "rendition")
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob and what the row that knows it says of its plain bytes. sha256: "" where it is not kept."""

    row_id: UUID
    name: str
    context: crypto.Context
    size: int
    sha256: str = ""


def rotate(practice_id: UUID) -> UUID:
    """Give the practice a new data key and start the job that brings its older blobs under it; the key's id."""
    with db.scope(practice_id):
        key_id = keys.rotate(practice_id)
        audit.record("files.key_rotated", subject=("core_data_key", key_id))
        _enqueue(str(key_id), _KINDS[0], after=None)
        # What is being stored at this moment may get its row after the job has passed by.
        recent = _first_id_of(db.utcnow() - SECOND_LOOK)
        for kind in _KINDS:
            _enqueue(f"{key_id}:second", kind, after=recent, due_at=db.utcnow() + SECOND_LOOK)
    return key_id


def _enqueue(run: str, kind: str, after: UUID | None, due_at: datetime | None = None) -> None:
    # The key makes a batch that was killed and repeated have one successor.
    key = f"{REENCRYPT}:{run}:{kind}:{after}"
    jobs.enqueue(REENCRYPT, key=key, due_at=due_at, run=run, blobs_of=kind, after=after)


def reencrypt(payload: dict[str, Any]) -> None:
    """Job core.reencrypt_blobs: one batch, and the next one into the queue."""
    run, kind, after = payload["run"], payload["blobs_of"], payload["after"] and UUID(payload["after"])
    with jobs.scope(write=False):
        practice_id = db.practice_id()
        batch = blobs_of(kind, after=after, limit=BATCH)
    newest, _key = keys.for_writing(practice_id)
    replaced: list[str] = []
    for blob in batch:
        try:
            if _renew(kind, blob, newest):
                replaced.append(blob.name)
        except StoreUnavailable:
            raise jobs.Postpone(_STORE_PAUSE) from None
        except (FileMissing, BlobDamaged) as error:
            # `careroom files check` names it; the others must not wait for it.
            log.error("files.blob_not_reencrypted", blob=blob.name, error=type(error).__name__)
    with jobs.scope():
        if replaced:
            jobs.enqueue(DROP, due_at=db.utcnow() + KEPT_AFTER, blobs=replaced)
        if batch:
            _enqueue(run, kind, batch[-1].row_id)
        elif not run.endswith(":second"):
            _enqueue_next_kind(run, kind)


def _enqueue_next_kind(run: str, kind: str) -> None:
    if kind != _KINDS[-1]:
        _enqueue(run, _KINDS[_KINDS.index(kind) + 1], after=None)
    else:
        log.info("files.reencrypted", practice=str(db.practice_id()))


def drop(payload: dict[str, Any]) -> None:
    """Job core.drop_blobs: remove bytes that no row has known for a while."""
    try:
        for name in payload["blobs"]:
            store.delete(name)
    except StoreUnavailable:
        raise jobs.Postpone(_STORE_PAUSE) from None


def blobs_of(kind: str, *, after: UUID | None, limit: int) -> list[StoredBlob]:
    """Blobs of the current practice in the order of their rows. kind: "part", "original" or "rendition"."""
    session, practice_id, first = db.session(), db.practice_id(), after or UUID(int=0)

    def context(subject: UUID, part: str) -> crypto.Context:
        return crypto.Context(practice_id, subject, part)

    if kind == "part":
        parts = select(UploadPart).where(UploadPart.id > first).order_by(UploadPart.id)
        return [
            StoredBlob(row.id, row.blob, context(row.upload_id, f"part:{row.start}"), row.size)
            for row in session.scalars(parts.limit(limit))
        ]
    if kind == "original":
        files = select(File).where(File.id > first, File.original_blob.is_not(None)).order_by(File.id)
        return [
            StoredBlob(row.id, row.original_blob or "", context(row.id, ORIGINAL), row.size, row.sha256)
            for row in session.scalars(files.limit(limit))
        ]
    renditions = select(Rendition).where(Rendition.id > first).order_by(Rendition.id)
    return [
        StoredBlob(row.id, row.blob, context(row.file_id, row.name), row.size)
        for row in session.scalars(renditions.limit(limit))
    ]


def _renew(kind: str, blob: StoredBlob, newest: UUID) -> bool:
    """True when the row has new bytes now and the old ones can go."""
    with store.get(blob.name) as stored:
        if crypto.key_id_of(stored.read(crypto.HEADER_SIZE)) == newest:
            return False
    fresh = store.new_name(blob.context.practice_id)
    with service.open_blob(blob.name, blob.context) as plain:
        service.write_blob(fresh, plain, blob.context)
    if not _swap(kind, blob, fresh):
        store.delete(fresh)  # the row went, or another worker was first
        return False
    return True


def _swap(kind: str, blob: StoredBlob, fresh: str) -> bool:
    models: dict[str, tuple[type[UploadPart | File | Rendition], Any]] = {
        "part": (UploadPart, UploadPart.blob),
        "original": (File, File.original_blob),
        "rendition": (Rendition, Rendition.blob),
    }
    model, column = models[kind]
    with jobs.scope() as session:
        changed = session.execute(
            update(model).where(model.id == blob.row_id, column == blob.name).values({column.key: fresh})
        )
    return bool(changed.rowcount == 1)  # type: ignore[attr-defined]


def _first_id_of(moment: datetime) -> UUID:
    """No UUIDv7 made at this moment or later is smaller."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
