"""A fresh, migrated database for each test: a copy of one that was migrated once a session."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from core import db, demo, settings
from core.cli_start import bring_up_to_date
from core.plugin_system import wiring
from core.settings import Settings

KEYS: Final = {"secret_key": "test-secret-key-test-secret-key-test", "master_key": "A" * 43}


def settings_for(url: str, folder: Path, **changes: Any) -> Settings:
    """Settings of a test; nothing is read from the environment's own files."""
    here: dict[str, Any] = {"identity_provider_hosts": ("127.0.0.1",)}  # where those of tests answer
    values: dict[str, Any] = {"async_mode": "threading", **here, **KEYS, **changes}
    return Settings(environment="test", database_url=url, data_dir=folder, **values)


def migrate(chosen: Settings, *, seeded: bool) -> None:
    """Bring the database of these settings up to date; ``seeded``: with the demonstration's practices in it."""
    settings.configure(chosen)
    db.configure(chosen)
    wiring.start(chosen)
    bring_up_to_date()
    if seeded:
        demo.seed()
    db.dispose()


class SqliteTemplate:
    """One migrated SQLite file, copied for each test; ``seeded``: with the demonstration's practices in it."""

    def __init__(self, folder: Path, *, seeded: bool) -> None:
        self.file = folder / "template.db"
        migrate(settings_for(f"sqlite:///{self.file}", folder), seeded=seeded)

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        """The URL of a copy in ``folder``."""
        target = folder / "careroom.db"
        shutil.copy(self.file, target)
        yield f"sqlite:///{target}"
