"""A backup of a house with photos, restored into an empty place: rows, photos and the trail are what they were."""

from __future__ import annotations

import base64
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from pydantic import SecretStr

from core import audit, backup, cli, db, files, settings
from core.files import store
from core.plugin_system import wiring
from core.settings import Settings
from tests.journeys import photos
from tests.support.databases import PostgresTemplate, owner_url, settings_for
from tests.support.house import House
from tests.support.running import environment_of

Careroom = Callable[..., Result]


@pytest.fixture
def careroom(monkeypatch: pytest.MonkeyPatch) -> Iterator[Careroom]:
    """``careroom(chosen, "backup", ...)``: the command line with these settings."""

    def run(chosen: Settings, *arguments: str | Path) -> Result:
        for name in [name for name in os.environ if name.startswith("CAREROOM_")]:
            monkeypatch.delenv(name)
        for name, value in environment_of(chosen).items():
            if name.startswith("CAREROOM_"):
                monkeypatch.setenv(name, value)
        return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])

    yield run
    db.dispose()


@pytest.fixture
def owned(house: House) -> Settings:
    """The house's settings as an administrator has them: with the tables' owner."""
    return house.settings.model_copy(update={"migration_url": owner_url(house.settings.database_url)})


@pytest.fixture
def photo(house: House) -> UUID:
    """A photo in Riverside's record, turned by the worker."""
    patient_id = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside):
        received = files.receive(
            io.BytesIO(photos.jpeg(1)["buffer"]),
            owner="photo_request",
            name="IMG_1.jpg",
            patient_id=patient_id,
        )
        audit.record("patient.viewed", patient_id=patient_id)
        id = received.id
    house.work()
    return id


