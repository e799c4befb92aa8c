"""The rows of one practice in tables as the database has them: also of plugins whose code is gone.

Every statement names its practice, and on PostgreSQL the transaction is told it as well, so row-level security holds
here as everywhere.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from alembic.migration import MigrationContext
from sqlalchemy import (
    Connection,
    MetaData,
    Table,
    Uuid,
    and_,
    delete,
    false,
    func,
    inspect,
    literal,
    or_,
    select,
    text,
)

from core.db import ownership
from core.db.engine import engine, owner_connection
from core.db.models import Base
from core.db.scope import practice_id as practice_of_scope
from core.db.scope import scope

_PIECE = 500
Stored = Table
"""A table as the database has it."""


@contextmanager
def transaction(practice_id: UUID, *, write: bool) -> Iterator[Connection]:
    """A transaction of the application's that may see and touch this practice's rows only."""
    with scope(write=write), engine().begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(
                text("SELECT set_config('careroom.practice_id', :practice, true)"),
                {"practice": str(practice_id)},
            )
        yield connection


def tables_of(connection: Connection, owner: str, plugins: Iterable[str]) -> list[Table]:
    """The tables of a plugin, or of "core", as they are in the database; parents first."""
    known = {owner, *plugins} - {ownership.CORE}
    names = [
        name for name in inspect(connection).get_table_names() if ownership.owner_of(name, known) == owner
    ]
    seen = MetaData()
    seen.reflect(connection, only=names, resolve_fks=False)
    return [_typed(table) for table in _sorted(seen) if table.name in names]


def names_of(owner: str, plugins: Iterable[str]) -> list[str]:
    """The names of the tables of a plugin that the database has."""
    with scope(write=False), engine().connect() as connection:
        return [table.name for table in tables_of(connection, owner, plugins)]


def strangers(plugins: Collection[str], patient_id: UUID | None = None) -> set[str]:
    """The plugins that are none of these and of which the current practice has rows, in the current scope.

    patient_id: only rows about this patient count: those that say so, and those with a foreign key to the patient.
    A plugin's name is told by its revision; by the first word of its table where there is none.
    """
    practice_id, found = practice_of_scope(), set[str]()
    with transaction(practice_id, write=False) as connection:
        names = [
            name
            for name in inspect(connection).get_table_names()
            if ownership.owner_of(name, plugins) is None
        ]
        if not names:
            return found
        seen = MetaData()
        seen.reflect(connection, only=names, resolve_fks=False)
        heads = MigrationContext.configure(connection).get_current_heads()
        gone = {revision.rpartition("_")[0] for revision in heads}
        for table in of_practice(_typed(seen.tables[name]) for name in names):
            rule = table.c.practice_id == practice_id
            if patient_id is not None:
                about = [table.c[column] == patient_id for column in _columns_of_patient(table)]
                rule = and_(rule, or_(false(), *about))
            one = select(literal(1)).select_from(table).where(rule).limit(1)
            if not _can_be_read(connection, table) or connection.scalar(one):
                found.add(ownership.owner_of(table.name, gone) or table.name.partition("_")[0])
    return found


def _columns_of_patient(table: Table) -> set[str]:
    keys = {
        column.name
        for column in table.columns
        for key in column.foreign_keys
        if key.target_fullname.endswith("core_patient.id")
    }
    return keys | ({"patient_id"} & set(table.columns.keys()))


def _can_be_read(connection: Connection, table: Table) -> bool:
    if connection.dialect.name != "postgresql":
        return True
    quoted = connection.dialect.identifier_preparer.quote(table.name)
    return bool(connection.scalar(select(func.has_table_privilege(quoted, "SELECT"))))


def of_practice(tables: Iterable[Table]) -> list[Table]:
    """Those that have a practice in them."""
    return [table for table in tables if "practice_id" in table.columns]


def count(connection: Connection, table: Table, practice_id: UUID) -> int:
    """How many rows of the practice there are."""
    counted = select(func.count()).select_from(table).where(table.c.practice_id == practice_id)
    return int(connection.scalar(counted) or 0)


def rows(connection: Connection, table: Table, practice_id: UUID) -> Iterator[dict[str, Any]]:
    """Every row of the practice as plain values, read piece by piece. Bytes are in base64."""
    wanted = select(table).where(table.c.practice_id == practice_id).order_by(*table.primary_key.columns)
    with connection.execution_options(yield_per=_PIECE).execute(wanted) as found:
        for row in found.mappings():
            yield {
                name: base64.b64encode(value).decode() if isinstance(value, (bytes, memoryview)) else value
                for name, value in row.items()
            }


def remove(connection: Connection, table: Table, practice_id: UUID) -> int:
    """Remove the practice's rows; how many there were."""
    done = connection.execute(delete(table).where(table.c.practice_id == practice_id))
    return int(done.rowcount)


def forget_plugin(connection: Connection, plugin: str, practice_id: UUID) -> None:
    """Remove what the core's own tables keep about a plugin, such as its faults. Tombstones stay."""
    for table in of_practice(tables_of(connection, ownership.CORE, [])):
        if "plugin" in table.columns and _may_be_removed(table.name):
            connection.execute(
                delete(table).where(table.c.practice_id == practice_id, table.c.plugin == plugin)
            )


def erasable(connection: Connection) -> list[Table]:
    """Every table with a practice in it whose rows may go, in an order in which they can; the audit trail's stay."""
    names = set(inspect(connection).get_table_names()) - {"core_practice", "core_event_head"}
    seen = MetaData()
    seen.reflect(connection, only=sorted(names), resolve_fks=False)
    found = of_practice(_sorted(seen))
    return [_typed(table) for table in reversed(found) if _may_be_removed(table.name)]


def _may_be_removed(name: str) -> bool:
    """Some tables only grow: their models grant no deletion. One without a model is of a plugin that is gone."""
    known = Base.metadata.tables.get(name)
    return known is None or "DELETE" in known.info.get("grants", ("DELETE",))


def drop(owner: str, plugins: Iterable[str]) -> list[str]:
    """Drop a plugin's tables and forget its revisions, as the owner of the tables; the tables' names.

    For a plugin whose code is gone; one that is installed goes down by its own revisions.
    """
    with owner_connection() as connection:
        found = tables_of(connection, owner, plugins)
        for table in reversed(found):
            table.drop(connection)
        if ownership.VERSIONS in inspect(connection).get_table_names():
            like = {"begins": owner.replace("_", "!_") + "!_%"}
            known = connection.execute(
                text("SELECT version_num FROM alembic_version WHERE version_num LIKE :begins ESCAPE '!'"),
                like,
            )
            for revision in list(known.scalars()):
                if revision.rpartition("_")[0] == owner:
                    connection.execute(
                        text("DELETE FROM alembic_version WHERE version_num = :revision"),
                        {"revision": revision},
                    )
        return [table.name for table in found]


def _sorted(seen: MetaData) -> list[Table]:
    """Parents first. Keys to tables that were not reflected (the core's) decide nothing."""
    left = dict(seen.tables)
    done: list[Table] = []
    while left:
        free = [
            name
            for name, table in left.items()
            if not {key.target_fullname.rpartition(".")[0] for key in table.foreign_keys}
            & left.keys() - {name}
        ]
        for name in sorted(free or left):  # a circle: any order does as well as another
            done.append(left.pop(name))
    return done


def _typed(table: Table) -> Table:
    # SQLite keeps UUIDs as CHAR(32), which reflection cannot know.
    for column in table.columns:
        if str(column.type).upper() == "CHAR(32)":
            column.type = Uuid()
    return table
