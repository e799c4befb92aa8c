"""A database and a blob store of the test's own, two practices, and a worker that can be told to run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from core import db, files, jobs, settings, tenancy
from core.files import keys, pictures, rendering
from core.settings import Settings, new_master_key
from tests.core.files import pictures_of


@pytest.fixture
def store_settings(make_settings: Callable[..., Settings]) -> Iterator[Settings]:
    chosen = settings.configure(make_settings(master_key=new_master_key()))
    db.configure(chosen)
    keys.forget()
    rendering.forget_listeners()
    jobs.clear()
    jobs.register(*files.JOBS)
    yield chosen
    rendering.forget_listeners()
    jobs.clear()
    db.dispose()


@pytest.fixture
def practice(store_settings: Settings) -> UUID:
    with db.scope():
        return tenancy.create_practice("riverside", "Riverside Surgery").id


@pytest.fixture
def other_practice(store_settings: Settings) -> UUID:
    with db.scope():
        return tenancy.create_practice("lumiere", "Cabinet Lumière", language="fr-FR").id


@pytest.fixture
def blobs(store_settings: Settings) -> Callable[[], list[Path]]:
    """Every file in the blob store, by path."""
    root = Path(store_settings.blob_url.removeprefix("file://"))
    return lambda: sorted(path for path in root.rglob("*") if path.is_file())


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG as a phone makes it, of some hundred kilobytes."""
    return pictures_of.jpeg(pictures_of.scene(1600, 1200))


@pytest.fixture(scope="session", autouse=True)
def no_child_left() -> Iterator[None]:
    yield
    pictures.close()
