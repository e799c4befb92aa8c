"""Keys change while people work: nothing is lost, nothing is unreadable for a moment, and at the end all is new."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from core import db, files, jobs, settings
from core.files import crypto, keys, reencryption, store, uploads
from core.files.models import DataKey, File, Rendition
from core.jobs.models import JobRow
from core.settings import new_master_key
from tests.core.files import pictures_of

pytestmark = [pytest.mark.both_databases, pytest.mark.both_stores]

Blobs = Callable[[], list[Any]]


def received(practice: UUID, content: bytes) -> UUID:
    with db.scope(practice, write=False):
        return files.receive(io.BytesIO(content), owner="photo_request", name="rash.jpg").id


def keys_in_use(blobs: Blobs) -> set[UUID]:
    return {crypto.key_id_of(blob.read_bytes()) for blob in blobs()}


def make_everything_due(practice: UUID) -> None:
    with db.scope(practice) as session:
        for row in session.scalars(select(JobRow).where(JobRow.state == "queued")):
            row.due_at = db.utcnow()


def run_all(practice: UUID) -> None:
    make_everything_due(practice)
    while jobs.run_due():
        make_everything_due(practice)


def begun_upload(practice: UUID, content: bytes) -> tuple[uploads.Place, UUID]:
    place, upload_id = uploads.Place(practice, "photo_request", uuid4()), uuid4()
    uploads.create(place, upload_id, len(content), {"filename": "x.jpg"}, lambda *_: None)
    uploads.append(place, upload_id, 0, content[:1_000], lambda *_: None)
    return place, upload_id


def test_every_kind_of_blob_comes_under_the_new_key_and_reads_the_same(
    practice: UUID, photo: bytes, blobs: Blobs
) -> None:
    ready = received(practice, photo)
    jobs.run_due()
    with db.scope(practice, write=False):
        large = files.open(ready, "large").read()
    place, upload_id = begun_upload(practice, photo)
    waiting = received(practice, photo)
    with db.scope(practice) as session:  # it waits longer than the rotation takes
        for row in session.scalars(
            select(JobRow).where(JobRow.kind == files.RENDER, JobRow.state == "queued")
        ):
            session.delete(row)
    old = keys_in_use(blobs)
    new = reencryption.rotate(practice)
    assert new not in old
    run_all(practice)
    assert keys_in_use(blobs) == {new}
    assert len(blobs()) == 4  # two pictures, an original, a part: the old bytes are gone
    with db.scope(practice, write=False):
        assert files.open(ready, "large").read() == large
        assert files.open(waiting).read() == photo
    done = uploads.append(place, upload_id, 1_000, photo[1_000:], lambda *_: None)
    with db.scope(practice, write=False):
        assert files.open(done.file_id or uuid4()).read() == photo


def test_batches_follow_each_other_and_a_repeated_one_changes_nothing(
    practice: UUID, photo: bytes, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reencryption, "BATCH", 3)
    for _ in range(4):
        received(practice, photo)
    jobs.run_due()
    new = reencryption.rotate(practice)
    run_all(practice)
    assert keys_in_use(blobs) == {new}
    before = blobs()
    with db.scope(practice):
        jobs.enqueue(reencryption.REENCRYPT, run="again", blobs_of="part", after=None)
    run_all(practice)
    assert blobs() == before


class Killed(BaseException):
    """Stands for a kill -9: nothing after it runs."""


@pytest.mark.parametrize("moment", ["before the bytes", "before the row", "after the row"])
def test_killed_in_the_middle_the_next_run_finishes_it(
    practice: UUID, photo: bytes, blobs: Blobs, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    file_id = received(practice, photo)
    jobs.run_due()
    new = reencryption.rotate(practice)
    swap = reencryption._swap

    def die(*args: Any) -> bool:
        if moment == "after the row":
            swap(*args)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(reencryption, "_renew" if moment == "before the bytes" else "_swap", die)
        with pytest.raises(Killed):
            make_everything_due(practice)
            while jobs.run_due():
                pass
    with db.scope(practice, write=False):
        assert files.open(file_id, "large").read(2) == b"\xff\xd8"
    with db.scope(practice) as session:  # the dead worker's lease is over
        for row in session.scalars(select(JobRow).where(JobRow.state == "running")):
            row.lease_until = db.utcnow() - timedelta(seconds=1)
    run_all(practice)
    files.sweep_orphans(older_than=timedelta(0))
    assert keys_in_use(blobs) == {new}
    assert len(blobs()) == 2
    with db.scope(practice, write=False):
        assert files.open(file_id, "large").read(2) == b"\xff\xd8"


def test_the_old_bytes_stay_for_those_who_have_just_read_the_row(
    practice: UUID, photo: bytes, blobs: Blobs
) -> None:
    file_id = received(practice, photo)
    jobs.run_due()
    with db.scope(practice, write=False):
        row = files.rendition(file_id, "large")
    reencryption.rotate(practice)
    while jobs.run_due():
        pass
    context = crypto.Context(practice, file_id, "large")
    with files.service.open_blob(row.blob, context) as plain:
        assert plain.read(2) == b"\xff\xd8"
    assert len(blobs()) == 4


def test_a_photo_rendered_while_its_original_is_encrypted_anew_leaves_nothing(
    practice: UUID, photo: bytes, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.files import pictures

    file_id = received(practice, photo)
    render = pictures.render

    def rotate_meanwhile(content: bytes, media_type: str) -> Any:
        monkeypatch.setattr(pictures, "render", render)
        reencryption.rotate(practice)
        while jobs.run_due():
            pass
        return render(content, media_type)

    monkeypatch.setattr(pictures, "render", rotate_meanwhile)
    run_all(practice)
    with db.scope(practice, write=False):
        assert files.get(file_id).state == "ready"
    assert len(blobs()) == 2


def test_a_damaged_blob_does_not_hold_the_others(practice: UUID, photo: bytes, blobs: Blobs) -> None:
    ids = [received(practice, photo) for _ in range(2)]
    jobs.run_due()
    with db.scope(practice, write=False):
        bad = files.rendition(ids[0], "thumb").blob
    next(blob for blob in blobs() if str(blob).endswith(bad)).write_bytes(b"rubbish")
    new = reencryption.rotate(practice)
    run_all(practice)
    with db.scope(practice, write=False) as session:
        names = [name for name in session.scalars(select(Rendition.blob)) if name != bad]
    assert len(names) == 3
    for name in names:
        with store.get(name) as blob:
            assert crypto.key_id_of(blob.read(crypto.HEADER_SIZE)) == new


def test_reads_and_writes_go_on_through_three_rotations(practice: UUID, blobs: Blobs) -> None:
    content = pictures_of.jpeg()
    known = [received(practice, content) for _ in range(3)]
    run_all(practice)
    stop, failures, reads, written = threading.Event(), [], [0], []

    def read() -> None:
        while not stop.is_set():
            for file_id in tuple(known):
                try:
                    with db.scope(practice, write=False):
                        assert files.open(file_id, "thumb").read(2) == b"\xff\xd8"
                    reads[0] += 1
                    time.sleep(0.002)
                except Exception as error:
                    failures.append(repr(error))

    def write() -> None:
        while not stop.is_set() and len(written) < 12:
            try:
                written.append(received(practice, content))
            except Exception as error:
                failures.append(repr(error))

    threads = [threading.Thread(target=work) for work in (read, read, write)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        reencryption.rotate(practice)
        for _ in range(30):
            if not jobs.run_due(4):
                break
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert reads[0] > 10
    assert len(written) > 3
    run_all(practice)
    files.sweep_orphans(older_than=timedelta(0))
    with db.scope(practice, write=False) as session:
        newest = session.scalar(select(DataKey.id).order_by(DataKey.generation.desc()).limit(1))
        assert {file.state for file in session.scalars(select(File))} == {"ready"}
    assert keys_in_use(blobs) == {newest}
    assert len(blobs()) == 2 * (3 + len(written))


def test_the_master_key_changes_without_a_moment_in_which_a_process_cannot_read(
    practice: UUID, other_practice: UUID, photo: bytes
) -> None:
    """The steps of docs/operators.md, seen by a process of each step."""
    file_id = received(practice, photo)
    keys.for_writing(other_practice)
    old = settings.current()
    new_key = new_master_key()

    def process(master: str, *further: str) -> settings.Settings:
        keys.forget()
        return settings.configure(
            old.model_copy(
                update={"master_key": SecretStr(master), "old_master_keys": SecretStr(",".join(further))}
            )
        )

    def reads() -> bool:
        with db.scope(practice, write=False):
            return files.open(file_id).read() == photo

    old_key = old.master_key.get_secret_value()
    process(old_key, new_key)
    assert reads()
    assert keys.rewrap(practice, settings.master_key_bytes(new_key)) == 1
    keys.forget()
    assert reads()
    late = reencryption.rotate(practice)  # a process that still wraps by the old one
    process(new_key, old_key)
    assert reads()
    assert keys.rewrap(practice, settings.master_key_bytes(new_key)) == 1
    assert keys.rewrap(practice, settings.master_key_bytes(new_key)) == 0
    process(new_key)
    assert reads()
    assert keys.for_reading(practice, late)
    with pytest.raises(keys.KeyUnavailable):
        keys.for_writing(other_practice)  # nobody wrapped this one anew
    with pytest.raises(keys.KeyUnavailable):
        keys.rewrap(other_practice, settings.master_key_bytes(new_key))
    process(old_key)
    with pytest.raises(keys.KeyUnavailable):
        reads()
