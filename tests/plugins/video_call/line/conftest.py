"""One running Careroom and one Chromium with false cameras for all tests of the line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from pydantic import SecretStr

from tests.plugins.video_call.line import network, rooms
from tests.support import browser as browsers
from tests.support.databases import SqliteTemplate
from tests.support.running import Careroom, running
from tests.support.servers import free_port


@pytest.fixture(scope="package")
def playwright_here() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright_here: Playwright) -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as changed:
        # The relay's certificate for TLS is of the tests' own making.
        extra = (*rooms.FAKE_MEDIA, "--ignore-certificate-errors")
        changed.setattr(browsers, "_ARGUMENTS", (*browsers._ARGUMENTS, *extra))
        with browsers.chromium(playwright_here) as opened:
            yield opened


@pytest.fixture(scope="package")
def turn_port() -> int:
    """Where the relay listens, in the tests that start one."""
    return free_port()


@pytest.fixture(scope="package")
def installation(
    seeded_sqlite_template: SqliteTemplate, tmp_path_factory: pytest.TempPathFactory, turn_port: int
) -> Iterator[Careroom]:
    folder = tmp_path_factory.mktemp("line")
    relay = {
        "turn_urls": (f"turn:{network.HUB}:{turn_port}?transport=udp",),
        "turn_secret": SecretStr(network.SECRET),
    }
    with seeded_sqlite_template.copy(folder) as url, running(url, folder, **relay) as started:
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