@pytest.fixture
def elsewhere(
    database_kind: str, request: pytest.FixtureRequest, tmp_path: Path, house: House
) -> Iterator[Settings]:
    """Another machine: an empty database, an empty blob store, the same keys."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    if database_kind == "sqlite":
        yield settings_for(f"sqlite:///{folder}/careroom.db", folder)
        return
    template: PostgresTemplate = request.getfixturevalue("seeded_postgres_template")
    with template.empty() as url:
        yield settings_for(url, folder, migration_url=owner_url(url))


@contextmanager
def _at(chosen: Settings, practice_id: UUID) -> Iterator[None]:
    settings.configure(chosen)
    files.keys.forget()
    db.configure(chosen)
    wiring.start(chosen)
    try:
        with db.scope(practice_id, write=False):
            yield
    finally:
        db.dispose()


def _members(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


@pytest.mark.both_databases
def test_restored_elsewhere_the_photo_the_rows_and_the_trail_are_whole(
    house: House, photo: UUID, owned: Settings, elsewhere: Settings, careroom: Careroom, tmp_path: Path
) -> None:
    with house.at(house.riverside, write=False), files.open(photo, "large") as picture:
        before = picture.read()
    archive = tmp_path / "careroom.tar"
    made = careroom(owned, "backup", archive)
    assert made.exit_code == 0, made.output
    assert archive.stat().st_mode & 0o777 == 0o600
    assert (
        sum(name.startswith("blobs/") for name in _members(archive)) == 2
    )  # large and thumb: the original is gone
    assert "Restored." not in careroom(owned, "restore", archive, "--check").output

    restored = careroom(elsewhere, "restore", archive)
    assert restored.exit_code == 0, restored.output
    with _at(elsewhere, house.riverside), files.open(photo, "large") as picture:
        assert picture.read() == before
    with db_of(elsewhere), db.scope(house.riverside, write=False):
        assert audit.verify(house.riverside).intact
        assert any(entry.action == "patient.viewed" for entry in audit.history(limit=20))
    verified = careroom(elsewhere, "audit", "verify", "riverside")
    assert verified.exit_code == 0, verified.output
    protected = careroom(elsewhere, "database", "check")
    assert protected.exit_code == 0, protected.output
    assert careroom(elsewhere, "practice", "list").output.count("\n") == 2


@contextmanager
def db_of(chosen: Settings) -> Iterator[None]:
    settings.configure(chosen)
    db.configure(chosen)
    try:
        yield
    finally:
        db.dispose()


@pytest.mark.both_databases
def test_what_holds_something_is_replaced_by_force_only(
    house: House, photo: UUID, owned: Settings, careroom: Careroom, tmp_path: Path
) -> None:
    archive = tmp_path / "careroom.tar"
    assert careroom(owned, "backup", archive).exit_code == 0
    with db_of(owned), house.at(house.riverside):
        audit.record("patient.viewed", detail={"after": "the backup"})
    refused = careroom(owned, "restore", archive)
    assert refused.exit_code == 1
    assert "not empty" in refused.output
    assert careroom(owned, "restore", archive, "--force").exit_code == 0
    with _at(owned, house.riverside):
        assert not any(entry.detail == {"after": "the backup"} for entry in audit.history(limit=50))
        assert files.get(photo).state == "ready"


def test_no_key_is_in_it(house: House, owned: Settings, careroom: Careroom, tmp_path: Path) -> None:
    # The usual master key of tests is all zeros, like much of a tar.
    owned = owned.model_copy(update={"master_key": SecretStr(settings.new_master_key())})
    settings.configure(owned)
    with house.at(house.riverside):
        files.receive(io.BytesIO(photos.jpeg(1)["buffer"]), owner="photo_request", name="IMG_1.jpg")
    assert careroom(owned, "backup", tmp_path / "careroom.tar").exit_code == 0
    content = (tmp_path / "careroom.tar").read_bytes()
    key = owned.master_key_bytes
    for secret in (
        key, key.hex().encode(), base64.b64encode(key), base64.urlsafe_b64encode(key)[:-1],
        owned.master_key.get_secret_value().encode(), owned.secret_key.get_secret_value().encode(),
    ):  # fmt: skip
        assert secret not in content


def _changed(archive: Path, target: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """A copy of an archive, each member of which went through ``change``; None leaves it out."""
    with tarfile.open(archive) as source, tarfile.open(target, "w") as made:
        for entry in source:
            file = source.extractfile(entry)
            assert file is not None
            content = change(entry.name, file.read())
            if content is not None:
                entry.size = len(content)
                made.addfile(entry, io.BytesIO(content))
    return target


def _flip(content: bytes) -> bytes:
    return content[:50] + bytes([content[50] ^ 1]) + content[51:]


def _with(manifest: bytes, **fields: object) -> bytes:
    return json.dumps({**json.loads(manifest), **fields}).encode()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda name, content: _flip(content) if name.startswith("blobs/") else content, "not what the manifest says"),
        (lambda name, content: _flip(content) if name == "database" else content, "not what the manifest says"),
        (lambda name, content: None if name.startswith("blobs/") else content, "not what the manifest says"),
        (lambda name, content: None if name == "manifest.json" else content, "no manifest"),
        (lambda name, content: _with(content, format=99) if name == "manifest.json" else content, "format 99"),
        (lambda name, content: _with(content, heads=["core_9999"]) if name == "manifest.json" else content, "newer"),
        (lambda name, content: _with(content, database="oracle") if name == "manifest.json" else content, "of oracle"),
        (lambda name, content: _with(content, master_keys=["0"]) if name == "manifest.json" else content, "MASTER_KEY"),
    ],
    ids=["blob", "database", "left out", "cut off", "format", "newer", "kind", "other key"],
)  # fmt: skip
def test_what_is_damaged_newer_or_of_another_kind_is_refused_and_nothing_is_written(
    change: Callable[[str, bytes], bytes | None], said: str,
    house: House, photo: UUID, owned: Settings, elsewhere: Settings, careroom: Careroom, tmp_path: Path,
) -> None:  # fmt: skip
    archive = tmp_path / "careroom.tar"
    assert careroom(owned, "backup", archive).exit_code == 0
    answer = careroom(elsewhere, "restore", _changed(archive, tmp_path / "changed.tar", change))
    assert answer.exit_code == 1
    assert said in answer.output
    assert not list(elsewhere.data_dir.rglob("blobs/*"))
    assert not (elsewhere.data_dir / "careroom.db").exists()


@pytest.mark.parametrize("name", ["../outside", "blobs/../../outside", "/etc/passwd", "blobs/x"])
def test_a_foreign_archive_writes_nowhere(
    name: str, elsewhere: Settings, careroom: Careroom, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "foreign.tar", "w") as made:
        entry = tarfile.TarInfo(name)
        made.addfile(entry, io.BytesIO())
    answer = careroom(elsewhere, "restore", tmp_path / "foreign.tar", "--force")
    assert answer.exit_code == 1
    assert "no backup of Careroom" in answer.output


def test_a_blob_that_goes_while_we_copy_asks_for_another_copy(
    house: House, photo: UUID, owned: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The worker removes an original between the copy of the database and that of the files."""
    with house.at(house.riverside):
        second = files.receive(
            io.BytesIO(photos.jpeg(2)["buffer"]), owner="photo_request", name="IMG_2.jpg"
        ).id
    copy = backup.copies.save
    times = []

    def copy_and_go_on(*arguments: object) -> backup.copies.Copy:
        made = copy(*arguments)  # type: ignore[arg-type]
        if not times:
            house.work()
        times.append(made)
        return made

    monkeypatch.setattr(backup.copies, "save", copy_and_go_on)
    manifest = backup.save(tmp_path / "careroom.tar", owned)
    assert len(times) == 2
    assert manifest.missing == []
    with house.at(house.riverside, write=False):
        assert files.get(second).state == "ready"
        named = {files.rendition(id, size).blob for id in (photo, second) for size in ("large", "thumb")}
    assert {name.removeprefix("blobs/") for name in manifest.members} >= named


def test_a_blob_that_was_lost_before_is_said_and_the_rest_is_saved(
    house: House, photo: UUID, owned: Settings, careroom: Careroom, tmp_path: Path
) -> None:
    with house.at(house.riverside, write=False):
        lost = files.rendition(photo, "thumb").blob
    store.delete(lost)
    answer = careroom(owned, "backup", tmp_path / "careroom.tar")
    assert answer.exit_code == 1
    assert lost in answer.output
    assert sum(name.startswith("blobs/") for name in _members(tmp_path / "careroom.tar")) == 1


@pytest.mark.postgresql
def test_a_role_that_does_not_see_every_row_makes_no_backup(
    house: House, careroom: Careroom, tmp_path: Path
) -> None:
    """Row-level security would hide the rows without a word, and the archive would be empty."""
    answer = careroom(house.settings, "backup", tmp_path / "careroom.tar")
    assert answer.exit_code == 1
    assert "CAREROOM_MIGRATION_URL" in answer.output
    assert list(tmp_path.glob("careroom.tar*")) == []


def test_an_archive_that_is_there_is_not_written_over(
    owned: Settings, careroom: Careroom, tmp_path: Path
) -> None:
    (tmp_path / "careroom.tar").write_text("yesterday's")
    assert "there already" in careroom(owned, "backup", tmp_path / "careroom.tar").output
    assert (tmp_path / "careroom.tar").read_text() == "yesterday's"
