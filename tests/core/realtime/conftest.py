"""A database with the bus's tables and two practices; no plugin, no house."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text

from core import db, settings, tenancy
from core.realtime import models
from core.settings import Settings
from tests.core.realtime.live import Server, serving

MODES = ("eventlet", "gevent", "threading")
SECRET = "a-secret-for-tests-that-is-long-enough"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database: SQLite, then PostgreSQL (CAREROOM_TEST_POSTGRES_URL, or one started for the session)."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'careroom.db'}"
        return
    given = os.environ.get("CAREROOM_TEST_POSTGRES_URL")
    server = make_url(given or request.getfixturevalue("postgres_server"))
    name = f"realtime_{uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.set(database=name).render_as_string(hide_password=False)
    db.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'careroom.db'}"


def prepare(url: str, folder: Path, **changes: object) -> Settings:
    """Configure this process for a database with the bus's tables, made if need be."""
    made = Settings(
        environment="test", database_url=url, data_dir=folder, secret_key=SecretStr(SECRET), **changes
    )
    chosen = settings.configure(made)
    db.configure(chosen)
    tables = [tenancy.Practice.__table__, models.Event.__table__, models.EventHead.__table__]
    db.Base.metadata.create_all(db.engine(), tables=tables)
    return chosen


@pytest.fixture
def chosen(bare_url: str, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a prepared database, on both kinds."""
    yield prepare(bare_url, tmp_path)
    db.dispose()


@pytest.fixture
def embedded(sqlite_url: str, tmp_path: Path) -> Iterator[Callable[..., Settings]]:
    """The same on SQLite only, with changes: ``embedded(redis_url=...)``."""
    yield lambda **changes: prepare(sqlite_url, tmp_path, **changes)
    db.dispose()


@pytest.fixture
def make_practice() -> Callable[[str], UUID]:
    """Make a practice by its slug; the database must be prepared."""

    def make(slug: str) -> UUID:
        with db.scope():
            return tenancy.create_practice(slug, slug.title()).id

    return make


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server a mode, over SQLite; most tests need none of their own."""
    folder = tmp_path_factory.mktemp(request.param)
    chosen = prepare(f"sqlite:///{folder / 'careroom.db'}", folder)
    with serving(chosen, request.param) as started:
        assert started.state()["mode"] == request.param
        yield started


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    prepare(running.chosen.database_url, running.chosen.data_dir)
    yield running
    running.forget()
    db.dispose()


@pytest.fixture(params=MODES)
def mortal(request: pytest.FixtureRequest, embedded: Callable[..., Settings]) -> Iterator[Server]:
    """A server of this test alone, to be ended."""
    with serving(embedded(), request.param) as started:
        yield started


@pytest.fixture
def practice(request: pytest.FixtureRequest, make_practice: Callable[[str], UUID]) -> UUID:
    """A new practice in the database of the test's server."""
    request.getfixturevalue("mortal" if "mortal" in request.fixturenames else "server")
    return make_practice(f"p-{uuid4()}")
