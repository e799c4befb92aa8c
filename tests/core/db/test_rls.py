"""PostgreSQL holds practices apart by itself: policies on every table, and a role that they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from pydantic import SecretStr
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import ProgrammingError

from core import cli, db, plugin_system
from core.db import TenantModel, migrate, rls, roles
from core.settings import Settings
from tests.support.databases import APPLICATION, OWNER, as_owner, owner_url
from tests.support.house import House

pytestmark = pytest.mark.postgresql

ACROSS = f"{APPLICATION}_across"


@pytest.fixture
def raw(house: House) -> Iterator[Connection]:
    """The application's role on a connection that no scope has: as an intruder with our password has it."""
    engine = create_engine(house.settings.database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@contextmanager
def as_superuser(server: str) -> Iterator[Connection]:
    engine = create_engine(server)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def patients(connection: Connection) -> int:
    return connection.execute(text("SELECT count(*) FROM core_patient")).scalar_one()


def set_practice(connection: Connection, practice_id: object) -> None:
    connection.execute(text("SELECT set_config('careroom.practice_id', :id, true)"), {"id": str(practice_id)})


def test_every_tenant_table_of_core_and_plugins_has_its_policies(house: House) -> None:
    with as_owner() as connection:
        found = {table.name: table for table in rls.tables(connection)}
    models = {m.class_ for m in db.Base.registry.mappers if issubclass(m.class_, TenantModel)}
    assert {model.__tablename__ for model in models} <= found.keys()
    assert {"core_practice", "core_membership", "core_event_head", "photo_request_photo"} <= found.keys()
    assert [name for name, table in found.items() if not table.is_protected(ACROSS)] == []
    own = "(practice_id = (NULLIF(current_setting('careroom.practice_id'::text, true), ''::text))::uuid)"
    told = {(p.name, p.command, p.role, p.qual, p.check) for p in found["core_patient"].policies}
    assert told == {
        ("careroom_practice", "ALL", "public", own, own),
        ("careroom_across", "ALL", ACROSS, "true", "true"),
    }


def test_a_connection_that_was_told_nothing_sees_nothing(house: House, raw: Connection) -> None:
    assert patients(raw) == 0
    set_practice(raw, "")
    assert patients(raw) == 0
    set_practice(raw, house.lumiere)
    assert patients(raw) == 5
    raw.rollback()
    assert patients(raw) == 0, "the setting ends with its transaction"


def test_the_owner_is_held_as_well(house: House, postgres_server: str) -> None:
    with as_superuser(postgres_server) as connection:
        connection.execute(text(f"REVOKE {ACROSS} FROM {OWNER}"))
    try:
        with as_owner() as connection:
            assert patients(connection) == 0
    finally:
        with as_superuser(postgres_server) as connection:
            connection.execute(text(f"GRANT {ACROSS} TO {OWNER}"))
    with as_owner() as connection:
        assert patients(connection) == 12, "migrations of data see every practice, by the other role"


def test_rows_of_another_practice_can_be_neither_written_nor_moved(house: House, raw: Connection) -> None:
    set_practice(raw, house.riverside)
    assert raw.execute(text("UPDATE core_patient SET sex = 'other'")).rowcount == 7
    moved = text("UPDATE core_patient SET practice_id = :there")
    with pytest.raises(ProgrammingError, match="row-level security"), raw.begin_nested():
        raw.execute(moved, {"there": house.lumiere})
    head = text("INSERT INTO core_event_head (practice_id, last_seq, swept_seq) VALUES (:there, 0, 0)")
    with pytest.raises(ProgrammingError, match="row-level security"), raw.begin_nested():
        raw.execute(head, {"there": house.lumiere})
    nobody = raw.execute(
        text("DELETE FROM core_patient WHERE practice_id = :there"), {"there": house.lumiere}
    )
    assert nobody.rowcount == 0


def test_inside_a_practice_nobody_is_made_a_member_of_another(house: House, raw: Connection) -> None:
    set_practice(raw, house.riverside)
    join = text(
        "INSERT INTO core_membership (practice_id, user_id, role, created_at)"
        " SELECT :there, min(id), 'practice_admin', now() FROM ab_user"
    )
    with pytest.raises(ProgrammingError, match="row-level security"), raw.begin_nested():
        raw.execute(join, {"there": house.lumiere})
    rename = text("UPDATE core_practice SET name = 'Mine' WHERE id = :there")
    assert raw.execute(rename, {"there": house.lumiere}).rowcount == 0
    assert raw.execute(rename, {"there": house.riverside}).rowcount == 1


@pytest.mark.parametrize("table", ["core_audit_entry", "core_platform_audit_entry"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET action = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("role", [APPLICATION, ACROSS])
def test_the_trail_cannot_be_changed(raw: Connection, role: str, statement: str, table: str) -> None:
    raw.execute(text(f"SET LOCAL ROLE {role}"))
    assert raw.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() >= 0
    with pytest.raises(ProgrammingError, match="permission denied"):
        raw.execute(text(statement.format(table)))


def test_no_practice_can_be_deleted_which_would_take_its_trail_along(raw: Connection) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        raw.execute(text("DELETE FROM core_practice"))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE core_patient DISABLE ROW LEVEL SECURITY",
        "DROP POLICY careroom_practice ON core_patient",
        "CREATE POLICY mine ON core_patient USING (true)",
        "CREATE TABLE mine (id int)",
        "SET ROLE careroom_owner",
        "UPDATE alembic_version SET version_num = 'x'",
    ],
)
def test_the_application_cannot_take_the_policies_away(raw: Connection, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"must be owner|permission denied"):
        raw.execute(text(statement))


def test_migrating_again_changes_nothing_and_brings_back_what_is_missing(house: House) -> None:
    with as_owner() as connection:
        assert rls.protect(connection, ACROSS) == []
        connection.execute(text("ALTER TABLE core_link NO FORCE ROW LEVEL SECURITY"))
        connection.execute(text("DROP POLICY careroom_practice ON core_job"))
        connection.execute(text("ALTER POLICY careroom_practice ON core_file USING (true)"))
        connection.execute(text("CREATE POLICY extra ON core_event USING (true)"))
        connection.execute(text("CREATE TABLE later_thing (practice_id uuid, id uuid)"))
        lacking = ["core_event", "core_file", "core_job", "core_link", "later_thing"]
        assert rls.protect(connection, ACROSS) == lacking
        assert rls.protect(connection, ACROSS) == []


def test_an_upgrade_protects_what_a_plugins_revision_made(
    house: House, make_settings: Callable[..., Settings]
) -> None:
    with as_owner() as connection:
        connection.execute(text("CREATE TABLE plugin_note (practice_id uuid, id uuid)"))
    db.configure(make_settings(migration_url=owner_url(house.settings.database_url)))
    assert roles.findings() == ["the table plugin_note lacks its policies: run `careroom migrate`"]
    migrate.upgrade(plugin_system.registry.branches())
    assert roles.findings() == []


def test_going_back_behind_the_policies_and_forth_again(
    house: House, make_settings: Callable[..., Settings]
) -> None:
    db.configure(make_settings(migration_url=owner_url(house.settings.database_url)))
    branches = plugin_system.registry.branches()
    migrate.downgrade(branches, "core_0001")
    assert "the table core_patient lacks its policies: run `careroom migrate`" in roles.findings()
    migrate.upgrade(branches)
    assert roles.findings() == []


# --- before a process serves -------------------------------------------------------------------------------------


def production(house: House, url: str = "") -> Settings:
    return house.settings.model_copy(
        update={"environment": "production", "database_url": url or house.settings.database_url}
    )


def test_a_sound_database_may_serve(house: House) -> None:
    roles.check_at_boot(production(house))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("ALTER TABLE core_patient DISABLE ROW LEVEL SECURITY", "core_patient lacks its policies"),
        ("ALTER TABLE core_patient NO FORCE ROW LEVEL SECURITY", "core_patient lacks its policies"),
        ("DROP POLICY careroom_practice ON core_link", "core_link lacks its policies"),
        ("ALTER POLICY careroom_practice ON core_link WITH CHECK (true)", "core_link lacks its policies"),
        ("CREATE POLICY hole ON core_link USING (true)", "core_link lacks its policies"),
        (f"GRANT UPDATE ON core_audit_entry TO {APPLICATION}", "UPDATE on core_audit_entry is allowed"),
        (f"GRANT DELETE ON core_practice TO {ACROSS}", "DELETE on core_practice is allowed"),
        ("GRANT TRUNCATE ON core_audit_entry TO PUBLIC", "TRUNCATE on core_audit_entry is allowed"),
    ],
)
def test_production_refuses_a_database_with_a_hole(house: House, damage: str, told: str) -> None:
    with as_owner() as connection:
        connection.execute(text(damage))
    with pytest.raises(db.NotProtected, match=told):
        roles.check_at_boot(production(house))
    roles.check_at_boot(house.settings)  # elsewhere it is said in the log


