"""Fixtures that every test may use.

``house`` is SQLite unless the test is marked ``both_databases``: then it runs on SQLite and on PostgreSQL;
``postgresql`` alone: on PostgreSQL only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from core import audit, db, i18n, settings
from core.settings import Settings
from tests.support import house as houses
from tests.support.databases import PostgresTemplate, SqliteTemplate, settings_for
from tests.support.house import House, Visitor
from tests.support.servers import Unavailable, postgresql, redis

pytest_plugins = ["tests.strictness"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_databases: runs on SQLite and on PostgreSQL")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("both_databases") is not None
        kinds = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)] if both else ["sqlite"]
        if not both and metafunc.definition.get_closest_marker("postgresql") is not None:
            kinds = ["postgresql"]
        metafunc.parametrize("database_kind", kinds, scope="session")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    return SqliteTemplate(tmp_path_factory.mktemp("sqlite"), seeded=False)


@pytest.fixture(scope="session")
def seeded_sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    return SqliteTemplate(tmp_path_factory.mktemp("sqlite"), seeded=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    try:
        with postgresql() as url:
            yield url
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> PostgresTemplate:
    return PostgresTemplate(postgres_server, tmp_path_factory.mktemp("postgres"), seeded=False)


@pytest.fixture(scope="session")
def seeded_postgres_template(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> PostgresTemplate:
    return PostgresTemplate(postgres_server, tmp_path_factory.mktemp("postgres"), seeded=True)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    try:
        with redis() as url:
            yield url
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture
def database_url(database_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database of this test alone."""
    kind = "sqlite" if database_kind == "sqlite" else "postgres"
    seeded = "seeded_" if "house" in request.fixturenames else ""  # hashing passwords takes most of the time
    template = request.getfixturevalue(f"{seeded}{kind}_template")
    with template.copy(tmp_path) as url:
        yield url


@pytest.fixture
def make_settings(database_url: str, tmp_path: Path) -> Callable[..., Settings]:
    """Settings of this test's database with some changed: ``make_settings(async_mode="threading")``."""

    def make(**changes: object) -> Settings:
        return settings_for(database_url, tmp_path, **{"rate_limits": False, **changes})

    return make


@pytest.fixture
def configured(make_settings: Callable[..., Settings]) -> Iterator[Settings]:
    """Settings, database and plugins in place; no practice yet."""
    from core.plugin_system import wiring

    chosen = settings.configure(make_settings())
    db.configure(chosen)
    wiring.start(chosen)
    yield chosen
    db.dispose()
    audit.clear_context()
    i18n.set_language("en")  # a page that this test asked for may have been French


@pytest.fixture
def house(configured: Settings) -> House:
    """Two practices with people in them."""
    return houses.make(configured)


@pytest.fixture
def app(house: House) -> Flask:
    """The web application of this house."""
    from core.app import create_app

    return create_app(house.settings)


@pytest.fixture
def visitor(app: Flask) -> Callable[[], Visitor]:
    """Make visitors: ``visitor()`` is a new browser; ``visitor().sign_in("amira")`` signs in."""
    return lambda: Visitor(app, app.test_client())
