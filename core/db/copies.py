"""A consistent copy of the whole database, and the way back: what `careroom backup` and `restore` stand on.

SQLite is copied by its own backup, PostgreSQL by pg_dump in a snapshot that we look into as well: what is said of a
copy is true of exactly that copy, whatever was written meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Column, Connection, create_engine, inspect, make_url, select, text
from sqlalchemy.pool import NullPool

from core.db import roles
from core.db.engine import owner_connection
from core.db.errors import DatabaseError
from core.db.fence import ACROSS_SUFFIX
from core.db.models import Base
from core.settings import Settings

_VERSIONS = "alembic_version"


class CopyFailed(DatabaseError):
    """The database could not be copied, or not be brought back; the message says why."""


@dataclass(frozen=True, slots=True)
class Copy:
    """kind: "sqlite" or "postgresql". heads: the revisions it stands at. values: of the columns asked for."""

    kind: str
    heads: frozenset[str]
    values: dict[str, frozenset[str]]


def kind_of(chosen: Settings) -> str:
    """The kind of database that these settings name."""
    return "sqlite" if chosen.is_sqlite else "postgresql"


def columns_named(*endings: str) -> list[Column[str]]:
    """The columns of every known table whose name ends like this."""
    return [c for table in Base.metadata.tables.values() for c in table.columns if c.name.endswith(endings)]


def save(target: Path, chosen: Settings, columns: Sequence[Column[str]]) -> Copy:
    """Copy the database into a file, and read what these columns hold in that very copy. Raises CopyFailed."""
    return (
        _save_sqlite(target, chosen, columns)
        if chosen.is_sqlite
        else _save_postgresql(target, chosen, columns)
    )


def load(source: Path, chosen: Settings) -> None:
    """Put a copy in the place of what the database holds. Raises CopyFailed; then nothing has changed."""
    if chosen.is_sqlite:
        with closing(sqlite3.connect(source)) as copy, closing(sqlite3.connect(_file(chosen))) as database:
            copy.backup(database)
        return
    _run(
        [
            "pg_restore",
            "--clean",
            "--if-exists",
            "--no-owner",
            "--no-acl",
            "--single-transaction",
            "--exit-on-error",
        ],
        _owner_url(chosen),
        source,
    )
    with owner_connection() as connection:
        roles.secure(connection)


def is_empty(chosen: Settings) -> bool:
    """Has nobody migrated this database yet?"""
    engine = create_engine(_owner_url(chosen), poolclass=NullPool)
    if chosen.is_sqlite and not _file(chosen).exists():
        return True
    with engine.connect() as connection:
        return not inspect(connection).get_table_names()


# --- SQLite ------------------------------------------------------------------------------------------------------


def _save_sqlite(target: Path, chosen: Settings, columns: Sequence[Column[str]]) -> Copy:
    if not _file(chosen).exists():
        raise CopyFailed("there is no database yet")
    with closing(sqlite3.connect(_file(chosen))) as database, closing(sqlite3.connect(target)) as copy:
        database.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, whole without a -wal beside it
        (said,) = copy.execute("PRAGMA quick_check").fetchone()
        if said != "ok":
            raise CopyFailed("SQLite's check of the copy found damage")
    engine = create_engine(f"sqlite:///{target}", poolclass=NullPool)
    with engine.connect() as connection:
        return _look("sqlite", connection, columns)


def _file(chosen: Settings) -> Path:
    path = make_url(chosen.database_url).database
    if not path or path == ":memory:":
        raise CopyFailed("a database in memory has no copy")
    return Path(path)


# --- PostgreSQL --------------------------------------------------------------------------------------------------


def _save_postgresql(target: Path, chosen: Settings, columns: Sequence[Column[str]]) -> Copy:
    url = _owner_url(chosen)
    engine = create_engine(url, poolclass=NullPool, isolation_level="REPEATABLE READ")
    with engine.connect() as connection:
        _check_sees_everything(connection, make_url(chosen.database_url).username or "")
        snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        found = _look("postgresql", connection, columns)
        command = ["pg_dump", "--format=custom", "--no-owner", "--no-acl", "--enable-row-security"]
        _run([*command, f"--snapshot={snapshot}", f"--file={target}"], url)
    return found


def _check_sees_everything(connection: Connection, application: str) -> None:
    # Row-level security hides rows without a word: a role that it holds would make an empty copy.
    sees = connection.scalar(
        text(
            """
            SELECT bool_or(rolsuper OR rolbypassrls) OR coalesce(bool_or(
                pg_has_role(current_user, (SELECT oid FROM pg_roles WHERE rolname = :across), 'USAGE')), false)
            FROM pg_roles WHERE rolname = current_user
            """
        ),
        {"across": application + ACROSS_SUFFIX},
    )
    if not sees:
        raise CopyFailed(
            "this role sees no practice's rows: set CAREROOM_MIGRATION_URL to the owner of the tables"
        )


def _owner_url(chosen: Settings) -> str:
    return (chosen.migration_url or chosen.database_url) if not chosen.is_sqlite else chosen.database_url


def _run(command: list[str], url: str, *rest: Path) -> None:
    """One of PostgreSQL's programs on this database; the password goes by the environment, which nobody else sees."""
    parts = make_url(url)
    shown = URL.create(
        "postgresql", parts.username, None, parts.host, parts.port, parts.database, parts.query
    )
    environment = {**os.environ, **({"PGPASSWORD": str(parts.password)} if parts.password else {})}
    program = [*command, f"--dbname={shown.render_as_string()}", *map(str, rest)]
    try:
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CopyFailed(f"{command[0]} is not installed (Debian: postgresql-client)") from None
    if done.returncode != 0:
        raise CopyFailed(
            f"{command[0]}: {done.stderr.strip().splitlines()[0] if done.stderr else done.returncode}"
        )


# --- both --------------------------------------------------------------------------------------------------------


def _look(kind: str, connection: Connection, columns: Iterable[Column[str]]) -> Copy:
    there = set(inspect(connection).get_table_names())
    if _VERSIONS not in there:
        raise CopyFailed("this database was never migrated: there is nothing to copy")
    heads = frozenset(connection.scalars(text("SELECT version_num FROM alembic_version")))
    values: dict[str, frozenset[str]] = {}
    for column in columns:
        if column.table.name in there:
            asked = select(column).where(column.is_not(None)).distinct()
            values[f"{column.table.name}.{column.name}"] = frozenset(connection.scalars(asked))
    return Copy(kind, heads, values)
