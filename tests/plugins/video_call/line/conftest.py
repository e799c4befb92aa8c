"""One running Careroom and one Chromium with false cameras for all tests of the line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.plugins.video_call.line import rooms
from tests.support import browser as browsers
from tests.support.databases import SqliteTemplate
from tests.support.running import Careroom, running


@pytest.fixture(scope="session")
def playwright_here() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright_here: Playwright) -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(browsers, "_ARGUMENTS", (*browsers._ARGUMENTS, *rooms.FAKE_MEDIA))
        with browsers.chromium(playwright_here) as opened:
            yield opened


@pytest.fixture(scope="package")
def installation(
    seeded_sqlite_template: SqliteTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Careroom]:
    folder = tmp_path_factory.mktemp("line")
    with seeded_sqlite_template.copy(folder) as url, running(url, folder) as started:
        yield started


@pytest.fixture
def careroom(installation: Careroom) -> Iterator[Careroom]:
    with installation.inside():
        yield installation


@pytest.fixture
def window(browser: Browser, careroom: Careroom) -> Iterator[Callable[[], Page]]:
    with rooms.windows(browser, careroom.url) as opened:
        yield opened


@pytest.fixture
def made(careroom: Careroom) -> Any:
    """A consultation whose patient waits."""
    return rooms.consultation(careroom)
