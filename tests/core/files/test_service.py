"""From received to ready: durable first, then clean, then the original is gone; nothing is done twice or lost."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image
from sqlalchemy import select

from core import db, files, jobs
from core.files import pictures, rendering, store
from core.files.errors import PictureFailed
from core.files.models import File, Rendition
from core.settings import Settings
from tests.core.files import pictures_of
from tests.core.files.received import events_of, file_of, received

pytestmark = [pytest.mark.both_databases, pytest.mark.both_stores]

Blobs = Callable[[], list[Any]]


def test_a_received_file_is_durable_and_unreadable_on_the_disk(
    practice: UUID, photo: bytes, blobs: Blobs
) -> None:
    file = file_of(practice, received(practice, photo, "ma jambe 🦵.jpg"))
    assert (file.state, file.size, file.media_type) == ("received", len(photo), "image/jpeg")
    assert (file.width, file.height, file.name) == (1600, 1200, "ma jambe 🦵.jpg")
    (blob,) = blobs()
    assert photo[:64] not in blob.read_bytes()
    assert b"JFIF" not in blob.read_bytes()
    assert not isinstance(blob, Path) or blob.stat().st_mode & 0o077 == 0
    assert str(file.id) not in str(blob)
    assert file.id.hex not in str(blob)
    with db.scope(practice, write=False), files.open(file.id) as plain:
        assert plain.read() == photo


def test_the_worker_makes_two_clean_pictures_and_removes_the_original(
    practice: UUID, photo: bytes, blobs: Blobs
) -> None:
    file_id = received(practice, photo)
    original = blobs()
    jobs.run_due()
    file = file_of(practice, file_id)
    assert (file.state, file.reject_reason, file.original_blob) == ("ready", None, None)
    assert len(blobs()) == 2
    assert not set(original) & set(blobs())
    with db.scope(practice, write=False):
        for name, longest in (("large", 1600), ("thumb", 320)):
            row = files.rendition(file_id, name)
            with files.open(file_id, name) as plain:
                content = plain.read()
            assert len(content) == row.size
            assert max(Image.open(io.BytesIO(content)).size) == max(row.width, row.height) == longest
        with pytest.raises(files.FileMissing):
            files.open(file_id)
    assert events_of(practice, file_id) == ["ready"]


def test_running_the_job_again_changes_nothing(practice: UUID, photo: bytes, blobs: Blobs) -> None:
    file_id = received(practice, photo)
    jobs.run_due()
    before = blobs()
    with db.scope(practice):
        jobs.enqueue(files.RENDER, key="again", file_id=file_id)
    jobs.run_due()
    assert blobs() == before
    assert events_of(practice, file_id) == ["ready"]


def test_two_workers_at_once_leave_one_set_of_pictures(
    practice: UUID, photo: bytes, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = received(practice, photo)
    render = pictures.render

    def render_while_the_other_finishes(content: bytes, media_type: str) -> tuple[pictures.Picture, ...]:
        monkeypatch.setattr(pictures, "render", render)
        rendering.render_picture({"file_id": str(file_id)})
        return render(content, media_type)

    monkeypatch.setattr(pictures, "render", render_while_the_other_finishes)
    jobs.run_due()
    assert file_of(practice, file_id).state == "ready"
    assert len(blobs()) == 2
    assert events_of(practice, file_id) == ["ready"]


@pytest.mark.parametrize("reason", ["incomplete", "damaged", "too_complex"])
def test_a_picture_that_cannot_be_rendered_is_rejected_visibly(
    practice: UUID, photo: bytes, blobs: Blobs, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    def refuse(content: bytes, media_type: str) -> None:
        raise PictureFailed(reason)

    file_id = received(practice, photo)
    monkeypatch.setattr(pictures, "render", refuse)
    jobs.run_due()
    file = file_of(practice, file_id)
    assert (file.state, file.reject_reason) == ("rejected", reason)
    assert events_of(practice, file_id) == ["rejected"]
    assert blobs() == []


def test_damage_that_only_decoding_finds_ends_as_rejected(practice: UUID, blobs: Blobs) -> None:
    whole = pictures_of.png(pictures_of.scene(300, 300))
    place = whole.index(b"IDAT") + 4
    file_id = received(practice, whole[:place] + b"\xff" * 400 + whole[place + 400 :], "x.png")
    jobs.run_due()
    file = file_of(practice, file_id)
    assert file.state == "rejected"
    assert file.reject_reason in ("damaged", "incomplete")
    assert blobs() == []


def test_bytes_that_the_disk_has_changed_are_never_shown_as_a_photo(
    practice: UUID, photo: bytes, blobs: Blobs
) -> None:
    file_id = received(practice, photo)
    (blob,) = blobs()
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    jobs.run_due()
    assert (file_of(practice, file_id).state, file_of(practice, file_id).reject_reason) == (
        "rejected",
        "lost",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"not a photo\n" * 99, "format"),
        (pictures_of.jpeg()[:-400], "incomplete"),
        (pictures_of.empty_png(10_000, 10_000), "too_many_pixels"),
        (b"<svg/>", "drawing"),
        (pictures_of.animated("PNG"), "animated"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    practice: UUID, blobs: Blobs, content: bytes, reason: str
) -> None:
    with db.scope(practice, write=False), pytest.raises(files.FileRefused) as refusal:
        files.receive(io.BytesIO(content), owner="photo_request", name="x.jpg")
    assert refusal.value.reason == reason
    assert blobs() == []
    with db.scope(practice, write=False) as session:
        assert session.scalars(select(File)).all() == []


def test_one_byte_too_many_is_too_large(practice: UUID, photo: bytes, blobs: Blobs) -> None:
    with db.scope(practice, write=False):
        files.receive(io.BytesIO(photo), owner="p", name="x.jpg", max_size=len(photo))
        with pytest.raises(files.FileRefused) as refusal:
            files.receive(io.BytesIO(photo), owner="p", name="x.jpg", max_size=len(photo) - 1)
    assert (refusal.value.reason, refusal.value.status) == ("too_large", 413)
    assert len(blobs()) == 1


def test_receiving_inside_a_transaction_stands_or_falls_with_it(
    practice: UUID, photo: bytes, blobs: Blobs
) -> None:
    def receive_and_fail() -> None:
        with db.scope(practice):
            files.receive(io.BytesIO(photo), owner="p", name="x.jpg")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        receive_and_fail()
    with db.scope(practice, write=False) as session:
        assert session.scalars(select(File)).all() == []
    assert files.sweep_orphans() == 0  # young: its row may still come
    assert files.sweep_orphans(older_than=timedelta(0)) == 1
    assert blobs() == []


def test_deleting_takes_rows_and_bytes_and_the_waiting_job(
    practice: UUID, photo: bytes, blobs: Blobs
) -> None:
    ready, waiting = received(practice, photo), received(practice, photo)
    with db.scope(practice):
        files.delete(waiting)
    jobs.run_due()
    assert len(blobs()) == 2
    with db.scope(practice) as session:
        files.delete(ready)
        assert len(blobs()) == 2  # not before the commit
        files.delete(uuid4())
    with db.scope(practice, write=False) as session:
        assert session.scalars(select(File)).all() == []
        assert session.scalars(select(Rendition)).all() == []
        assert session.scalars(select(jobs.JobRow).where(jobs.JobRow.state == "queued")).all() == []
    assert blobs() == []


def test_deleted_while_it_is_rendered_it_stays_deleted(
    practice: UUID, photo: bytes, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = received(practice, photo)
    render = pictures.render

    def render_and_delete(content: bytes, media_type: str) -> tuple[pictures.Picture, ...]:
        with db.scope(practice):
            files.delete(file_id)
        return render(content, media_type)

    monkeypatch.setattr(pictures, "render", render_and_delete)
    jobs.run_due()
    with db.scope(practice, write=False) as session:
        assert session.scalars(select(File)).all() == []
        assert session.scalars(select(Rendition)).all() == []
    assert blobs() == []


def test_another_practice_finds_no_file_of_ours(practice: UUID, other_practice: UUID, photo: bytes) -> None:
    file_id = received(practice, photo)
    jobs.run_due()
    with db.scope(other_practice):
        for name in (None, "large", "thumb"):
            with pytest.raises(files.FileMissing):
                files.open(file_id, name)
        files.delete(file_id)
    assert file_of(practice, file_id).state == "ready"


def test_listeners_hear_of_each_file_and_a_failing_one_does_not_touch_it(
    practice: UUID, photo: bytes
) -> None:
    heard: list[tuple[UUID, str, bool]] = []

    def listen(file: File) -> None:
        heard.append((file.id, file.state, db.is_write() and db.practice_id() == practice))
        if len(heard) == 1:
            raise RuntimeError("a plugin's mistake")

    files.on_processed(listen)
    file_id = received(practice, photo)
    jobs.run_due()
    assert file_of(practice, file_id).state == "ready"
    with db.scope(practice) as session:  # its next try is due now
        for row in session.scalars(select(jobs.JobRow)):
            row.due_at = db.utcnow()
    jobs.run_due()
    assert heard == [(file_id, "ready", True)] * 2


def test_the_orphan_sweep_takes_strangers_and_leaves_what_is_known(
    practice: UUID, other_practice: UUID, photo: bytes, blobs: Blobs, store_settings: Settings
) -> None:
    received(practice, photo)
    ready = received(other_practice, photo)
    jobs.run_due()
    waiting = received(practice, photo)
    known = blobs()
    assert len(known) == 5
    store.put(store.new_name(practice), [b"nobody's"])
    cut_off = known[0].with_name("cut.part")
    cut_off.write_bytes(b"half")
    assert files.sweep_orphans() == 0
    assert files.sweep_orphans(older_than=timedelta(0)) == 2
    assert blobs() == known
    assert file_of(other_practice, ready).state == "ready"
    assert file_of(practice, waiting).state == "received"


def test_a_blob_store_elsewhere_works_the_same(
    practice: UUID, photo: bytes, store_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_settings, "blob_url", "memory://careroom-test")
    file_id = received(practice, photo)
    jobs.run_due()
    assert file_of(practice, file_id).state == "ready"
    with db.scope(practice, write=False):
        assert files.open(file_id, "thumb").read(2) == b"\xff\xd8"
    assert len(list(store.listing())) == 2

    def broken() -> object:
        yield b"half"
        raise OSError("network away")

    with pytest.raises(files.StoreUnavailable):
        store.put(store.new_name(practice), broken())  # type: ignore[arg-type]
    assert len(list(store.listing())) == 2
    with db.scope(practice):
        files.delete(file_id)
    assert list(store.listing()) == []
