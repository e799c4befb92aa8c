"""One running Careroom and one Chromium for all journeys; each test has patients and windows of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core import audit, plugin_system
from core.plugin_system import plugin_settings
from tests.journeys.consultations import nobody_waits
from tests.journeys.people import People
from tests.support.browser import Watch, Windows, chromium
from tests.support.databases import SqliteTemplate
from tests.support.running import Careroom, running

RESULTS = Path(__file__).parents[2] / "test-results"
_FAILED = pytest.StashKey[bool]()

expect.set_options(timeout=15_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if (
        report.failed
        and isinstance(item, pytest.Function)
        and isinstance(open_windows := item.funcargs.get("windows"), Windows)
    ):
        report.sections.append(("what the windows showed", open_windows.words()))
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed  # type: ignore[attr-defined]
    return report


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as opened:
        yield opened


@pytest.fixture(scope="package")
def installation(
    seeded_sqlite_template: SqliteTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Careroom]:
    """Web process (eventlet) and worker over SQLite with the demonstration's two practices, for all files."""
    with _started(seeded_sqlite_template, tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module")
def installation_of_its_own(
    seeded_sqlite_template: SqliteTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Careroom]:
    """The same, in which nobody else left anything that waits, for a file whose tests count what is new: there,
    ``installation`` is this one."""
    with _started(seeded_sqlite_template, tmp_path_factory) as made:
        yield made


@contextmanager
def _started(
    seeded_sqlite_template: SqliteTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Careroom]:
    folder = tmp_path_factory.mktemp("careroom")
    with seeded_sqlite_template.copy(folder) as url, running(url, folder) as started:
        # Small pictures: two cores send, receive and check what up to four browsers show.
        with (
            started.inside(),
            started.at("riverside", write=True),
            audit.use_actor(audit.SYSTEM),
        ):
            plugin_settings.save(plugin_system.registry.get("video_call"), {"max_video_height": "360"})
        yield started


@pytest.fixture(scope="module")
def keys(installation: Careroom) -> dict[str, Any]:
    """Who has signed in at this installation need not do it again for the next test."""
    return {}


@pytest.fixture
def careroom(installation: Careroom) -> Iterator[Careroom]:
    """The running Careroom, whose database this test may look into."""
    installation.check()
    with installation.inside():
        yield installation


@pytest.fixture
def people(careroom: Careroom) -> Iterator[People]:
    """Makes patients for this test alone."""
    made = People(careroom)
    yield made
    if made.made:
        nobody_waits(careroom, made.made)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """What goes wrong in the windows of this test; it fails when something does that it did not expect."""
    seen = Watch()
    yield seen
    seen.check()


@pytest.fixture
def windows(
    browser: Browser,
    careroom: Careroom,
    people: People,  # whom the test leaves waiting are sent home when their windows are closed
    watch: Watch,
    keys: dict[str, Any],
    request: pytest.FixtureRequest,
) -> Iterator[Windows]:
    """Opens desks and phones."""
    opened = Windows(browser, careroom.url, watch, keys)
    yield opened
    if request.node.stash.get(_FAILED, False):
        opened.picture_all(RESULTS, re.sub(r"\W+", "-", request.node.name))
    opened.close()


@pytest.fixture
def clinician(windows: Windows) -> Page:
    """Amira's desk at Riverside."""
    return windows.clinician("amira")


@pytest.fixture
def phone(windows: Windows) -> Page:
    """The phone of a patient in Britain."""
    return windows.phone()


@pytest.fixture
def desk(windows: Windows) -> Callable[[str], Page]:
    """``desk("tom")``: a desk at which this person has signed in."""
    return windows.clinician
