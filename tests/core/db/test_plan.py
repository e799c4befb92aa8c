"""`careroom migrate --plan` says what would be done, and does nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import inspect, text

from core import db
from core.cli import main
from core.db import migrate, plan, statements
from core.plugin_system import registry
from core.testing.databases import KEYS
from tests.core.db.test_ownership import branch, state
from tests.support.databases import as_owner, owner_url
from tests.support.house import House
from tests.support.photos import a_request_with_photos

pytestmark = pytest.mark.both_databases


@pytest.fixture
def owned(house: House) -> House:
    url = house.settings.database_url
    db.configure(house.settings.model_copy(update={"migration_url": owner_url(url)}))
    return house


def whole() -> dict[str, Any]:
    """The schema and every row of it."""
    with as_owner() as connection:
        looked = inspect(connection)
        return {
            table: (
                sorted(str(column) for column in looked.get_columns(table)),
                sorted(map(_said, connection.execute(text(f"SELECT * FROM {table}")))),
            )
            for table in looked.get_table_names()
        }


def _said(row: Any) -> str:
    return repr([bytes(value) if isinstance(value, memoryview) else value for value in row])


def on_postgresql() -> bool:
    return db.engine().dialect.name == "postgresql"


def test_going_back_says_which_rows_go_and_who_waits(owned: House) -> None:
    a_request_with_photos(owned, owned.riverside)
    before = whole()
    made = plan.make(registry.branches(), "down", "photo_request@base")
    assert whole() == before
    (step,) = made.steps
    assert (step.branch, step.revision) == ("photo_request", "photo_request_0001")
    dropped = next(one for one in step.statements if "DROP TABLE photo_request_request" in one.sql)
    assert dropped.rows["photo_request_request"] == 1
    photos = next(one for one in step.statements if "DROP TABLE photo_request_photo" in one.sql)
    assert photos.rows["photo_request_photo"] == 2
    if on_postgresql():
        locks = {lock.table: lock.mode for lock in dropped.locks}
        assert locks["core_patient"] == locks["core_practice"] == statements.ACCESS_EXCLUSIVE
        assert dropped.rows["core_patient"] == 7 + 5


def test_going_up_says_each_statement_by_branch_and_revision(owned: House) -> None:
    migrate.downgrade(registry.branches(), "photo_request@base")
    before = whole()
    made = plan.make(registry.branches())
    assert whole() == before
    (step,) = made.steps
    assert (step.branch, step.revision, step.message) == (
        "photo_request",
        "photo_request_0001",
        "Photo requests",
    )
    created = next(one for one in step.statements if "CREATE TABLE photo_request_request" in one.sql)
    if on_postgresql():
        assert {(lock.table, lock.mode) for lock in created.locks} == {
            ("core_patient", statements.SHARE_ROW_EXCLUSIVE),
            ("core_practice", statements.SHARE_ROW_EXCLUSIVE),
        }
    assert made.broken == {}
    migrate.upgrade(registry.branches())
    assert plan.make(registry.branches()).steps == ()


DIARY = """op.create_table("diary_entry", sa.Column("id", sa.Integer, primary_key=True), sa.Column("day", sa.Integer),
    sa.Column("patient", sa.Integer))
op.create_table("diary_person", sa.Column("id", sa.Integer, primary_key=True))"""
STRICTER = """with op.batch_alter_table("diary_entry") as batch:
    batch.alter_column("day", nullable=False, existing_type=sa.Integer())
    batch.create_unique_constraint("uq_diary_entry_day", ["day"])
    batch.create_foreign_key("fk_diary_entry_patient", "diary_person", ["patient"], ["id"], ondelete="CASCADE")"""


def test_rows_in_the_way_are_counted_before_it_fails(owned: House, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    branches = branch(folder, DIARY, 'op.drop_table("diary_entry"); op.drop_table("diary_person")')
    migrate.upgrade(branches)
    with as_owner() as connection:
        connection.execute(text("INSERT INTO diary_person VALUES (1)"))
        for values in ("(1, 1, 1)", "(2, 1, 1)", "(3, NULL, 1)", "(4, NULL, 9)", "(5, 5, NULL)"):
            connection.execute(text(f"INSERT INTO diary_entry VALUES {values}"))
    lines = "\n    ".join(STRICTER.splitlines())
    (folder / "diary_0002.py").write_text(
        '"""Stricter"""\nimport sqlalchemy as sa\nfrom alembic import op\n'
        'revision, down_revision, branch_labels, depends_on = "diary_0002", "diary_0001", None, None\n'
        f"def upgrade():\n    {lines}\ndef downgrade():\n    pass\n"
    )
    before = whole()
    made = plan.make(branches)
    assert whole() == before
    assert {str(rule): count for rule, count in made.broken.items()} == {
        "NOT NULL diary_entry(day)": 2,
        "UNIQUE diary_entry(day)": 2,
        "FOREIGN KEY diary_entry(patient) -> diary_person(id)": 1,
    }
    if on_postgresql():
        scanned = [one for step in made.steps for one in step.statements if one.scans == "diary_entry"]
        assert len(scanned) == 3
        assert all(one.rows["diary_entry"] == 5 for one in scanned)


def test_what_uninstalled_plugins_left_is_found(owned: House, tmp_path: Path) -> None:
    branches = branch(tmp_path / "migrations", DIARY)
    migrate.upgrade(branches)
    with as_owner() as connection:
        connection.execute(text("INSERT INTO diary_person VALUES (1)"))
    made = plan.make(registry.branches())  # the diary is not among them
    assert made.orphans == {"diary_entry": 0, "diary_person": 1}
    assert made.unknown == ("diary_0001",)


def test_the_command_prints_it_and_changes_nothing(owned: House, monkeypatch: pytest.MonkeyPatch) -> None:
    a_request_with_photos(owned, owned.riverside)
    chosen = owned.settings
    known = {
        "database_url": chosen.database_url,
        "data_dir": str(chosen.data_dir),
        "environment": "test",
        **KEYS,
    }
    for name, value in known.items():
        monkeypatch.setenv(f"CAREROOM_{name.upper()}", value)
    monkeypatch.setenv("CAREROOM_MIGRATION_URL", owner_url(chosen.database_url))
    before = state()
    done = CliRunner().invoke(main, ["migrate", "--plan", "--down", "photo_request@base"])
    assert done.exit_code == 0, done.output
    assert "-- photo_request: photo_request_0001  Photo requests" in done.output
    assert "DROP TABLE photo_request_photo;" in done.output
    assert ("lock   ACCESS EXCLUSIVE on core_patient (12 rows)" in done.output) == on_postgresql()
    up_to_date = CliRunner().invoke(main, ["migrate", "--plan"])
    assert "Nothing to do." in up_to_date.output
    wrong = CliRunner().invoke(main, ["migrate", "--plan", "--down", "nothing@base"])
    assert wrong.exit_code == 1
    assert state() == before
