"""Many of everything: copies of the rows that are there, so that pages which show one of each show many of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Integer, String, Table, UniqueConstraint, insert, select
from sqlalchemy.engine import Connection, Row
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import Uuid

from core import db

# What is one of its kind: heads of chains, and what says where the machine stands.
_SINGLE: Final = ("core_audit_head", "core_platform_audit_head", "core_event_head", "alembic_version")
_FAR: Final = 1_000_000
_MOST: Final = 20  # of a table


@dataclass(slots=True)
class Copies:
    """The keys of the rows before and of their copies, by value: what points at a row can point at its copy."""

    round: int
    keys: dict[Any, list[Any]] = field(default_factory=dict)

    def of(self, value: Any, number: int) -> Any:
        copies = self.keys.get(value)
        return copies[number] if copies else value


def multiply(times: int, *, round: int = 1) -> None:
    """Copy every row so many times. Of two copies one belongs to what the row belongs to, and one to a copy of it:
    the list of one patient grows, and so does the number of those who have one. round: another one each time.
    """
    tables = [table for table in db.Base.metadata.sorted_tables if table.name not in _SINGLE]
    copies = Copies(round)
    with db.engine().connect() as connection:
        before = {table: connection.execute(select(table).limit(_MOST)).all() for table in tables}
        for table, rows in before.items():
            for column in table.primary_key:
                if isinstance(column.type, Uuid) and not column.foreign_keys:
                    for row in rows:
                        copies.keys[row._mapping[column]] = [uuid4() for _ in range(times)]
        for table, rows in before.items():
            for number in range(times):
                for row in rows:
                    _copy(connection, table, row, copies, number)
        connection.commit()


def _copy(connection: Connection, table: Table, row: Row[Any], copies: Copies, number: int) -> None:
    for follows in (number % 2 == 1, True):
        try:
            with connection.begin_nested():
                connection.execute(
                    insert(table).values(_values(table, row._mapping, copies, number, follows))
                )
        except IntegrityError:
            continue  # there is one of these for each of what it belongs to
        return


def _values(
    table: Table, row: Mapping[Any, Any], copies: Copies, number: int, follows: bool
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    unique = set(_unique(table))
    own = {column.name for column in table.primary_key if not column.foreign_keys}
    for column in table.columns:
        value = row[column]
        if column.name in own and column.name != "practice_id" and isinstance(value, UUID):
            value = copies.of(value, number)
        elif column.name == "practice_id" or value is None:
            pass
        elif isinstance(value, UUID):
            value = copies.of(value, number) if follows else value
        elif column.name in unique and not column.foreign_keys:
            value = _another(column.type, value, f"{copies.round}x{number}")
        values[column.name] = value
    # A key that only counts is the database's to give.
    for column in table.primary_key:
        if isinstance(column.type, Integer) and not column.foreign_keys and len(table.primary_key) == 1:
            del values[column.name]
    return values


def _unique(table: Table) -> Iterator[str]:
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield from (column.name for column in constraint.columns)
    for index in table.indexes:
        if index.unique:
            yield from (column.name for column in index.columns)
    yield from (column.name for column in table.columns if column.unique or column.primary_key)


def _another(kind: Any, value: Any, mark: str) -> Any:
    if isinstance(kind, String) and isinstance(value, str):
        longest = kind.length or 200
        return f"{value[: longest - len(mark) - 1]}-{mark}"
    if isinstance(kind, Integer) and isinstance(value, int):
        return value + _FAR * (int(mark.replace("x", "")) + 1)
    return value
