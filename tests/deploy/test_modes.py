"""The real application in each of its three modes: a page, its socket, an event; and no query stops the others."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from core import demo
from core.server import MODES
from tests.core.realtime.live import Page
from tests.journeys import acting
from tests.journeys.people import People, Person
from tests.support.databases import PostgresTemplate, owner_url
from tests.support.running import Careroom, eventually, running

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module", params=MODES)
def installation(
    request: pytest.FixtureRequest,
    seeded_postgres_template: PostgresTemplate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Careroom]:
    folder = tmp_path_factory.mktemp(request.param)
    with (
        seeded_postgres_template.copy(folder) as url,
        running(url, folder, async_mode=request.param) as started,
    ):
        yield started


@pytest.fixture
def careroom(installation: Careroom) -> Iterator[Careroom]:
    with installation.inside():
        yield installation


class Desk(Page):
    """Amira's browser at a patient's page of the real application, without a screen."""

    def __init__(self, careroom: Careroom, person: Person) -> None:
        port = int(careroom.url.rpartition(":")[2])
        self.server = SimpleNamespace(url=careroom.url, port=port)  # type: ignore[assignment]
        self.http = requests.Session()
        self.path, self.link = person.path, None
        page = self.http.get(f"{careroom.url}/login", timeout=20).text
        token = _found(r'name="csrf-token" content="([^"]+)"', page)
        signed_in = self.http.post(
            f"{careroom.url}/login",
            {"username": "amira", "password": demo.PASSWORD},
            headers={"X-CSRFToken": token, "Referer": f"{careroom.url}/login"},
            timeout=20,
        )
        signed_in.raise_for_status()
        workspace = self.read()
        self.ticket = _found(r'data-ticket="([^"]+)"', workspace)
        self.seq = int(_found(r'data-seq="(\d+)"', workspace))
        self.events, self.messages, self.resets, self.closed = [], [], 0, True
        self._answers, self._number, self._ws = {}, 0, None

    def read(self) -> str:
        answer = self.http.get(f"{self.server.url}{self.path}", timeout=60)
        answer.raise_for_status()
        return answer.text


def _found(pattern: str, page: str) -> str:
    match = re.search(pattern, page)
    assert match is not None, f"the page has no {pattern}"
    return html.unescape(match[1])


@pytest.fixture
def desk(careroom: Careroom) -> Iterator[Desk]:
    opened = Desk(careroom, People(careroom).new())
    yield opened
    opened.cut()
    opened.http.close()


def test_a_page_hears_what_happens_and_reads_what_is_new(careroom: Careroom) -> None:
    person = People(careroom).new()
    desk = Desk(careroom, person)
    try:
        assert desk.connect().join() == {"ok": True}
        assert "Asked by" not in desk.read()
        acting.ask_for_photos(careroom, person)
        eventually(lambda: any(str(event["topic"]).startswith("photo_request.") for event in desk.events))
        assert "Asked by" in desk.read()
        eventually(
            lambda: [m.state for m in acting.messages_to(careroom, person)] == ["delivered"],
            what="the message",
        )
    finally:
        desk.cut()
        desk.http.close()


def test_a_query_that_waits_in_postgresql_keeps_nobody_else_waiting(careroom: Careroom, desk: Desk) -> None:
    """psycopg2 would hold the whole process for it, if its waits were not the hub's."""
    desk.connect().join()
    owner = create_engine(owner_url(careroom.settings.database_url), poolclass=NullPool)
    waits: list[float] = []
    with ThreadPoolExecutor(1) as pool, owner.connect() as connection:
        connection.execute(text("LOCK TABLE core_patient IN ACCESS EXCLUSIVE MODE"))
        held = pool.submit(desk.read)
        eventually(lambda: _waiting(owner_url(careroom.settings.database_url)), what="the query that waits")
        for _ in range(20):
            begun = time.monotonic()
            assert requests.get(f"{careroom.url}/healthz", timeout=10).status_code == 200
            assert desk.ask("join", {"ticket": desk.ticket, "seq": desk.seq}) == {"ok": True}
            waits.append(time.monotonic() - begun)
        assert not held.done()
        connection.rollback()
        assert "Photos" in held.result(30)
    assert sorted(waits)[len(waits) // 2] < 1


def _waiting(url: str) -> bool:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))
