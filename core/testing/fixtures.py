"""The fixtures. Each may be overridden in a conftest.py: ``database_url`` for another database, say.

PYTEST_DONT_REWRITE: nothing is asserted here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from core import audit, db, i18n, settings
from core.patients import Patient
from core.plugin_system import registry, wiring
from core.settings import Settings
from core.testing import house as houses
from core.testing.databases import SqliteTemplate, settings_for
from core.testing.house import House, Phone, Visitor
from core.testing.practices import Events, Outbox, Practices

INI = "careroom_plugin"


def pytest_addoption(parser: pytest.Parser) -> None:
    """The setting that names the plugin under test."""
    parser.addini(INI, "The plugin that these tests are about: on in the first practice, off in the second.")


# --- the house ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    """A migrated SQLite file, empty."""
    return SqliteTemplate(tmp_path_factory.mktemp("sqlite"), seeded=False)


@pytest.fixture(scope="session")
def seeded_sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    """A migrated SQLite file with the demonstration's two practices."""
    return SqliteTemplate(tmp_path_factory.mktemp("sqlite"), seeded=True)


@pytest.fixture
def database_url(seeded_sqlite_template: SqliteTemplate, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh, migrated database of this test alone."""
    with seeded_sqlite_template.copy(tmp_path) as url:
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
    chosen = settings.configure(make_settings())
    db.configure(chosen)
    wiring.start(chosen)
    yield chosen
    db.dispose()
    audit.clear_context()
    i18n.set_language("en")  # a page that this test asked for may have been French


@pytest.fixture
def house(configured: Settings) -> House:
    """Two practices with people in them; every plugin is on in both."""
    return houses.make(configured)


@pytest.fixture
def app(house: House) -> Iterator[Flask]:
    """The web application of this house."""
    from core.app import create_app
    from core.realtime.sockets import bus_of

    made = create_app(house.settings)
    yield made
    bus_of(made).stop()  # it hears every commit of this process, and would be kept for that


@pytest.fixture
def visitor(app: Flask) -> Callable[[], Visitor]:
    """Make visitors: ``visitor()`` is a new browser; ``visitor().sign_in("amira")`` signs in."""
    return lambda: Visitor(app, app.test_client())


# --- the plugin under test ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def plugin_name(pytestconfig: pytest.Config) -> str:
    """The plugin that these tests are about (``careroom_plugin`` in pytest's settings)."""
    name = str(pytestconfig.getini(INI))
    if not name:
        raise pytest.UsageError(f"say which plugin these tests are about: {INI} = ... in pytest's settings")
    return name


@pytest.fixture
def practices(house: House, plugin_name: str) -> Practices:
    """Two practices: the plugin is on in the first (``here``) and off in the second (``elsewhere``)."""
    if plugin_name not in registry:
        why = {refusal.name: refusal.reason for refusal in registry.refused}.get(plugin_name, "not installed")
        raise pytest.UsageError(f"there is no plugin {plugin_name}: {why}")
    both = Practices(house, plugin_name)
    both.switch(on=False, at=both.elsewhere)
    return both


@pytest.fixture
def patient(practices: Practices) -> Patient:
    """Margaret Whitfield, a patient of the practice where the plugin is on, with mobile number and e-mail."""
    return practices.house.patient(practices.here, practices.house.patient_id(practices.here, "Whitfield"))


@pytest.fixture
def clinician(practices: Practices, visitor: Callable[[], Visitor]) -> Visitor:
    """Amira, a clinician of the practice where the plugin is on, signed in."""
    return _signed_in(visitor(), "amira")


@pytest.fixture
def receptionist(practices: Practices, visitor: Callable[[], Visitor]) -> Visitor:
    """Grace, at the reception of the same practice."""
    return _signed_in(visitor(), "grace")


@pytest.fixture
def practice_admin(practices: Practices, visitor: Callable[[], Visitor]) -> Visitor:
    """Helen, admin and clinician of the same practice."""
    return _signed_in(visitor(), "helen")


@pytest.fixture
def stranger(practices: Practices, visitor: Callable[[], Visitor]) -> Visitor:
    """Nadia, admin and clinician of the other practice, where the plugin is off."""
    return _signed_in(visitor(), "nadia")


def _signed_in(browser: Visitor, username: str) -> Visitor:
    browser.sign_in(username)
    return browser


@pytest.fixture
def outbox(practices: Practices) -> Outbox:
    """The messages of the plugin."""
    return Outbox(practices)


@pytest.fixture
def events(practices: Practices) -> Events:
    """What the plugin published since the test began."""
    return Events(practices)


@pytest.fixture
def open_link(app: Flask, house: House, outbox: Outbox) -> Callable[..., Phone]:
    """A patient's phone behind a link, past the date of birth: the newest in the outbox, or the one that is given."""
    return lambda path=None: houses.open_link(app, house, path or outbox.link())


@pytest.fixture
def work(house: House) -> Callable[[], None]:
    """Do everything that is due, as the worker would, and what that brings about."""
    return house.work
