"""A plugin keeps to its own tables: in its models, in its revisions, and in what the database has in the end."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import inspect, text

from core import db
from core.db import migrate, ownership, stepping
from core.plugin_system import registry
from core.settings import Settings
from tests.support.databases import owner_url


def table(name: str, *items: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), *items)


def key(target: str, ondelete: str | None, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column("other", sa.ForeignKey(target, ondelete=ondelete), nullable=nullable)


@pytest.mark.parametrize(
    "item",
    [
        key("core_practice.id", "CASCADE", nullable=False),
        key("ab_user.id", "SET NULL"),
        key("diary_page.id", "CASCADE"),
        sa.Index("ix_diary_entry_other", "id"),
        sa.UniqueConstraint("id", name="uq_diary_entry_id"),
        sa.CheckConstraint("id > 0"),
    ],
)
def test_what_a_plugin_may_declare(item: sa.schema.SchemaItem) -> None:
    assert ownership.problems_of("diary", [table("diary_entry", item)]) == []


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (key("core_practice.id", None), "ON DELETE NO ACTION"),
        (key("core_practice.id", "RESTRICT"), "ON DELETE RESTRICT"),
        (key("core_practice.id", "SET NULL", nullable=False), "must not be"),
        (key("ab_user.id", "SET DEFAULT"), "SET DEFAULT"),
        (key("diary_page.id", None), "could block"),
        (key("billing_invoice.id", "CASCADE"), "neither the core's nor its own"),
        (sa.Index("ix_core_patient_name", "id"), "ix_core_patient_name"),
        (sa.UniqueConstraint("id", name="uq_one"), "uq_one"),
        (sa.CheckConstraint("id > 0", name="ck_core_link"), "ck_core_link"),
    ],
)
def test_what_a_plugin_may_not_declare(item: sa.schema.SchemaItem, said: str) -> None:
    (problem,) = ownership.problems_of("diary", [table("diary_entry", item)])
    assert said in problem


def test_the_longer_name_owns_the_table() -> None:
    names = ["photo", "photo_request"]
    assert ownership.owner_of("photo_request_photo", names) == "photo_request"
    assert ownership.owner_of("photo_album", names) == "photo"
    assert ownership.owner_of("photos", names) is None
    assert ownership.owner_of("ab_user", names) == "core"
    assert ownership.problems_of("photo", [table("photo_request_x")], names) == [
        "table photo_request_x has the prefix of photo_request"
    ]
    assert ownership.problems_of("photo", [table("core_x")]) == ["table core_x must begin with photo_"]


def branch(folder: Path, up: str, down: str = "pass", name: str = "diary") -> dict[str, Path]:
    """The branches there are, and one more with a single revision that does this."""
    folder.mkdir(exist_ok=True)
    lines = "\n    ".join(up.splitlines())
    (folder / f"{name}_0001.py").write_text(
        f'"""Made for a test"""\nimport sqlalchemy as sa\nfrom alembic import op\n'
        f'revision, down_revision, branch_labels, depends_on = "{name}_0001", None, ("{name}",), "core_0001"\n'
        f"def upgrade():\n    {lines}\ndef downgrade():\n    {down}\n"
    )
    return {**registry.branches(), name: folder}


@pytest.fixture
def owned(configured: Settings) -> Settings:
    db.configure(configured.model_copy(update={"migration_url": owner_url(configured.database_url)}))
    return configured


def state() -> tuple[set[str], set[str]]:
    return set(inspect(db.engine()).get_table_names()), migrate.applied()


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "up",
    [
        'op.add_column("core_patient", sa.Column("mood", sa.String(3)))',
        'op.drop_table("photo_request_photo")',
        'op.create_table("diaries", sa.Column("id", sa.Integer, primary_key=True))',
        'op.create_table("diary_entry", sa.Column("id", sa.Integer, primary_key=True))\n'
        'op.create_index("ix_entry", "diary_entry", ["id"])',
        'op.create_index("ix_diary_patient", "core_patient", ["email"])',
        'op.drop_index("ix_core_patient_name")',
        'op.execute("UPDATE core_patient SET email = NULL")',
        'op.get_bind().execute(sa.text("DELETE FROM core_audit_entry"))',
        "op.execute(\"INSERT INTO alembic_version VALUES ('core_9999')\")",
        'op.execute("/* harmless */ SELECT 1; DROP TABLE core_link")',
        'op.execute("CREATE TRIGGER diary_t AFTER INSERT ON core_patient BEGIN SELECT 1; END")',
        'op.create_table("diary_entry", sa.Column("id", sa.Integer, primary_key=True))\n'
        'op.rename_table("diary_entry", "core_entry")',
    ],
)
def test_a_revision_that_reaches_beyond_is_refused_and_nothing_is_done(
    owned: Settings, tmp_path: Path, up: str
) -> None:
    before = state()
    with pytest.raises(stepping.NotItsOwn, match="diary"):
        migrate.upgrade(branch(tmp_path / "migrations", up))
    assert state() == before


@pytest.mark.both_databases
def test_a_revision_that_keeps_to_itself_runs(owned: Settings, tmp_path: Path) -> None:
    up = """op.create_table("diary_entry", sa.Column("id", sa.Integer, primary_key=True), sa.Column("text", sa.Text))
with op.batch_alter_table("diary_entry") as batch:
    batch.alter_column("text", nullable=False, existing_type=sa.Text())
    batch.create_index("ix_diary_entry_text", ["text"])
op.execute("INSERT INTO diary_entry (id, text) SELECT 1, slug FROM core_practice LIMIT 1")
op.get_bind().execute(sa.text("SELECT count(*) FROM core_patient"))"""
    branches = branch(tmp_path / "migrations", up, 'op.drop_table("diary_entry")')
    migrate.upgrade(branches)
    assert "diary_entry" in state()[0]
    migrate.downgrade(branches, "diary@base")
    assert "diary_entry" not in state()[0]


@pytest.mark.both_databases
def test_a_key_that_could_block_a_deletion_is_refused_in_the_database(
    owned: Settings, tmp_path: Path
) -> None:
    before = state()
    up = """op.create_table("diary_entry", sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("practice_id", sa.Uuid, sa.ForeignKey("core_practice.id")))"""
    with pytest.raises(migrate.BlockingKey, match="diary_entry -> core_practice: ON DELETE NO ACTION"):
        migrate.upgrade(branch(tmp_path / "migrations", up))
    assert state() == before


@pytest.mark.both_databases
def test_no_table_that_is_installed_blocks_deleting_a_core_row(configured: Settings) -> None:
    with db.engine().connect() as connection:
        assert ownership.blocking_keys(connection) == []
        assert connection.execute(text("SELECT 1")).scalar() == 1


@pytest.mark.both_databases
def test_a_plugins_way_down_is_looked_at_as_well(owned: Settings, tmp_path: Path) -> None:
    create = 'op.create_table("diary_entry", sa.Column("id", sa.Integer, primary_key=True))'
    branches = branch(tmp_path / "migrations", create, 'op.drop_table("core_inbox_read")')
    migrate.upgrade(branches)
    before = state()
    with pytest.raises(stepping.NotItsOwn, match="core_inbox_read"):
        migrate.downgrade(branches, "diary@base")
    assert state() == before
