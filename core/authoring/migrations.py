"""A plugin's migrations: the models say what they make; each goes down and up again with data in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from core import db
from core.authoring.inspection import Inspection
from core.authoring.rules import NothingToDo
from core.authoring.tenancy import models_of
from core.db import migrate
from core.plugin_system import registry


def look(place: Inspection) -> list[str]:
    """Up, the same as the models; down step by step; up again. Run last: the samples are gone after that."""
    branches = registry.branches()
    if place.name not in branches:
        if models_of(place.plugin.package):
            return ["it has models and no migrations folder"]
        raise NothingToDo("no tables")
    if place.has_sample:
        place.make(place.house.riverside)
    wrong = differences(place.name)
    tables = tables_of(place.name)
    foreign = [name for name in tables if not name.startswith(f"{place.name}_")]
    wrong += [f"the table {name} does not carry the plugin's name" for name in foreign]
    db.dispose()
    db.configure(place.house.settings)
    for target in downward(branches, place.name):
        migrate.downgrade(branches, target)
    wrong += [
        f"the table {name} is left when all of it is taken back" for name in sorted(tables_of(place.name))
    ]
    migrate.upgrade(branches)
    if tables_of(place.name) != tables:
        wrong.append("after going down and up again other tables are there")
    return wrong + [f"after going down and up again: {problem}" for problem in differences(place.name)]


def downward(branches: Mapping[str, Path], name: str) -> list[str]:
    """The targets of a walk from the newest revision of a branch to before its first."""
    script = ScriptDirectory.from_config(migrate.config(branches))
    revisions = list(script.iterate_revisions(f"{name}@head", f"{name}@base"))
    own = [
        revision
        for revision in revisions
        if name in revision.branch_labels or revision.revision.startswith(name)
    ]
    return [str(one.down_revision) if one.down_revision else f"{name}@base" for one in own]


def tables_of(name: str) -> set[str]:
    """The tables in the database that carry the plugin's name."""
    return {table for table in inspect(db.engine()).get_table_names() if table.startswith(f"{name}_")}


def differences(name: str) -> list[str]:
    """What the plugin's models say and its tables do not."""

    def is_own(_item: object, table: str | None, kind: str, _reflected: bool, _compared: object) -> bool:
        return kind != "table" or (table or "").startswith(f"{name}_")

    with db.engine().connect() as connection:
        options = {"include_object": is_own, "compare_type": True}
        found = compare_metadata(MigrationContext.configure(connection, opts=options), migrate.metadata())
    return [f"models and migrations differ: {_said(one)}" for one in found]


def _said(difference: object) -> str:
    first = difference[0] if isinstance(difference, list) else difference
    parts = first if isinstance(first, tuple) else (first,)
    return " ".join(str(getattr(part, "name", part)) for part in parts if part is not None)[:160]
