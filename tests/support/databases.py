"""A fresh, migrated PostgreSQL database for each test; SQLite's are in core.testing.

On PostgreSQL the tests run in the application's role, as deploy/postgresql/roles.sql makes it: every policy holds
them too. What only the tables' owner may do goes through :func:`as_owner`.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from core import db
from core.testing.databases import KEYS, SqliteTemplate, migrate, settings_for

__all__ = [
    "APPLICATION",
    "KEYS",
    "OWNER",
    "PostgresTemplate",
    "SqliteTemplate",
    "as_owner",
    "make_roles",
    "owner_url",
    "settings_for",
]

OWNER, APPLICATION = "careroom_owner", "careroom_app"
ROLES_SQL = Path(__file__).parents[2] / "deploy" / "postgresql" / "roles.sql"


def owner_url(url: str) -> str:
    """The URL of the same database as the owner of its tables; SQLite has no roles."""
    if url.startswith("sqlite"):
        return ""
    return make_url(url).set(username=OWNER).render_as_string(hide_password=False)


@contextmanager
def as_owner() -> Iterator[Connection]:
    """A transaction on the test's database that nothing of ours holds back: to tamper, to break, to look."""
    if db.engine().dialect.name == "sqlite":
        with db.engine().begin() as connection:
            yield connection
        return
    url = db.engine().url.render_as_string(hide_password=False)
    engine = create_engine(owner_url(url), poolclass=NullPool)
    with engine.begin() as connection:
        yield connection


def make_roles(server_url: str) -> None:
    """Make the three roles in a server, by the very file that administrators run. Twice is as good as once."""
    url = make_url(server_url)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        known = set(connection.scalars(text("SELECT rolname FROM pg_roles")))
    if APPLICATION in known:
        return
    names = {"owner": OWNER, "application": APPLICATION, "database": "careroom_of_roles_sql"}
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    subprocess.run(
        ["psql", plain, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", ROLES_SQL]
        + [part for name, value in names.items() for part in ("-v", f"{name}={value}")],
        check=True,
    )


class PostgresTemplate:
    """One migrated PostgreSQL database, cloned for each test."""

    def __init__(self, server_url: str, folder: Path, *, seeded: bool) -> None:
        make_roles(server_url)
        self.url = make_url(server_url)
        self.name = f"template_{uuid4().hex}"
        self._run(f"CREATE DATABASE {self.name} OWNER {OWNER}")
        url = self._url_of(self.name)
        migrate(settings_for(url, folder, migration_url=owner_url(url)), seeded=seeded)

    def _url_of(self, name: str) -> str:
        return self.url.set(database=name, username=APPLICATION).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    def copy(self, folder: Path) -> AbstractContextManager[str]:
        return self._made(f"TEMPLATE {self.name}")

    def empty(self) -> AbstractContextManager[str]:
        """A database that nobody has migrated."""
        return self._made("")

    @contextmanager
    def _made(self, how: str) -> Iterator[str]:
        name = f"careroom_{uuid4().hex}"
        self._run(f"CREATE DATABASE {name} {how} OWNER {OWNER}")
        try:
            yield self._url_of(name)
        finally:
            db.dispose()
            self._run(f"DROP DATABASE {name} WITH (FORCE)")
