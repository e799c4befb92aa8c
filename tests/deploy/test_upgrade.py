"""Between `careroom migrate` and the new processes: old code on a newer schema goes on, and comes back when it dies."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from core import plugin_system
from core.db import migrate
from core.settings import Settings
from tests.support.databases import as_owner

pytestmark = pytest.mark.both_databases


def _stands_at(*revisions: str) -> None:
    with as_owner() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        for revision in revisions:
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def test_a_newer_schema_is_served_and_an_older_one_is_not(configured: Settings) -> None:
    branches = plugin_system.registry.branches()
    heads = migrate.heads(branches)
    assert {"photo_request"} <= {head.rpartition("_")[0] for head in heads}
    assert migrate.is_current(branches)
    beyond = [f"{branch}_9999" for branch in ("core", *branches)]
    _stands_at(*beyond)
    assert migrate.is_current(branches)
    _stands_at(*beyond[:-1])  # the tables of one plugin are not there
    assert not migrate.is_current(branches)
    _stands_at("core_0001")
    assert not migrate.is_current(branches)
    _stands_at()
    assert not migrate.is_current(branches)
