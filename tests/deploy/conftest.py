"""The grown size, once for this folder: PostgreSQL in the application's role, Redis, two web processes, nginx, S3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.deploy.grown import Nginx, Redis, Served, grown
from tests.journeys.people import People
from tests.support import browser as browsers
from tests.support.browser import Watch, Windows
from tests.support.databases import PostgresTemplate
from tests.support.s3 import s3
from tests.support.servers import Unavailable

expect.set_options(timeout=15_000)


@pytest.fixture(scope="package")
def whole(
    seeded_postgres_template: PostgresTemplate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, Nginx, Redis]]:
    folder = tmp_path_factory.mktemp("grown")
    with ExitStack() as stack:
        url = stack.enter_context(seeded_postgres_template.copy(folder))
        store = stack.enter_context(s3())
        changed = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in store.environment.items():
            changed.setenv(name, value)
        try:
            yield stack.enter_context(grown(url, folder, blob_url=store.bucket().url))
        except Unavailable as error:
            pytest.skip(str(error))


@pytest.fixture
def careroom(whole: tuple[Served, Nginx, Redis]) -> Iterator[Served]:
    with whole[0].inside():
        yield whole[0]


@pytest.fixture
def nginx(whole: tuple[Served, Nginx, Redis]) -> Nginx:
    return whole[1]


@pytest.fixture
def redis(whole: tuple[Served, Nginx, Redis]) -> Redis:
    return whole[2]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium that takes nginx's certificate, which nobody else trusts."""
    with pytest.MonkeyPatch.context() as changed, sync_playwright() as playwright:
        changed.setattr(browsers, "_ARGUMENTS", (*browsers._ARGUMENTS, "--ignore-certificate-errors"))
        with browsers.chromium(playwright) as opened:
            yield opened


@pytest.fixture
def people(careroom: Served) -> People:
    return People(careroom)


@pytest.fixture
def watch() -> Iterator[Watch]:
    seen = Watch()
    yield seen
    seen.check()


@pytest.fixture
def windows(browser: Browser, careroom: Served, watch: Watch) -> Iterator[Windows]:
    opened = Windows(browser, careroom.url, watch, {})
    yield opened
    opened.close()
