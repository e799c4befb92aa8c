"""Whose table, index and constraint is this? The name says it, and a plugin that names them otherwise is refused.

A foreign key of a plugin must never keep a row of the core from being deleted: ON DELETE CASCADE, or SET NULL of
columns that may be null. It leads to the core's tables or to the plugin's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from sqlalchemy import Connection, Constraint, ForeignKeyConstraint, Index, Table, inspect

CORE: Final = "core"
VERSIONS: Final = "alembic_version"
_CORE_PREFIXES: Final = ("core_", "ab_")
_KINDS: Final = ("ix", "uq", "ck", "fk", "pk")


def is_core_table(name: str) -> bool:
    """A table of the core, or of Flask-AppBuilder, which the core looks after."""
    return name.startswith(_CORE_PREFIXES) or name == VERSIONS


def owner_of(name: str, plugins: Iterable[str]) -> str | None:
    """The plugin that a table of this name belongs to, "core", or None. Of ``photo`` and ``photo_request`` the longer
    name that fits."""
    if is_core_table(name):
        return CORE
    fitting = [plugin for plugin in plugins if name.startswith(f"{plugin}_")]
    return max(fitting, key=len, default=None)


def carries(name: str, plugin: str) -> bool:
    """Does an index or constraint of this name say that it is the plugin's? ``ix_<plugin>_...`` or ``<plugin>_...``."""
    return re.match(rf"(?:(?:{'|'.join(_KINDS)})_)?{re.escape(plugin)}_", name) is not None


def problems_of(plugin: str, tables: Iterable[Table], plugins: Iterable[str] = ()) -> list[str]:
    """What is wrong with the tables that a plugin declares, each in a sentence; empty when they may be taken.

    plugins: the names of all others: none of theirs may be claimed.
    """
    return [problem for table in tables for problem in _of_table(plugin, table, {plugin, *plugins})]


def _of_table(plugin: str, table: Table, plugins: set[str]) -> Iterator[str]:
    if not table.name.startswith(f"{plugin}_"):
        yield f"table {table.name} must begin with {plugin}_"
        return
    if (owner := owner_of(table.name, plugins)) != plugin:
        yield f"table {table.name} has the prefix of {owner}"
    named: list[Index | Constraint] = [*table.indexes, *table.constraints]
    for item in named:
        name = str(item.name) if isinstance(item.name, str) else None
        if name is not None and not carries(name, plugin):
            yield f"{type(item).__name__} {name} of {table.name} must carry the prefix {plugin}_"
    for key in table.constraints:
        if isinstance(key, ForeignKeyConstraint):
            nullable = all(column.nullable for column in key.columns)
            yield from _of_key(plugin, table.name, _target(key), key.ondelete, nullable, plugins)


def _target(key: ForeignKeyConstraint) -> str:
    # Not referred_table: the other table's module may not have been imported yet.
    return key.elements[0].target_fullname.rpartition(".")[0]


def _of_key(
    plugin: str, table: str, target: str, ondelete: str | None, nullable: bool, plugins: Iterable[str]
) -> Iterator[str]:
    owner = owner_of(target, plugins)
    rule = (ondelete or "NO ACTION").upper()
    if owner not in (CORE, plugin):
        yield f"the foreign key of {table} leads to {target}, which is neither the core's nor its own"
    elif rule == "SET NULL" and not nullable:
        yield f"the foreign key of {table} to {target} would set to NULL what must not be"
    elif rule not in ("CASCADE", "SET NULL"):
        yield f"the foreign key of {table} to {target} says ON DELETE {rule} and so could block a deletion"


def blocking_keys(connection: Connection, plugins: Iterable[str] | None = None) -> list[str]:
    """Foreign keys, as the database has them, that could block deleting a core row.

    Of the tables of these plugins; None: of all tables that are not the core's.
    """
    found, looked = [], inspect(connection)
    for table in looked.get_table_names():
        if is_core_table(table) or (plugins is not None and owner_of(table, plugins) is None):
            continue
        columns: dict[str, bool] = {c["name"]: bool(c["nullable"]) for c in looked.get_columns(table)}
        for key in looked.get_foreign_keys(table):
            target, options = key["referred_table"], dict(key.get("options") or {})
            rule = str(options.get("ondelete") or "NO ACTION").upper()
            nullable = all(columns[name] for name in key["constrained_columns"])
            if rule == "CASCADE" or (rule == "SET NULL" and nullable):
                continue
            found.append(f"{table} -> {target}: ON DELETE {rule}")
    return found


def named_in(connection: Connection) -> dict[str, Any]:
    """Index name -> table, as the database has them: DROP INDEX does not say whose it is."""
    looked = inspect(connection)
    return {
        str(index["name"]): table
        for table in looked.get_table_names()
        for index in looked.get_indexes(table)
        if index["name"]
    }