def test_production_refuses_the_owner_and_a_superuser(house: House, postgres_server: str) -> None:
    from sqlalchemy import make_url

    owner = owner_url(house.settings.database_url)
    superuser = make_url(owner).set(username=make_url(postgres_server).username)
    for url, told in (
        (owner, "acts as careroom_owner, who owns tables"),
        (superuser.render_as_string(hide_password=False), "is a superuser"),
    ):
        chosen = production(house, url)
        db.configure(chosen)
        with pytest.raises(db.NotProtected, match=told):
            roles.check_at_boot(chosen)


def test_the_command_line_tells(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "prepare", lambda: house.settings)
    good = CliRunner().invoke(cli.main, ["database", "check"])
    assert (good.exit_code, good.output) == (0, "The database keeps the practices apart.\n")
    with as_owner() as connection:
        connection.execute(text("ALTER TABLE core_job DISABLE ROW LEVEL SECURITY"))
    bad = CliRunner().invoke(cli.main, ["database", "check"])
    assert (bad.exit_code, bad.output) == (
        1,
        "the table core_job lacks its policies: run `careroom migrate`\n",
    )


def test_serve_and_worker_refuse(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "prepare", lambda: production(house))
    monkeypatch.setattr(cli.settings, "from_environment", lambda: production(house))
    monkeypatch.setattr(cli, "_serve", lambda *_, **__: pytest.fail("it served"))
    with as_owner() as connection:
        connection.execute(text("ALTER TABLE core_job DISABLE ROW LEVEL SECURITY"))
    for command in ("serve", "worker"):
        refused = CliRunner().invoke(cli.main, [command])
        assert refused.exit_code == 1, refused.output
        assert "the table core_job lacks its policies" in refused.output


def test_the_web_process_refuses(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from core import server

    with as_owner() as connection:
        connection.execute(text("ALTER TABLE core_job DISABLE ROW LEVEL SECURITY"))
    with pytest.raises(server.ServerRefused, match="core_job lacks its policies"):
        server._check_database(production(house))


def test_migrating_without_the_role_for_across_says_what_to_do(house: House) -> None:
    with as_owner() as connection:
        db.configure(production(house, owner_url(house.settings.database_url)))
        with pytest.raises(
            db.NotProtected, match=r"no role careroom_owner_across: see deploy/postgresql/roles\.sql"
        ):
            roles.secure(connection)


def test_a_secret_in_the_url_stays_out_of_the_refusal(house: House) -> None:
    secret = SecretStr("pa55word")
    url = house.settings.database_url.replace("careroom_app@", f"careroom_app:{secret.get_secret_value()}@")
    db.configure(production(house, url))
    with as_owner() as connection:
        connection.execute(text("ALTER TABLE core_job DISABLE ROW LEVEL SECURITY"))
    with pytest.raises(db.NotProtected) as refused:
        roles.check_at_boot(production(house, url))
    assert "pa55word" not in str(refused.value)
