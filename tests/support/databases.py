"""A fresh, migrated database for each test: a copy of one that was migrated once a session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text

from core import db, demo, settings
from core.cli import _migrate
from core.plugin_system import wiring
from core.settings import Settings

KEYS = {"secret_key": "test-secret-key-test-secret-key-test", "master_key": "A" * 43}


def settings_for(url: str, folder: Path, **changes: object) -> Settings:
    """Settings of a test; nothing is read from the environment's own files."""
    return Settings(
        environment="test",
        database_url=url,
        data_dir=folder,
        **{"async_mode": "threading", **KEYS, **changes},
    )


def _migrated(url: str, folder: Path, *, seeded: bool) -> None:
    chosen = settings.configure(settings_for(url, folder))
    db.configure(chosen)
    wiring.start(chosen)
    _migrate()
    if seeded:
        demo.seed()
    db.dispose()


class SqliteTemplate:
    """One migrated SQLite file, copied for each test; ``seeded``: with the demonstration's practices in it."""

    def __init__(self, folder: Path, *, seeded: bool) -> None:
        self.file = folder / "template.db"
        _migrated(f"sqlite:///{self.file}", folder, seeded=seeded)

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        target = folder / "careroom.db"
        shutil.copy(self.file, target)
        yield f"sqlite:///{target}"


class PostgresTemplate:
    """One migrated PostgreSQL database, cloned for each test."""

    def __init__(self, server_url: str, folder: Path, *, seeded: bool) -> None:
        self.url = make_url(server_url)
        self.name = f"template_{uuid4().hex}"
        self._run(f"CREATE DATABASE {self.name}")
        _migrated(self._url_of(self.name), folder, seeded=seeded)

    def _url_of(self, name: str) -> str:
        return self.url.set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        name = f"careroom_{uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {self.name}")
        try:
            yield self._url_of(name)
        finally:
            db.dispose()
            self._run(f"DROP DATABASE {name} WITH (FORCE)")
