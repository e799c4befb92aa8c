"""Every revision of every branch goes down and up again with rows in all tables. A new one is found by itself."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, Table, inspect, select

from core import db
from core.db import migrate, stepping
from core.plugin_system import registry
from tests.support.databases import as_owner, owner_url
from tests.support.house import House
from tests.support.photos import a_request_with_photos

pytestmark = pytest.mark.both_databases
Rows = dict[str, list[dict[str, Any]]]
Schema = dict[str, dict[str, Any]]


def revisions() -> list[tuple[str, str, str]]:
    """(branch, revision, where it goes down to), in an order in which each can be undone."""
    script = ScriptDirectory.from_config(migrate.config(registry.branches()))
    left = {found.revision: found for found in script.walk_revisions()}
    order: list[tuple[str, str, str]] = []
    while left:
        needed = {below for found in left.values() for below in found._all_down_revisions}
        free = sorted(name for name in left if name not in needed)
        assert free, "the revisions form a circle"
        for name in free:
            found = left.pop(name)
            (branch,) = found.branch_labels & {"core", *registry.branches()}
            order.append((branch, name, str(found.down_revision or "base")))
    return order


def fill(connection: Connection) -> None:
    """A row in every table that has none."""
    for table in migrate.metadata().sorted_tables:
        if connection.execute(select(sa.func.count()).select_from(table)).scalar() == 0:
            connection.execute(table.insert().values(**row_for(connection, table)))


def row_for(connection: Connection, table: Table, **given: Any) -> dict[str, Any]:
    """Values for a new row: those that are given, keys to rows that are there, and something in all other columns."""
    row: dict[str, Any] = dict(given)
    for key in table.foreign_key_constraints:
        if key.referred_table is table or all(column.name in row for column in key.columns):
            continue
        parent = key.referred_table
        chosen = select(*[element.column for element in key.elements])
        if "practice_id" in row and "practice_id" in parent.c:
            chosen = chosen.where(parent.c.practice_id == row["practice_id"])
        values = connection.execute(chosen.limit(1)).one()
        row |= dict(zip((column.name for column in key.columns), values, strict=True))
    for column in table.columns:
        own_number = column.primary_key and isinstance(column.type, sa.Integer)
        if column.name not in row and not own_number:
            row[column.name] = _value(column.type)
    return row


def _value(kind: Any) -> Any:
    kind = getattr(kind, "impl_instance", kind)
    if isinstance(kind, sa.JSON):
        return {"a": [1, "é"]}
    if isinstance(kind, sa.Uuid):
        return uuid4()
    if isinstance(kind, sa.Boolean):
        return True
    if isinstance(kind, sa.Integer):
        return uuid4().int % 1_000_000
    if isinstance(kind, sa.LargeBinary):
        return b"\x00\xff"
    if isinstance(kind, sa.Date):
        return date(2024, 2, 29)
    if isinstance(kind, sa.String):
        return uuid4().hex[: kind.length or 32]
    return datetime.now(UTC)


def rows(connection: Connection) -> Rows:
    """What all tables hold, as the database says it, in some order that is always the same."""
    seen = MetaData()
    seen.reflect(connection)
    return {
        table.name: sorted((dict(row) for row in connection.execute(select(table)).mappings()), key=repr)
        for table in seen.sorted_tables
        if table.name != "alembic_version"
    }


def schema(connection: Connection) -> Schema:
    """Columns, keys, constraints and indexes of every table, free of their order."""
    looked = inspect(connection)

    def told(items: list[Any]) -> list[str]:
        # Types and the conditions of partial indexes are objects: what they say counts.
        return sorted(str(sorted((key, _said(value)) for key, value in dict(item).items())) for item in items)

    return {
        name: {
            "columns": told(looked.get_columns(name)),
            "key": sorted(looked.get_pk_constraint(name)["constrained_columns"]),
            "foreign": told(looked.get_foreign_keys(name)),
            "unique": told(looked.get_unique_constraints(name)),
            "checks": told(looked.get_check_constraints(name)),
            "indexes": told(looked.get_indexes(name)),
        }
        for name in looked.get_table_names()
    }


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return str(sorted((key, _said(inner)) for key, inner in value.items()))
    return str(value)


def assert_same(before: Schema, after: Schema, told: str) -> None:
    assert before.keys() == after.keys(), told
    for table, parts in before.items():
        for part, wanted in parts.items():
            assert after[table][part] == wanted, f"{told}: {part} of {table}"


def assert_untouched(before: Rows, after: Rows, told: str) -> None:
    """Each table of both has the same rows, as far as it has the same columns."""
    for table in before.keys() & after.keys():
        assert len(before[table]) == len(after[table]), f"{told}: rows of {table}"
        if not before[table]:
            continue
        shared = before[table][0].keys() & after[table][0].keys()
        one, other = ([{k: r[k] for k in sorted(shared)} for r in side[table]] for side in (before, after))
        assert sorted(one, key=repr) == sorted(other, key=repr), f"{told}: {table}"


def test_down_and_up_with_rows_in_every_table(house: House) -> None:
    a_request_with_photos(house, house.riverside)
    url = house.settings.database_url
    db.configure(house.settings.model_copy(update={"migration_url": owner_url(url)}))
    branches = registry.branches()
    with as_owner() as connection:
        fill(connection)
        head = schema(connection)
        assert [table for table, found in rows(connection).items() if not found] == []

    walked = revisions()
    assert {name for _branch, name, _down in walked} == migrate.known(branches)
    for branch, name, down in walked:
        with as_owner() as connection:
            before, shape = rows(connection), schema(connection)
        migrate.downgrade(branches, f"{branch}@{down}")
        assert name not in migrate.applied()
        with as_owner() as connection:
            below, lower_shape = rows(connection), schema(connection)
        assert_untouched(before, below, f"{name} down")

        _up(branches, name)
        with as_owner() as connection:
            again = rows(connection)
            assert_same(shape, schema(connection), f"{name} up again")
        assert_untouched(below, again, f"{name} up")

        migrate.downgrade(branches, f"{branch}@{down}")
        with as_owner() as connection:
            assert_same(lower_shape, schema(connection), f"{name} down again")

    assert migrate.applied() == set()
    migrate.upgrade(branches)
    with as_owner() as connection:
        assert_same(head, schema(connection), "from base to head")


def _up(branches: migrate.Branches, name: str) -> None:
    """Up to this revision and no further."""
    with migrate.migrating() as connection:
        stepping.run(migrate.config(branches, connection), connection, "up", name, branches)
