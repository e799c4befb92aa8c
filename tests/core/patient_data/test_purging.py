"""A plugin's data goes for good: exported, noted in a tombstone, then rows, bytes and, everywhere, tables."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import inspect, select, text, update

from core import audit, db, tenancy
from core.cli import main
from core.db import migrate
from core.files import store
from core.links.models import Link
from core.notifications.models import InboxItem, Notification
from core.patient_data import PluginTombstone, purging
from core.patients import get
from core.plugin_system import activation, plugin_settings, registry
from core.testing.databases import KEYS
from plugins.photo_request.models import Photo, Request
from tests.core.db.test_ownership import branch
from tests.core.patient_data.conftest import unzip
from tests.support.databases import as_owner, owner_url
from tests.support.house import House
from tests.support.photos import a_request_with_photos

pytestmark = pytest.mark.both_databases
Run = Callable[..., Result]


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command of careroom on this house."""
    chosen = house.settings
    known = {
        "database_url": chosen.database_url,
        "data_dir": str(chosen.data_dir),
        "environment": "test",
        **KEYS,
    }
    for name, value in {**known, "migration_url": owner_url(chosen.database_url)}.items():
        monkeypatch.setenv(f"CAREROOM_{name.upper()}", value)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def both(house: House) -> None:
    """Photos in both practices."""
    for practice_id in (house.riverside, house.lumiere):
        a_request_with_photos(house, practice_id)


def blobs_of(house: House) -> tuple[int, int]:
    names = [name for name, _at in store.listing()]
    return tuple(sum(n.startswith(p.hex) for n in names) for p in (house.riverside, house.lumiere))  # type: ignore[return-value]


def rows(house: House, model: Any, practice_id: Any) -> int:
    with house.at(practice_id, write=False) as session:
        return len(session.scalars(select(model)).all())


