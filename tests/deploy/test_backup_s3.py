"""The same backup of an installation whose photos are in S3: into another bucket, and onto a disk."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from core import files, settings
from core.files import store
from core.settings import Settings
from tests.deploy.test_backup import Careroom, _at, _members, careroom
from tests.journeys import photos
from tests.support.databases import settings_for
from tests.support.house import House
from tests.support.s3 import Bucket, S3Server, s3

__all__ = ["careroom"]


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    with s3() as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server.bucket()


@pytest.fixture
def clouded(house: House, bucket: Bucket) -> Settings:
    """The house's settings, with its photos in the bucket."""
    house.settings = settings.configure(house.settings.model_copy(update={"blob_url": bucket.url}))
    return house.settings


@pytest.fixture
def photo(house: House, clouded: Settings) -> UUID:
    with house.at(house.riverside):
        received = files.receive(
            io.BytesIO(photos.jpeg(1)["buffer"]), owner="photo_request", name="IMG_1.jpg"
        )
        id = received.id
    house.work()
    return id


@pytest.mark.parametrize("to", ["s3", "disk"])
def test_photos_come_back_from_a_bucket_into_another_or_onto_a_disk(
    to: str, house: House, clouded: Settings, photo: UUID, bucket: Bucket, careroom: Careroom, tmp_path: Path
) -> None:
    with house.at(house.riverside, write=False), files.open(photo, "large") as picture:
        before = picture.read()
    archive, folder = tmp_path / "careroom.tar", tmp_path / "elsewhere"
    folder.mkdir()
    made = careroom(clouded, "backup", archive)
    assert made.exit_code == 0, made.output
    assert sum(name.startswith("blobs/") for name in _members(archive)) == len(bucket.objects()) == 2

    other = bucket.server.bucket()
    where = other.url if to == "s3" else f"file://{folder}/blobs"
    elsewhere = settings_for(f"sqlite:///{folder}/careroom.db", folder, blob_url=where)
    restored = careroom(elsewhere, "restore", archive)
    assert restored.exit_code == 0, restored.output
    with _at(elsewhere, house.riverside), files.open(photo, "large") as picture:
        assert picture.read() == before
    assert len(other.objects()) == (2 if to == "s3" else 0)
    assert other.unfinished() == []


def test_a_photo_longer_than_a_part_of_an_upload_is_whole(house: House, clouded: Settings) -> None:
    content = os.urandom(20_000_000)
    name = store.new_name(house.riverside)
    store.put(name, (content[at : at + 65_536] for at in range(0, len(content), 65_536)))
    with store.get(name) as blob:
        blob.seek(0, io.SEEK_END)
        assert blob.tell() == len(content)
        blob.seek(0)
        assert b"".join(iter(lambda: blob.read(1_000_003), b"")) == content


def test_a_bucket_that_holds_something_is_restored_into_by_force_only(
    house: House, clouded: Settings, photo: UUID, careroom: Careroom, tmp_path: Path
) -> None:
    archive, folder = tmp_path / "careroom.tar", tmp_path / "elsewhere"
    folder.mkdir()
    assert careroom(clouded, "backup", archive).exit_code == 0
    same_bucket = settings_for(f"sqlite:///{folder}/careroom.db", folder, blob_url=clouded.blob_url)
    refused = careroom(same_bucket, "restore", archive)
    assert refused.exit_code == 1
    assert "blob store is not empty" in refused.output
    assert careroom(same_bucket, "restore", archive, "--force").exit_code == 0
    with _at(same_bucket, house.riverside):
        assert files.get(photo).state == "ready"


def test_a_bucket_that_is_away_leaves_no_half_archive(
    house: House, clouded: Settings, photo: UUID, careroom: Careroom, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    store._opened.cache_clear()
    made = careroom(clouded, "backup", tmp_path / "careroom.tar")
    store._opened.cache_clear()
    assert made.exit_code == 1
    assert "Traceback" not in made.output
    assert list(tmp_path.glob("careroom.tar*")) == []
