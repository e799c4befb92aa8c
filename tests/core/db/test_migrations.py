"""Migrations make exactly what the models say, and can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from core import db
from core.db import migrate
from core.plugin_system import registry
from core.settings import Settings
from tests.support.databases import owner_url

pytestmark = pytest.mark.both_databases


def branches() -> dict[str, Path]:
    return registry.branches()


def test_the_revisions_make_what_the_models_say(configured: Settings) -> None:
    with db.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, migrate.metadata()) == []
    assert migrate.is_current(branches())


def test_a_plugins_tables_go_and_come_back_without_touching_the_core(configured: Settings) -> None:
    def tables() -> set[str]:
        return {name for name in inspect(db.engine()).get_table_names() if name != "alembic_version"}

    db.configure(configured.model_copy(update={"migration_url": owner_url(configured.database_url)}))
    before = tables()
    for name in branches():
        migrate.downgrade(branches(), f"{name}@base")
        assert not any(table.startswith(f"{name}_") for table in tables())
        assert {table for table in before if table.startswith("core_")} <= tables()
    assert not migrate.is_current(branches())
    migrate.upgrade(branches())
    assert tables() == before
    assert migrate.is_current(branches())
