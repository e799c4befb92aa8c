"""Redis is killed in the middle of a call and started again: picture and sound go on, and signalling comes back."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.plugins.video_call.line import rooms
from tests.support.databases import SqliteTemplate
from tests.support.running import Careroom, eventually, running
from tests.support.servers import free_port

pytestmark = [pytest.mark.browser, pytest.mark.redis, pytest.mark.timeout(240)]
HEARS = "(said) => heard.some(([name, one]) => name === 'control' && one.body?.open === said)"
SAY = "(open) => room.control('board', { board: 'page', open })"


class Redis:
    """A server at one address, however often it dies."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed")
        command = [
            program,
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        eventually(self._answers, 15, "Redis")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def redis() -> Iterator[Redis]:
    server = Redis()
    server.start()
    yield server
    server.kill()


@pytest.fixture
def with_redis(redis: Redis, seeded_sqlite_template: SqliteTemplate, tmp_path: Path) -> Iterator[Careroom]:
    """A Careroom whose sockets and limits are in this Redis."""
    address = f"redis://127.0.0.1:{redis.port}/0"
    with (
        seeded_sqlite_template.copy(tmp_path) as url,
        running(url, tmp_path, redis_url=address) as started,
        started.inside(),
    ):
        yield started


def test_the_call_goes_on_without_redis_and_is_signalled_again_with_it(
    with_redis: Careroom, redis: Redis, browser: Browser
) -> None:
    with rooms.windows(browser, with_redis.url) as window:
        made = rooms.consultation(with_redis)
        amira, patient = rooms.as_amira(window(), made), rooms.as_patient(window(), made)
        rooms.enter(patient)
        rooms.enter(amira)
        made.admit()
        rooms.flows(amira)
        rooms.flows(patient)
        eventually(lambda: made.state == "in_call", what="in_call")
        assert amira.evaluate(SAY, True)["ok"]
        patient.wait_for_function(HEARS, arg=True)

        redis.kill()
        rooms.flows(amira)
        rooms.flows(patient)
        state = f"/p/riverside/video_call/calls/{made.id}/state"
        answered = amira.evaluate("async (url) => (await (await fetch(url)).json()).state", state)
        assert answered == made.state == "in_call"

        redis.start()
        eventually(
            lambda: amira.evaluate(SAY, False)["ok"] and patient.evaluate(HEARS, False), 60, "signalling"
        )
        rooms.flows(amira)
        rooms.flows(patient)
        assert made.state == "in_call"
        made.hang_up()
        for page in (amira, patient):
            page.wait_for_function("room.state === 'ended'")
