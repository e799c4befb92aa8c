"""The check finds what is missing, damaged or under no key, and nothing else; people go on working meanwhile."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from core import db, files, jobs, settings
from core.files import integrity, keys, reencryption, service, uploads
from core.files.models import File, Rendition, UploadPart
from core.jobs.models import JobRow
from core.settings import new_master_key
from tests.core.files import pictures_of

pytestmark = [pytest.mark.both_databases, pytest.mark.both_stores]

Blobs = Callable[[], list[Any]]


@pytest.fixture
def ready(practice: UUID) -> UUID:
    """A rendered photo; beside it one that waits and an upload with one part."""
    file_id = receive(practice)
    jobs.run_due()
    receive(practice)
    with db.scope(practice) as session:
        for row in session.scalars(select(JobRow).where(JobRow.state == "queued")):
            session.delete(row)
    place, upload_id = uploads.Place(practice, "photo_request", uuid4()), uuid4()
    uploads.create(place, upload_id, 5_000, {}, lambda *_: None)
    uploads.append(place, upload_id, 0, b"x" * 1_000, lambda *_: None)
    return file_id


def receive(practice: UUID) -> UUID:
    with db.scope(practice, write=False):
        return files.receive(io.BytesIO(pictures_of.jpeg()), owner="photo_request", name="x.jpg").id


def problems(practice: UUID) -> set[tuple[str, str]]:
    return {(problem.kind, problem.what) for problem in integrity.check(practice)}


def blob_named(blobs: Blobs, name: str | None) -> Any:
    return next(blob for blob in blobs() if name and str(blob).endswith(name))


def test_what_is_whole_is_read_whole(practice: UUID, other_practice: UUID, ready: UUID, blobs: Blobs) -> None:
    checked = integrity.Checked()
    assert list(integrity.check(practice, checked)) == []
    assert checked.blobs == len(blobs()) == 4
    assert checked.bytes > 1_000
    assert list(integrity.check(other_practice)) == []


def test_missing_bytes_are_named_by_kind(practice: UUID, ready: UUID, blobs: Blobs) -> None:
    for blob in blobs():
        blob.unlink()
    found = list(integrity.check(practice))
    assert sorted((p.kind, p.what) for p in found) == [
        ("original", "missing"),
        ("part", "missing"),
        ("rendition", "missing"),
        ("rendition", "missing"),
    ]
    assert {p.subject for p in found if p.kind == "rendition"} == {ready}


@pytest.mark.parametrize("change", ["flipped", "cut", "emptied", "another's"])
def test_changed_bytes_are_damaged(practice: UUID, ready: UUID, blobs: Blobs, change: str) -> None:
    with db.scope(practice, write=False):
        thumb, large = (files.rendition(ready, name).blob for name in ("thumb", "large"))
    blob = blob_named(blobs, thumb)
    content = bytearray(blob.read_bytes())
    content[-20] ^= 1
    wrong = {
        "flipped": bytes(content),
        "cut": bytes(content[:-30]),
        "emptied": b"",
        "another's": blob_named(blobs, large).read_bytes(),
    }
    blob.write_bytes(wrong[change])
    assert problems(practice) == {("rendition", "damaged")}


def test_bytes_that_open_but_are_not_those_that_were_received_are_damaged(
    practice: UUID, ready: UUID, blobs: Blobs
) -> None:
    """Well encrypted, of the right file and length: only the digest tells."""
    with db.scope(practice, write=False) as session:
        (waiting,) = session.scalars(select(File).where(File.state == "received"))
    other = bytearray(pictures_of.jpeg())
    other[300] ^= 1
    key_id, key = keys.for_writing(practice)
    context = service.crypto.Context(practice, waiting.id, "original")
    blob_named(blobs, waiting.original_blob).write_bytes(
        b"".join(service.crypto.encrypt(io.BytesIO(other), key_id, key, context))
    )
    assert problems(practice) == {("original", "damaged")}


def test_rows_that_do_not_add_up_are_incomplete(practice: UUID, ready: UUID) -> None:
    with db.scope(practice) as session:
        session.delete(files.rendition(ready, "thumb"))
        for part in session.scalars(select(UploadPart)):
            session.delete(part)
    assert problems(practice) == {("file", "incomplete"), ("upload", "incomplete")}


def test_without_the_master_key_everything_is_without_a_key(practice: UUID, ready: UUID) -> None:
    settings.configure(settings.current().model_copy(update={"master_key": SecretStr(new_master_key())}))
    assert problems(practice) == {("original", "no key"), ("part", "no key"), ("rendition", "no key")}


def test_what_goes_while_the_check_runs_is_no_loss(
    practice: UUID, ready: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = integrity._look

    def look_late(kind: str, blob: reencryption.StoredBlob, checked: integrity.Checked) -> Any:
        with db.scope(practice) as session:
            gone = session.scalars(select(Rendition.file_id)).all() or session.scalars(select(File.id)).all()
            for file_id in set(gone):
                files.delete(file_id)
        return look(kind, blob, checked)

    monkeypatch.setattr(integrity, "_look", look_late)
    assert problems(practice) == set()
