"""Fixtures that every test may use, besides those that plugin authors have (core.testing).

``house`` is SQLite unless the test is marked ``both_databases``: then it runs on SQLite and on PostgreSQL;
``postgresql`` alone: on PostgreSQL only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import db, demo
from core.security import users
from tests.support.databases import PostgresTemplate
from tests.support.house import House, Visitor
from tests.support.servers import Unavailable, folder_in_memory, postgresql, redis

pytest_plugins = ["tests.ordering", "tests.strictness", "core.testing"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_databases: runs on SQLite and on PostgreSQL")
    # A hundred processes are started here: where this is set, each of them would compile all of the code again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if folder := folder_in_memory():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("both_databases") is not None
        kinds = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)] if both else ["sqlite"]
        if not both and metafunc.definition.get_closest_marker("postgresql") is not None:
            kinds = ["postgresql"]
        metafunc.parametrize("database_kind", kinds, scope="session")


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


def _signed_in(browser: Visitor, username: str) -> Visitor:
    browser.sign_in(username)
    return browser


@pytest.fixture
def amira(visitor: Callable[[], Visitor]) -> Visitor:
    """A clinician of Riverside."""
    return _signed_in(visitor(), "amira")


@pytest.fixture
def grace(visitor: Callable[[], Visitor]) -> Visitor:
    """A receptionist of Riverside."""
    return _signed_in(visitor(), "grace")


@pytest.fixture
def helen(visitor: Callable[[], Visitor]) -> Visitor:
    """The practice admin of Riverside, clinician as well: whoever may do most there."""
    return _signed_in(visitor(), "helen")


@pytest.fixture
def nadia(visitor: Callable[[], Visitor]) -> Visitor:
    """The practice admin of Lumière."""
    return _signed_in(visitor(), "nadia")


@pytest.fixture
def olga(house: House, visitor: Callable[[], Visitor]) -> Visitor:
    """The platform's operator; works in no practice."""
    with db.scope():
        users.create_user("olga", "olga@example.com", "Olga", "Berg", demo.PASSWORD, is_operator=True)
    return _signed_in(visitor(), "olga")
