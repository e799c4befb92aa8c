"""Migrations: one Alembic environment, which the core owns, and one branch for the core and for each plugin.

A plugin's first revision depends on the core's. Nothing migrates at start-up: ``careroom migrate`` does.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, text
from sqlalchemy.pool import StaticPool

from core.db import ownership, roles, stepping
from core.db.engine import engine, owner_connection
from core.db.errors import DatabaseError
from core.db.models import Base
from core.db.scope import scope

HERE = Path(__file__).parent / "migrations"
CORE = "core"
Branches = Mapping[str, Path]


class BlockingKey(DatabaseError):
    """A foreign key of a plugin could keep a row of the core from being deleted. The message names it."""


class BrokenKeys(DatabaseError):
    """A revision would leave rows whose foreign keys lead nowhere. Nothing was done."""


def config(branches: Branches, connection: Connection | None = None) -> Config:
    """An Alembic configuration over the core's revisions and those of ``branches`` (plugin name -> folder)."""
    made = Config()
    made.set_main_option("script_location", str(HERE))
    folders = [HERE / "versions", *branches.values()]
    made.set_main_option("path_separator", "newline")
    made.set_main_option("version_locations", "\n".join(str(folder) for folder in folders))
    made.attributes["connection"] = connection
    return made


def upgrade(branches: Branches) -> None:
    """Bring every branch to its newest revision, in one transaction where the database can.

    Then every table of core and plugins has its policies, and the application's role the rights that it needs. A
    plugin's revision that changes what is not the plugin's is refused, and so is a foreign key that could block
    deleting a core row: raises stepping.NotItsOwn or BlockingKey, and nothing was done.
    """
    _refuse_foreseen(branches)
    with migrating() as connection:
        stepping.run(config(branches, connection), connection, "up", "heads", branches)
        if blocking := ownership.blocking_keys(connection, branches):
            raise BlockingKey(f"a plugin's foreign key could block a deletion: {'; '.join(blocking)}")
        roles.secure(connection)


def downgrade(branches: Branches, target: str) -> None:
    """Go back to ``target`` ("photo_request@base"), as the owner of the tables. Raises stepping.NotItsOwn."""
    with migrating() as connection:
        stepping.run(config(branches, connection), connection, "down", target, branches)


@contextlib.contextmanager
def migrating() -> Iterator[Connection]:
    """A transaction as the owner of the tables in which revisions run.

    SQLite changes a table by making it anew and dropping the old one, and dropping deletes its rows: with foreign keys
    in force the rows of all tables that lead to it would go along. So they rest meanwhile, and are checked at the end.
    """
    if engine().dialect.name != "sqlite":
        with owner_connection() as connection:
            yield connection
        return
    with engine().connect() as connection:
        raw = connection.connection.cursor()
        raw.execute("PRAGMA foreign_keys=OFF")  # inside a transaction it would do nothing
        try:
            with connection.begin():
                yield connection
                broken = connection.execute(text("PRAGMA foreign_key_check")).all()
                if broken:
                    raise BrokenKeys(f"rows of {', '.join(sorted({row[0] for row in broken}))} lead nowhere")
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


def _refuse_foreseen(branches: Branches) -> None:
    """Find out before anything runs where that can be found out; the run itself looks once more."""
    if applied() and any(branches):
        with contextlib.suppress(stepping.CannotForesee):
            foresee(branches, "up", "heads")


def foresee(branches: Branches, direction: stepping.Direction, target: str) -> list[stepping.Step]:
    """What going up or down to ``target`` would run. Changes nothing. Raises stepping.CannotForesee, NotItsOwn.

    PostgreSQL is asked in a transaction that may only read; of SQLite the schema is copied and the copy migrated.
    """
    if engine().dialect.name == "sqlite":
        with schema_copy() as connection:
            return stepping.run(config(branches, connection), connection, direction, target, branches)
    with reading() as connection:
        return stepping.run(
            config(branches, connection), connection, direction, target, branches, pretend=True
        )


@contextlib.contextmanager
def reading() -> Iterator[Connection]:
    """A transaction that changes nothing and holds up nobody, as the one who may see every practice's rows."""
    if engine().dialect.name == "sqlite":
        with scope(write=False), engine().connect() as connection:
            yield connection
        return
    with owner_connection() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        yield connection


@contextlib.contextmanager
def schema_copy() -> Iterator[Connection]:
    """A database in memory with the tables of this SQLite database, none of their rows, and its revisions."""
    with reading() as here:
        made = here.execute(
            text(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' "
                "ORDER BY type <> 'table'"
            )
        )
        schema = list(made.scalars())
        revisions = MigrationContext.configure(here).get_current_heads()
    copy = create_engine("sqlite://", poolclass=StaticPool)
    try:
        with copy.begin() as connection:
            for statement in schema:
                connection.exec_driver_sql(statement)
            for revision in revisions:
                connection.execute(
                    text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision}
                )
            yield connection
    finally:
        copy.dispose()


def heads(branches: Branches) -> set[str]:
    """The newest revision of every branch that the code knows."""
    return set(ScriptDirectory.from_config(config(branches)).get_heads())


def known(branches: Branches) -> set[str]:
    """Every revision that the code knows, of every branch."""
    script = ScriptDirectory.from_config(config(branches))
    return {revision.revision for revision in script.walk_revisions()}


def server() -> tuple[str, str]:
    """The database's kind and version: ("postgresql", "15.4")."""
    with engine().connect() as connection:
        dialect = connection.dialect
        return dialect.name, ".".join(str(part) for part in dialect.server_version_info or ())


def strangers(branches: Branches, revisions: Iterable[str]) -> set[str]:
    """Those of these revisions that belong to plugins whose code is not here."""
    return stepping.strangers(revisions, ScriptDirectory.from_config(config(branches)))


def applied() -> set[str]:
    """The revisions that the database stands at."""
    with engine().connect() as connection:
        return set(MigrationContext.configure(connection).get_current_heads())


def is_current(branches: Branches) -> bool:
    """Does the database stand where the code is, or beyond? False as well when it was never migrated.

    Beyond: an upgrade migrates first and replaces the processes after that; one that dies in between must come back.
    A revision that this code does not know stands for all of its branch: ``core_0009`` for every ``core_...``.
    """
    with engine().connect() as connection:
        current = set(MigrationContext.configure(connection).get_current_heads())
    script = ScriptDirectory.from_config(config(branches))
    newer = current - known(branches)
    reached = {
        revision.revision
        for head in current - newer
        for revision in script.iterate_revisions(head, "base", implicit_base=True, inclusive=True)
    }
    ahead = {_branch_of(revision) for revision in newer}
    return all(head in reached or _branch_of(head) in ahead for head in script.get_heads())


def _branch_of(revision: str) -> str:
    return revision.rpartition("_")[0]


def make_revision(branches: Branches, branch: str, message: str, revision: str) -> None:
    """Write a new revision of a branch from what the models say and the database lacks (for developers)."""
    with owner_connection() as connection:
        made = config(branches, connection)
        made.attributes["branch"] = branch
        folder = HERE / "versions" if branch == CORE else branches[branch]
        script = ScriptDirectory.from_config(made)
        known = [r for r in script.walk_revisions() if branch in r.branch_labels]
        command.revision(
            made,
            message,
            autogenerate=True,
            rev_id=revision,
            version_path=str(folder),
            head=f"{branch}@head" if known else "base",
            branch_label=None if known else branch,
            depends_on=None if known or branch == CORE else f"{CORE}@head",
        )


def metadata() -> MetaData:
    """Every table that has been imported."""
    found: MetaData = Base.metadata
    return found
