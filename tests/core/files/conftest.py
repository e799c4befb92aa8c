"""A database and a blob store of the test's own, two practices, and a worker that can be told to run.

A test marked ``both_stores`` runs with files on disk and with S3 (moto's server, over HTTP on loopback).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import db, files, jobs, settings, tenancy
from core.files import keys, pictures, rendering
from core.settings import Settings, new_master_key
from core.web import gate
from core.web.file_response import file_response
from core.web.routes import PatientRoutes
from core.web.uploads import mount
from tests.core.files import pictures_of
from tests.core.files.tus import Door, keeps, most_two
from tests.support.s3 import Bucket, S3Server, s3


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_stores: runs with files on disk and with S3")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "store_kind" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("both_stores") is not None
        metafunc.parametrize("store_kind", ["disk", "s3"] if both else ["disk"], scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Each database with files on disk, each store with SQLite: what one does is nothing to the other.
    def is_both(item: pytest.Item) -> bool:
        chosen = getattr(getattr(item, "callspec", None), "params", {})
        return chosen.get("store_kind") == "s3" and chosen.get("database_kind") == "postgresql"

    items[:] = [item for item in items if not is_both(item)]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    with s3() as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket of this test alone, and the environment that leads to it."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server.bucket()


@pytest.fixture
def store_settings(
    make_settings: Callable[..., Settings], store_kind: str, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    where = {"blob_url": request.getfixturevalue("bucket").url} if store_kind == "s3" else {}
    chosen = settings.configure(make_settings(master_key=new_master_key(), **where))
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
def blobs(store_settings: Settings, request: pytest.FixtureRequest) -> Callable[[], list[Any]]:
    """Every object in the blob store: paths, or what answers to the same names."""
    if store_settings.blob_url.startswith("s3://"):
        bucket: Bucket = request.getfixturevalue("bucket")
        return bucket.objects
    root = Path(store_settings.blob_url.removeprefix("file://"))
    return lambda: sorted(path for path in root.rglob("*") if path.is_file())


@pytest.fixture
def door(practice: UUID) -> Door:
    return Door(practice)


@pytest.fixture
def app(door: Door) -> Flask:
    """Takes uploads, and shows the pictures that became of them."""
    app = Flask(__name__)
    app.url_value_preprocessor(gate._take_values)
    app.url_defaults(gate._give_values)
    app.before_request(door.open)
    routes = PatientRoutes("photos", __name__)
    mount(routes, "/uploads", purpose="photos.send", allow=most_two, finished=keeps, max_size=2_000_000)
    app.register_blueprint(routes)

    @app.get("/picture/<uuid:file_id>/<name>")
    def picture(file_id: UUID, name: str) -> Any:
        with db.scope(door.practice, write=False):
            return file_response(files.get(file_id), name)

    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG as a phone makes it, of some hundred kilobytes."""
    return pictures_of.jpeg(pictures_of.scene(1600, 1200))


@pytest.fixture(scope="session", autouse=True)
def no_child_left() -> Iterator[None]:
    yield
    pictures.close()
