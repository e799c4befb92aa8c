"""Resumable uploads: what was acknowledged is there, what comes twice is there once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core import db, files, i18n, jobs
from core.files import keys, store, uploads
from core.files.errors import FileRefused
from core.files.models import File, Upload, UploadPart
from core.files.uploads import Place
from tests.core.files import pictures_of

pytestmark = [pytest.mark.both_databases, pytest.mark.both_stores]

Blobs = Callable[[], list[Any]]


@pytest.fixture
def place(practice: UUID) -> Place:
    return Place(practice, "photo_request", uuid4(), uuid4())


def anything(upload_id: UUID, size: int, metadata: Mapping[str, str]) -> None:
    """Allows every upload."""


def keeps(upload: Upload, file: File) -> None:
    """Adds nothing to the file."""


def begun(place: Place, length: int, name: str = "rash.jpg") -> UUID:
    upload_id = uuid4()
    uploads.create(
        place, upload_id, length, {"filename": name, "filetype": "image/jpeg", "note": "left"}, anything
    )
    return upload_id


def send(place: Place, upload_id: UUID, content: bytes, cuts: list[int]) -> Upload:
    """Send in pieces that end at the cuts and at the end."""
    start = 0
    last = None
    for end in [*cuts, len(content)]:
        last = uploads.append(place, upload_id, start, content[start:end], keeps)
        start = end
    assert last is not None
    return last


def all_files(place: Place) -> list[File]:
    with db.scope(place.practice_id, write=False) as session:
        return list(session.scalars(select(File)))


def test_pieces_become_the_file(place: Place, photo: bytes, blobs: Blobs) -> None:
    upload_id = begun(place, len(photo), "ma jambe.jpg")
    done = send(place, upload_id, photo, [10, 11, 100_000])
    assert (done.state, done.received) == ("finished", len(photo))
    (file,) = all_files(place)
    assert (file.id, file.name, file.patient_id) == (done.file_id, "ma jambe.jpg", place.patient_id)
    with db.scope(place.practice_id, write=False), files.open(file.id) as plain:
        assert plain.read() == photo
    assert len(blobs()) == 1  # the parts are gone
    jobs.run_due()
    assert all_files(place)[0].state == "ready"


@given(st.lists(st.integers(1, 9_000), max_size=6, unique=True))
@settings(deadline=None, max_examples=15)
def test_any_way_of_cutting_gives_the_same_file(cuts: list[int]) -> None:
    # Not through fixtures: hypothesis runs this many times in one.
    practice = _SHARED["practice"]
    place = Place(practice, "photo_request", uuid4())
    content = pictures_of.jpeg(pictures_of.corners(640, 480))
    sent = send(place, begun(place, len(content)), content, sorted(cut for cut in cuts if cut < len(content)))
    assert sent.file_id is not None
    with db.scope(practice, write=False), files.open(sent.file_id) as plain:
        assert plain.read() == content


_SHARED: dict[str, UUID] = {}


@pytest.fixture(autouse=True)
def _share(practice: UUID) -> None:
    _SHARED["practice"] = practice


def test_after_a_cut_it_goes_on_where_the_durable_bytes_end(place: Place, photo: bytes) -> None:
    upload_id = begun(place, len(photo))
    uploads.append(place, upload_id, 0, photo[:5_000], keeps)
    keys.forget()  # another process
    assert uploads.find(place, upload_id).received == 5_000
    assert uploads.append(place, upload_id, 5_000, photo[5_000:], keeps).state == "finished"


def test_the_same_part_twice_is_stored_once(place: Place, photo: bytes, blobs: Blobs) -> None:
    upload_id = begun(place, len(photo))
    uploads.append(place, upload_id, 0, photo[:5_000], keeps)
    with pytest.raises(uploads.OffsetMismatch):
        uploads.append(place, upload_id, 0, photo[:5_000], keeps)
    assert len(blobs()) == 1
    uploads.append(place, upload_id, 5_000, photo[5_000:], keeps)
    with pytest.raises(uploads.OffsetMismatch):
        uploads.append(place, upload_id, 5_000, photo[5_000:], keeps)
    assert len(all_files(place)) == 1


@pytest.mark.parametrize("last", [False, True])
def test_of_eight_at_once_with_the_same_part_one_wins(
    place: Place, photo: bytes, blobs: Blobs, last: bool
) -> None:
    upload_id = begun(place, len(photo))
    part = photo if last else photo[:9_000]
    ready, outcome = threading.Barrier(8), []

    def push() -> None:
        ready.wait()
        try:
            uploads.append(place, upload_id, 0, part, keeps)
            outcome.append("won")
        except uploads.OffsetMismatch:
            outcome.append("lost")

    threads = [threading.Thread(target=push) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome) == ["lost"] * 7 + ["won"]
    assert len(blobs()) == 1
    assert len(all_files(place)) == (1 if last else 0)


def test_creating_twice_is_one_upload_and_says_where_it_stands(place: Place, photo: bytes) -> None:
    upload_id = begun(place, len(photo))
    uploads.append(place, upload_id, 0, photo[:700], keeps)

    def fail(*args: object) -> None:
        raise AssertionError("asked again")

    again = uploads.create(place, upload_id, len(photo), {"filename": "other"}, fail)
    assert (again.received, again.name) == (700, "rash.jpg")
    uploads.append(place, upload_id, 700, photo[700:], keeps)
    done = uploads.create(place, upload_id, len(photo), {}, fail)
    assert (done.received, done.state) == (len(photo), "finished")
    assert len(all_files(place)) == 1
    with pytest.raises(uploads.UploadTaken):
        uploads.create(place, upload_id, len(photo) + 1, {}, anything)


def test_an_upload_of_another_request_or_practice_does_not_exist(
    place: Place, other_practice: UUID, photo: bytes
) -> None:
    upload_id = begun(place, len(photo))
    for elsewhere in (
        Place(place.practice_id, place.owner, uuid4()),
        Place(place.practice_id, "messaging", place.subject_id),
        Place(other_practice, place.owner, place.subject_id),
    ):
        with pytest.raises(uploads.UploadUnknown):
            uploads.find(elsewhere, upload_id)
        with pytest.raises(uploads.UploadUnknown):
            uploads.append(elsewhere, upload_id, 0, photo, keeps)
        with pytest.raises(uploads.UploadUnknown):
            uploads.cancel(elsewhere, upload_id)
    with pytest.raises(uploads.UploadTaken):
        uploads.create(Place(place.practice_id, place.owner, uuid4()), upload_id, len(photo), {}, anything)
    assert uploads.create(Place(other_practice, "p", uuid4()), upload_id, 5, {}, anything).received == 0
    assert uploads.find(place, upload_id).received == 0


def test_more_than_was_declared_is_not_taken(place: Place) -> None:
    upload_id = begun(place, 100)
    with pytest.raises(uploads.PartTooLong):
        uploads.append(place, upload_id, 0, bytes(101), keeps)
    with pytest.raises(uploads.OffsetMismatch):
        uploads.append(place, upload_id, 50, bytes(10), keeps)
    assert uploads.append(place, upload_id, 0, b"", keeps).received == 0


def test_a_bad_photo_is_refused_once_and_for_all_in_the_readers_language(place: Place, blobs: Blobs) -> None:
    text = b"this is only text\n" * 50
    upload_id = begun(place, len(text))
    uploads.append(place, upload_id, 0, text[:100], keeps)
    for attempt in (
        lambda: uploads.append(place, upload_id, 100, text[100:], keeps),
        lambda: uploads.append(place, upload_id, 100, text[100:], keeps),
        lambda: uploads.create(place, upload_id, len(text), {}, anything),
        lambda: uploads.find(place, upload_id),
    ):
        with pytest.raises(FileRefused) as refusal:
            attempt()
        assert (refusal.value.reason, refusal.value.status) == ("format", 415)
    with i18n.use_language("en-XA"), pytest.raises(FileRefused) as refusal:
        uploads.find(place, upload_id)
    assert refusal.value.message == files.refusal_text("format") or refusal.value.message
    assert blobs() == []
    assert all_files(place) == []


def test_an_empty_photo_and_a_plugins_no_make_no_row(place: Place) -> None:
    def no(upload_id: UUID, size: int, metadata: Mapping[str, str]) -> None:
        raise FileRefused("too_many", "You have sent 10 photos.")

    with pytest.raises(FileRefused) as refusal:
        uploads.create(place, uuid4(), 0, {}, anything)
    assert refusal.value.reason == "empty"
    with pytest.raises(FileRefused) as refusal:
        uploads.create(place, uuid4(), 10, {}, no)
    assert refusal.value.message == "You have sent 10 photos."
    with db.scope(place.practice_id, write=False) as session:
        assert session.scalars(select(Upload)).all() == []


def test_allow_sees_the_uploads_under_way_in_the_same_transaction(place: Place) -> None:
    def two_at_most(upload_id: UUID, size: int, metadata: Mapping[str, str]) -> None:
        assert db.is_write()
        if len(uploads.under_way(place.owner, place.subject_id)) >= 2:
            raise FileRefused("too_many", "Two are enough.")

    for _ in range(2):
        uploads.create(place, uuid4(), 10, {}, two_at_most)
    with pytest.raises(FileRefused):
        uploads.create(place, uuid4(), 10, {}, two_at_most)


def test_what_a_plugin_adds_when_it_is_finished_stands_or_falls_with_the_file(
    place: Place, photo: bytes, blobs: Blobs
) -> None:
    seen: list[tuple[UUID, dict[str, object]]] = []

    def one_only(upload: Upload, file: File) -> None:
        assert db.is_write()
        if seen:
            raise FileRefused("too_many", "One is enough.")
        seen.append((file.id, upload.details))

    first, second = begun(place, len(photo)), begun(place, len(photo))
    uploads.append(place, first, 0, photo, one_only)
    with pytest.raises(FileRefused):
        uploads.append(place, second, 0, photo, one_only)
    assert [file.id for file in all_files(place)] == [seen[0][0]]
    assert seen[0][1] == {"note": "left"}
    assert len(blobs()) == 1
    with pytest.raises(FileRefused) as refusal:
        uploads.find(place, second)
    assert refusal.value.message == "One is enough."


def test_a_plugins_crash_loses_nothing_and_the_last_part_can_come_again(place: Place, photo: bytes) -> None:
    def crash(upload: Upload, file: File) -> None:
        raise RuntimeError("a plugin's mistake")

    upload_id = begun(place, len(photo))
    uploads.append(place, upload_id, 0, photo[:1_000], keeps)
    with pytest.raises(RuntimeError):
        uploads.append(place, upload_id, 1_000, photo[1_000:], crash)
    assert uploads.find(place, upload_id).received == 1_000
    assert uploads.append(place, upload_id, 1_000, photo[1_000:], keeps).state == "finished"


class Killed(BaseException):
    """Stands for a kill -9: nothing after it runs."""


@pytest.mark.parametrize("last", [False, True])
def test_killed_between_the_bytes_and_the_row_nothing_was_acknowledged_and_nothing_is_left(
    place: Place, photo: bytes, blobs: Blobs, monkeypatch: pytest.MonkeyPatch, last: bool
) -> None:
    upload_id = begun(place, len(photo))
    uploads.append(place, upload_id, 0, photo[:1_000], keeps)
    end = len(photo) if last else 2_000

    def die(*args: object, **options: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "_advance", die)
        with pytest.raises(Killed):
            uploads.append(place, upload_id, 1_000, photo[1_000:end], keeps)
    assert uploads.find(place, upload_id).received == 1_000
    assert len(blobs()) == 2
    assert files.sweep_orphans(older_than=timedelta(0)) == 1
    send_rest = uploads.append(place, upload_id, 1_000, photo[1_000:], keeps)
    assert send_rest.state == "finished"
    with db.scope(place.practice_id, write=False):
        assert files.open(all_files(place)[0].id).read() == photo


def test_killed_after_the_last_commit_the_file_is_there_once(
    place: Place, photo: bytes, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = begun(place, len(photo))
    uploads.append(place, upload_id, 0, photo[:1_000], keeps)

    with monkeypatch.context() as patch:
        patch.setattr(store, "delete", lambda name: None)
        uploads.append(place, upload_id, 1_000, photo[1_000:], keeps)
    assert len(blobs()) == 2
    assert uploads.find(place, upload_id).state == "finished"
    assert len(all_files(place)) == 1
    files.sweep_orphans(older_than=timedelta(0))
    assert len(blobs()) == 1


def test_a_full_disk_leaves_the_upload_open(
    place: Place, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(name: str, pieces: object) -> None:
        raise files.StoreUnavailable("disk full")

    upload_id = begun(place, len(photo))
    with monkeypatch.context() as patch:
        patch.setattr(store, "put", full)
        for part in (photo[:100], photo):
            with pytest.raises(files.StoreUnavailable):
                uploads.append(place, upload_id, 0, part, keeps)
    assert uploads.append(place, upload_id, 0, photo, keeps).state == "finished"


def test_parts_are_unreadable_on_the_disk_and_bound_to_their_place(
    place: Place, photo: bytes, blobs: Blobs
) -> None:
    upload_id = begun(place, len(photo))
    uploads.append(place, upload_id, 0, photo[:3_000], keeps)
    (first,) = blobs()
    assert photo[:32] not in first.read_bytes()
    uploads.append(place, upload_id, 3_000, photo[3_000:6_000], keeps)
    second = next(blob for blob in blobs() if blob != first)
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    with pytest.raises(files.BlobDamaged):
        uploads.append(place, upload_id, 6_000, photo[6_000:], keeps)
    assert all_files(place) == []


def test_giving_up_removes_the_parts_but_not_a_file(place: Place, photo: bytes, blobs: Blobs) -> None:
    upload_id = begun(place, len(photo))
    uploads.append(place, upload_id, 0, photo[:3_000], keeps)
    uploads.cancel(place, upload_id)
    assert blobs() == []
    with pytest.raises(uploads.UploadUnknown):
        uploads.find(place, upload_id)
    done = begun(place, len(photo))
    uploads.append(place, done, 0, photo, keeps)
    with pytest.raises(uploads.UploadTaken):
        uploads.cancel(place, done)
    assert len(all_files(place)) == 1


def test_an_upload_that_nobody_goes_on_with_expires_with_its_parts(
    place: Place, other_practice: UUID, photo: bytes, blobs: Blobs
) -> None:
    forgotten, alive = begun(place, len(photo)), begun(place, len(photo))
    elsewhere = Place(other_practice, "photo_request", uuid4())
    there = begun(elsewhere, len(photo))
    for where, upload_id in ((place, forgotten), (place, alive), (elsewhere, there)):
        uploads.append(where, upload_id, 0, photo[:3_000], keeps)
    for where, upload_id in ((place, forgotten), (elsewhere, there)):
        with db.scope(where.practice_id):
            row = db.get(Upload, upload_id)
            assert row is not None
            row.expires_at = db.utcnow() - timedelta(seconds=1)
    with pytest.raises(uploads.UploadUnknown):
        uploads.find(place, forgotten)
    uploads.sweep_expired({})
    assert len(blobs()) == 1
    with db.scope(across_practices=True, write=False) as session:
        assert [row.id for row in session.scalars(select(Upload))] == [alive]
        assert [row.upload_id for row in session.scalars(select(UploadPart))] == [alive]


def test_a_part_moves_the_time_of_expiry(place: Place, photo: bytes) -> None:
    upload_id = begun(place, len(photo))
    with db.scope(place.practice_id):
        row = db.get(Upload, upload_id)
        assert row is not None
        row.expires_at = db.utcnow() + timedelta(minutes=1)
    uploads.append(place, upload_id, 0, photo[:10], keeps)
    assert uploads.find(place, upload_id).expires_at > db.utcnow() + timedelta(hours=23)
