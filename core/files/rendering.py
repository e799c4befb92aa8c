"""The worker's job for a received file: original in, two clean pictures out, original gone."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select, update

from core import db, jobs, metrics
from core.files import crypto, pictures, service, store
from core.files.errors import BlobDamaged, FileMissing, PictureFailed, StoreUnavailable
from core.files.models import ORIGINAL, File, Rendition
from core.files.pictures import ChildKilled, Picture
from core.realtime.events import publish, topic

PROCESSED: Final = "core.file_processed"
_STORE_PAUSE: Final = timedelta(minutes=1)
_KILLED_PAUSE: Final = timedelta(seconds=5)
_MOST_TRIES: Final = 6
Listener = Callable[[File], None]

_listeners: list[Listener] = []
log = structlog.get_logger(__name__)


def on_processed(listener: Listener) -> None:
    """Have ``listener(file)`` called in a write scope of the practice once a file is ready or rejected.

    It runs in a job of its own that is stored with the new state: it is not forgotten, it may come twice, and its
    failure is tried again without touching the picture.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def forget_listeners() -> None:
    """Take every listener away: for tests and for a process that loads its plugins anew."""
    _listeners.clear()


def render_picture(payload: dict[str, Any]) -> None:
    """Job core.render_picture. May run twice or be killed anywhere: the state changes once, with its renditions."""
    file_id = UUID(payload["file_id"])
    with jobs.scope(write=False):
        file = db.get(File, file_id)
        if file is None or file.state != "received" or file.original_blob is None:
            return
        practice_id = db.practice_id()
    try:
        with service.open_blob(file.original_blob, crypto.Context(practice_id, file_id, ORIGINAL)) as plain:
            content = plain.read()
        made = _rendered(content, file.media_type)
    except PictureFailed as failure:
        _settle(file, "rejected", failure.reason)
        return
    except StoreUnavailable:
        # A full disk or a network that is away may last for hours, and says nothing about the picture.
        raise jobs.Postpone(_STORE_PAUSE) from None
    except ChildKilled:
        _try_later(file, int(payload.get("tries", 0)) + 1)
        return
    except (FileMissing, BlobDamaged) as error:
        # Acknowledged bytes that the store has lost: the one thing that must never pass in silence.
        log.error("file.original_lost", file=str(file_id), error=type(error).__name__)
        _settle(file, "rejected", "lost")
        return
    try:
        _settle_ready(file, practice_id, made)
    except StoreUnavailable:
        raise jobs.Postpone(_STORE_PAUSE) from None


def _try_later(file: File, tries: int) -> None:
    """The machine killed the child twice over this picture: again when it may have recovered, but not for ever."""
    log.warning("file.renderer_killed", file=str(file.id), tries=tries)
    if tries >= _MOST_TRIES:
        _settle(file, "rejected", "too_complex")
        return
    with jobs.scope():
        key, due_at = f"{service.RENDER}:{file.id}:{tries}", db.utcnow() + _KILLED_PAUSE * 3**tries
        jobs.enqueue(service.RENDER, key=key, due_at=due_at, file_id=file.id, tries=tries)


def _rendered(content: bytes, media_type: str) -> tuple[Picture, ...]:
    begun, result = time.perf_counter(), "rejected"
    try:
        made = pictures.render(content, media_type)
        result = "ready"
        return made
    finally:
        metrics.PICTURE_SECONDS.labels(result).observe(time.perf_counter() - begun)


def _settle_ready(file: File, practice_id: UUID, made: tuple[Picture, ...]) -> None:
    stored: list[Rendition] = []
    for picture in made:
        row = Rendition(
            file_id=file.id,
            name=picture.name,
            media_type=picture.media_type,
            size=len(picture.content),
            width=picture.width,
            height=picture.height,
            blob=store.new_name(practice_id),
        )
        context = crypto.Context(practice_id, file.id, picture.name)
        service.write_blob(row.blob, io.BytesIO(picture.content), context)
        stored.append(row)
    # An exception from here on leaves the blobs alone: the commit may have happened. The sweep knows which are ours.
    if not _settle(file, "ready", None, stored):
        for row in stored:  # another worker was first, or the file was deleted meanwhile
            store.delete(row.blob)


def _settle(file: File, state: str, reason: str | None, renditions: list[Rendition] | None = None) -> bool:
    """The one short transaction. False when the file is no longer waiting: somebody else settled it."""
    with jobs.scope():
        return _settle_here(file, state, reason, renditions or [])


def give_up(file: File) -> None:
    """In the current write scope: a file that still waits is rejected as lost, and its bytes go."""
    if _settle_here(file, "rejected", "lost", []):
        jobs.withdraw(f"{service.RENDER}:{file.id}")


def _settle_here(file: File, state: str, reason: str | None, renditions: list[Rendition]) -> bool:
    session = db.session()
    # Not the name that was read before: the bytes may have been encrypted anew meanwhile.
    original = session.scalar(select(File.original_blob).where(File.id == file.id).with_for_update())
    # The row is the lock: of two workers one changes it, the other finds nothing to change.
    changed = session.execute(
        update(File)
        .where(File.id == file.id, File.state == "received")
        .values(state=state, reject_reason=reason, original_blob=None, updated_at=db.utcnow())
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        return False
    session.add_all(renditions)
    publish(topic("core.file", file.id), state, file_id=file.id)
    jobs.enqueue(PROCESSED, key=f"{PROCESSED}:{file.id}", file_id=file.id)
    service.delete_after_commit([original] if original else [])
    return True


def file_processed(payload: dict[str, Any]) -> None:
    """Job core.file_processed: tell the listeners."""
    with jobs.scope():
        file = db.get(File, UUID(payload["file_id"]))
        if file is None:
            return
        for listener in tuple(_listeners):
            listener(file)