def test_one_practice_loses_it_and_the_other_keeps_it(house: House, run: Run, tmp_path: Path) -> None:
    both(house)
    with house.at(house.riverside):
        plugin_settings.save(registry.get("photo_request"), {"max_photos": 3})
    dry = run("plugin", "purge", "photo_request", "--practice", "riverside", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "photo_request_photo" in dry.output
    assert blobs_of(house) == (4, 4)

    done = run("plugin", "purge", "photo_request", "--practice", "riverside", "--to", tmp_path, "--yes")
    assert done.exit_code == 0, done.output
    assert [rows(house, model, house.riverside) for model in (Request, Photo, Link, InboxItem)] == [
        0,
        0,
        0,
        0,
    ]
    assert rows(house, Photo, house.lumiere) == 2
    assert blobs_of(house) == (0, 4)
    assert rows(house, Notification, house.riverside) > 0  # what was written to patients stays

    (archive,) = tmp_path.glob("riverside-photo_request-*.zip")
    found = unzip(archive.read_bytes())
    photos = [
        json.loads(line) for line in found.text("photo_request/tables/photo_request_photo.jsonl").splitlines()
    ]
    assert len(photos) == 2
    for photo in photos:
        name = photo["file_id"].replace("-", "")
        (picture,) = [n for n in found.members if n.endswith(".jpg") and n.replace("-", "").find(name) >= 0]
        assert found.members[picture].startswith(b"\xff\xd8")

    with house.at(house.riverside, write=False):
        (tombstone,) = purging.tombstones("photo_request")
        assert (tombstone.state, tombstone.removed_by, tombstone.version) == ("done", "careroom", "1.0.0")
        assert tombstone.counts["photo_request_photo"] == 2
        assert tombstone.counts["files"] == 2
        assert tombstone.export_sha256 == hashlib.sha256(archive.read_bytes()).hexdigest()
        assert not activation.state("photo_request").on
    assert audit.verify(house.riverside).intact
    with house.at(house.riverside):
        activation.enable("photo_request")  # afresh
        assert plugin_settings.of("photo_request").max_photos == 10  # type: ignore[attr-defined]


def test_one_that_was_broken_off_keeps_the_plugin_off_until_it_is_done(
    house: House, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both(house)

    def full(*_what: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(purging, "remove", full)
        broken = run("plugin", "purge", "photo_request", "--practice", "riverside", "--to", tmp_path, "--yes")
    assert broken.exit_code == 1
    with house.at(house.riverside), pytest.raises(activation.CannotSwitch):
        activation.enable("photo_request")
    assert rows(house, Photo, house.riverside) == 2
    with house.at(house.riverside) as session:  # exports have a second in their names
        session.execute(update(PluginTombstone).values(export_name="earlier.zip"))
    for earlier in tmp_path.glob("*.zip"):
        earlier.rename(tmp_path / "earlier")
    done = run("plugin", "purge", "photo_request", "--practice", "riverside", "--to", tmp_path, "--yes")
    assert done.exit_code == 0, done.output
    assert rows(house, Photo, house.riverside) == 0
    with house.at(house.riverside):
        assert {one.state for one in purging.tombstones("photo_request")} == {"done"}
        activation.enable("photo_request")


def test_everywhere_takes_the_tables_along_by_its_own_revisions(
    house: House, run: Run, tmp_path: Path
) -> None:
    both(house)
    done = run("plugin", "purge", "photo_request", "--everywhere", "--to", tmp_path, "--yes")
    assert done.exit_code == 0, done.output
    assert blobs_of(house) == (0, 0)
    assert len(list(tmp_path.glob("*.zip"))) == 2
    with as_owner() as connection:
        assert not [t for t in inspect(connection).get_table_names() if t.startswith("photo_request_")]
    assert not any(revision.startswith("photo_request") for revision in migrate.applied())
    again = run("migrate")
    assert again.exit_code == 0, again.output
    with as_owner() as connection:
        assert inspect(connection).has_table("photo_request_photo")


DIARY = """op.create_table("diary_entry",
    sa.Column("practice_id", sa.Uuid, sa.ForeignKey("core_practice.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True), sa.Column("words", sa.Text))
op.create_table("diary_line",
    sa.Column("practice_id", sa.Uuid, primary_key=True), sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("entry_id", sa.Uuid),
    sa.ForeignKeyConstraint(["practice_id", "entry_id"], ["diary_entry.practice_id", "diary_entry.id"],
        ondelete="CASCADE"))
op.create_table("diary_kind", sa.Column("id", sa.Integer, primary_key=True))"""


def test_one_that_is_not_installed_any_more_is_found_by_its_tables(
    house: House, run: Run, tmp_path: Path
) -> None:
    db.configure(house.settings.model_copy(update={"migration_url": owner_url(house.settings.database_url)}))
    migrate.upgrade(branch(tmp_path / "migrations", DIARY))
    practice = house.riverside.hex
    with as_owner() as connection:
        for statement in (
            f"INSERT INTO diary_entry VALUES ('{practice}', '{'1' * 32}', 'dear diary')",
            f"INSERT INTO diary_line VALUES ('{practice}', '{'2' * 32}', '{'1' * 32}')",
        ):
            connection.execute(text(statement))
        if connection.dialect.name == "postgresql":
            connection.execute(text("GRANT SELECT, DELETE ON diary_entry, diary_line TO careroom_app"))
    dry = run("plugin", "purge", "diary", "--everywhere", "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "Tables: diary_entry, diary_kind, diary_line" in dry.output
    done = run("plugin", "purge", "diary", "--everywhere", "--to", tmp_path / "out", "--yes")
    assert done.exit_code == 0, done.output
    (archive,) = (tmp_path / "out").glob("*.zip")
    with zipfile.ZipFile(archive) as zipped:
        (line,) = zipped.read("diary/tables/diary_entry.jsonl").splitlines()
    assert json.loads(line)["words"] == "dear diary"
    with as_owner() as connection:
        assert not [t for t in inspect(connection).get_table_names() if t.startswith("diary")]
        assert inspect(connection).has_table("photo_request_photo")
    assert "diary_0001" not in migrate.applied()
    assert run("migrate", "--plan").output.count("diary") == 0
    unknown = run("plugin", "purge", "diary", "--everywhere", "--dry-run")
    assert unknown.exit_code == 1
    assert "No plugin is called diary" in unknown.output


def test_nothing_goes_unasked(house: House, run: Run, tmp_path: Path) -> None:
    both(house)
    assert run("plugin", "purge", "photo_request").exit_code == 2
    assert run("plugin", "purge", "photo_request", "--everywhere").exit_code == 2  # where to?
    assert run("plugin", "purge", "core", "--everywhere", "--dry-run").exit_code == 1
    declined = CliRunner().invoke(
        main,
        ["plugin", "purge", "photo_request", "--practice", "riverside", "--to", str(tmp_path)],
        input="no\n",
    )
    assert declined.exit_code == 1
    assert rows(house, Photo, house.riverside) == 2


def test_a_whole_practice_is_exported_and_erased(house: House, run: Run, tmp_path: Path) -> None:
    both(house)
    shown = run("practice", "erase", "riverside")
    assert "Nothing was changed" in shown.output
    assert run("practice", "erase", "riverside", "--confirm", "lumiere", "--without-export").exit_code == 1
    assert run("practice", "erase", "riverside", "--confirm", "riverside").exit_code == 1
    assert rows(house, Photo, house.riverside) == 2

    done = run("practice", "erase", "riverside", "--export-to", tmp_path, "--confirm", "riverside")
    assert done.exit_code == 0, done.output
    (archive,) = tmp_path.glob("riverside-everything-*.zip")
    found = unzip(archive.read_bytes())
    assert len(found.text("core/tables/core_patient.jsonl").splitlines()) == 7
    assert len([name for name in found.members if name.endswith(".jpg")]) == 2
    assert found.manifest["missing"] == []

    assert blobs_of(house) == (0, 4)
    with db.scope(write=False) as session:
        practice = session.scalars(select(tenancy.Practice).where(tenancy.Practice.slug == "riverside")).one()
        assert (practice.status, practice.email, practice.phone) == ("erased", None, None)
        assert tenancy.all_practice_ids() == [house.lumiere]
    assert rows(house, Photo, house.lumiere) == 2
    with as_owner() as connection:
        left = {
            table: connection.scalar(
                text(f"SELECT count(*) FROM {table} WHERE practice_id = :id"),
                {"id": house.riverside.hex if connection.dialect.name == "sqlite" else house.riverside},
            )
            for table in inspect(connection).get_table_names()
            if any(column["name"] == "practice_id" for column in inspect(connection).get_columns(table))
        }
    kept = {table for table, count in left.items() if count}
    assert kept <= {"core_audit_entry", "core_audit_head", "core_event_head"}
    assert audit.verify(house.riverside).intact


def test_a_patient_by_hand(house: House, run: Run, tmp_path: Path) -> None:
    ids = a_request_with_photos(house, house.riverside)
    target = tmp_path / "one.zip"
    done = run("patient", "export", "riverside", ids["patient_id"], "--to", target)
    assert done.exit_code == 0, done.output
    assert "photo_request/requests.json" in unzip(target.read_bytes()).members
    assert hashlib.sha256(target.read_bytes()).hexdigest() in done.output
    with house.at(house.riverside, write=False):
        name = get(ids["patient_id"]).display_name
    shown = run("patient", "erase", "riverside", ids["patient_id"])
    assert "Photos" in shown.output
    assert run("patient", "erase", "riverside", ids["patient_id"], "--confirm", "X Y").exit_code == 1
    assert rows(house, Photo, house.riverside) == 2
    gone = run("patient", "erase", "riverside", ids["patient_id"], "--confirm", name)
    assert gone.exit_code == 0, gone.output
    assert rows(house, Photo, house.riverside) == 0
    assert blobs_of(house)[0] == 0
