"""A disk that is really full: said in a sentence, nothing half-written, and all goes on when there is room again."""

from __future__ import annotations

import io
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import select

from core import audit, db, files, jobs, settings
from core.app import create_app
from core.files import integrity
from core.files.models import File, Upload
from core.plugin_system import wiring
from tests.core.files import pictures_of
from tests.plugins.photo_request.conftest import Phone, ask
from tests.support import house as houses
from tests.support.databases import SqliteTemplate, settings_for
from tests.support.house import House, Visitor

MEGABYTES = 24


class SmallDisk:
    """A file system of its own with little room; ``fill`` takes what is left but for some bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self, but: int = 0) -> None:
        with self._filler.open("ab") as filler:
            for size in (1 << 16, 1 << 12):
                while os.statvfs(self.path).f_bavail * 4096 >= but + size:
                    filler.write(b"\0" * size)
                    filler.flush()

    def free(self) -> None:
        self._filler.unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "careroom-test", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs the rights of an administrator")
    yield SmallDisk(folder)
    db.dispose()
    subprocess.run(["umount", str(folder)], check=True)


def house_at(database_url: str, folder: Path, **changes: object) -> tuple[House, Flask]:
    chosen = settings.configure(settings_for(database_url, folder, rate_limits=False, **changes))
    db.configure(chosen)
    wiring.start(chosen)
    return houses.make(chosen), create_app(chosen)


@pytest.fixture
def blobs_on_it(
    disk: SmallDisk, seeded_sqlite_template: SqliteTemplate, tmp_path: Path
) -> Iterator[tuple[House, Flask]]:
    """The files are on the small disk, the database is not."""
    with seeded_sqlite_template.copy(tmp_path) as url:
        yield house_at(url, tmp_path, blob_url=f"file://{disk.path}/blobs")
        db.dispose()
        audit.clear_context()


@pytest.fixture
def database_on_it(
    disk: SmallDisk, seeded_sqlite_template: SqliteTemplate, tmp_path: Path
) -> Iterator[tuple[House, Flask]]:
    """The database is on the small disk, the files are not."""
    with seeded_sqlite_template.copy(disk.path) as url:
        yield house_at(url, tmp_path)
        db.dispose()
        audit.clear_context()


def phone_of(house: House, app: Flask, slug: str = "riverside", family_name: str = "Whitfield") -> Phone:
    practice_id = {"riverside": house.riverside, "lumiere": house.lumiere}[slug]
    sent = ask(house, practice_id, family_name)
    visitor = Visitor(app, app.test_client())
    day, month, year = sent.born
    answer = visitor.post(sent.path, {"day": day, "month": month, "year": year})
    assert answer.status_code == 303
    return Phone(visitor, answer.headers["Location"].split("?")[0].rstrip("/"))


def stored(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file() and path.name != "filler")


def states(practice_id: UUID) -> list[str]:
    with db.scope(practice_id, write=False) as session:
        return list(session.scalars(select(File.state).order_by(File.id)))


@pytest.fixture
def photo() -> bytes:
    return pictures_of.jpeg(pictures_of.scene(900, 700))


def test_a_photo_that_finds_no_room_is_said_and_goes_on_later(
    disk: SmallDisk, blobs_on_it: tuple[House, Flask], photo: bytes
) -> None:
    house, app = blobs_on_it
    phone, id = phone_of(house, app), uuid4()
    assert phone.agree((id, photo)).status_code == 200
    assert phone.begin(id, len(photo)).status_code == 201
    assert phone.part(id, 0, photo[:30_000]).status_code == 204
    before = stored(disk.path)
    disk.fill()
    for part in (photo[30_000:60_000], photo[30_000:]):  # in the middle, and what would be the last
        answer = phone.part(id, 30_000, part)
        assert (answer.status_code, answer.get_json()["error"]) == (503, "unavailable")
        assert (
            answer.get_json()["message"]
            == "Photos cannot be stored at the moment. Please try again in a few minutes."
        )
        assert stored(disk.path) == before
    disk.free()
    assert phone.part(id, 30_000, photo[30_000:]).status_code == 204
    house.work()
    assert states(house.riverside) == ["ready"]
    assert list(integrity.check(house.riverside)) == []
    assert files.sweep_orphans(older_than=timedelta(0)) == 0


def test_the_sentence_is_in_the_patients_language_and_also_without_scripts(
    disk: SmallDisk, blobs_on_it: tuple[House, Flask], photo: bytes
) -> None:
    house, app = blobs_on_it
    phone = phone_of(house, app, "lumiere", "Benali")
    disk.fill()
    form = {"agreed": "yes", "photos": (io.BytesIO(photo), "photo.jpg")}
    answer = phone.visitor.post(f"{phone.place}/photos", form, content_type="multipart/form-data")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503
    with_french = [word for word in ("réessayer", "enregistr") if word in page]
    assert with_french, page
    assert stored(disk.path / "blobs") == []
    assert states(house.lumiere) == []


def test_the_worker_waits_for_room_and_then_finishes(
    disk: SmallDisk, blobs_on_it: tuple[House, Flask], photo: bytes
) -> None:
    house, app = blobs_on_it
    assert phone_of(house, app).send(photo).status_code == 204
    before = stored(disk.path)
    disk.fill()
    house.work()
    assert states(house.riverside) == ["received"]
    assert stored(disk.path) == before
    disk.free()
    with db.scope(house.riverside) as session:
        (job,) = session.scalars(select(jobs.JobRow).where(jobs.JobRow.kind == files.RENDER))
        assert (job.state, job.last_error, job.attempts) == ("queued", None, 0)
        job.due_at = db.utcnow()
    house.work()
    assert states(house.riverside) == ["ready"]
    assert len(stored(disk.path)) == 2


def test_a_database_that_finds_no_room_is_said_and_goes_on_later(
    disk: SmallDisk, database_on_it: tuple[House, Flask], photo: bytes, tmp_path: Path
) -> None:
    house, app = database_on_it
    phone, id = phone_of(house, app), uuid4()
    assert phone.agree((id, photo)).status_code == 200
    assert phone.begin(id, len(photo)).status_code == 201
    with closing(sqlite3.connect(disk.path / "careroom.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # no page of its log is left to write into
    disk.fill()
    refusals = 0
    for _ in range(400):  # SQLite may have some pages left
        answer = phone.part(id, _offset(house, id), photo[_offset(house, id) :][:100])
        if answer.status_code == 503:
            refusals += 1
            break
        assert answer.status_code == 204
    assert refusals, "the disk was not full"
    assert answer.get_json()["error"] == "unavailable"
    assert "try again" in answer.get_json()["message"]
    reached = _offset(house, id)
    parts = stored(tmp_path / "blobs")
    last = phone.part(id, reached, photo[reached:])
    assert last.status_code == 503
    assert stored(tmp_path / "blobs") == parts, "bytes without a row"
    page = phone.json("agree", {"agreed": True, "photos": [{"id": str(uuid4()), "size": 9, "comment": ""}]})
    assert page.status_code == 503
    assert "Nothing can be stored at the moment" in page.get_json()["error"]["message"]
    disk.free()
    assert phone.part(id, reached, photo[reached:]).status_code == 204
    house.work()
    assert states(house.riverside) == ["ready"]
    assert list(integrity.check(house.riverside)) == []
    assert files.sweep_orphans(older_than=timedelta(0)) == 0


def _offset(house: House, id: UUID) -> int:
    with db.scope(house.riverside, write=False):
        found = db.get(Upload, id)
        assert found is not None
        return found.received
