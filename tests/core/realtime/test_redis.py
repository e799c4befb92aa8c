"""With Redis the processes wake each other; with Redis stopped nothing is lost."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
import redis

from core import db, realtime
from core.realtime import wakes
from core.settings import Settings
from tests.core.realtime.live import Page, eventually, serving
from tests.support.servers import free_port

pytestmark = pytest.mark.redis
A = "demo.a:1"


class Redis:
    """A Redis server on a port of its own, which can stop and start again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        with redis.Redis.from_url(self.url) as client:
            eventually(lambda: self._answers(client))

    @staticmethod
    def _answers(client: redis.Redis) -> bool:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Redis]:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed")
    running = Redis(tmp_path)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def chosen(embedded: Callable[..., Settings], server: Redis) -> Iterator[Settings]:
    made = embedded(redis_url=server.url)
    wakes.configure(made)  # this test's process stands for a worker
    yield made
    wakes.configure(embedded())


@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_a_wake_arrives_at_once_and_a_stopped_redis_loses_nothing(
    mode: str, chosen: Settings, server: Redis, make_practice: Callable[[str], UUID]
) -> None:
    practice = make_practice("riverside")
    with serving(chosen, mode) as web, serving(chosen, mode) as other_web:
        page, other = Page(web, practice, A).connect(), Page(other_web, practice, A).connect()
        assert page.join() == other.join() == {"ok": True}
        first = iter(range(1000))
        eventually(lambda: max(_delay(practice, page, next(first)) for _ in range(4)) < 0.15)

        server.stop()
        for number in range(1000, 1010):
            with db.scope(practice):
                realtime.publish(A, "counted", number=number)
        eventually(lambda: page.numbers[-1] == other.numbers[-1] == 1009, 3)
        server.start()
        web.publish(practice, A, 1010)
        eventually(lambda: page.numbers[-1] == other.numbers[-1] == 1010, 5)
        second = iter(range(2000, 3000))
        eventually(lambda: max(_delay(practice, page, next(second)) for _ in range(4)) < 0.15, 20)
        eventually(lambda: page.seq == other.seq)
        for heard in (page.numbers, other.numbers):
            assert heard == sorted(set(heard))
            assert set(range(1000, 1011)) <= set(heard)
        assert page.numbers == other.numbers


def _delay(practice: UUID, page: Page, number: int) -> float:
    """How long an event of this process takes to a page of the other: under the look's interval only by a wake."""
    begun = time.monotonic()
    with db.scope(practice):
        realtime.publish(A, "counted", number=number)
    eventually(lambda: number in page.numbers)
    return time.monotonic() - begun


def test_a_plugin_s_message_reaches_the_other_process(
    chosen: Settings, make_practice: Callable[[str], UUID]
) -> None:
    practice = make_practice("riverside")
    with serving(chosen, "eventlet") as web, serving(chosen, "eventlet") as other_web:
        page, other = Page(web, practice, A).connect(), Page(other_web, practice, A).connect()
        assert page.join() == other.join() == {"ok": True}
        eventually(lambda: _said(page, other))


def _said(page: Page, other: Page) -> bool:
    page.ask("demo.say", {"topic": A, "text": "hello"})
    time.sleep(0.1)
    return ["demo.said", {"text": "hello"}] in other.messages


def test_a_handler_does_not_wait_for_a_redis_that_is_gone(
    chosen: Settings, server: Redis, make_practice: Callable[[str], UUID]
) -> None:
    practice = make_practice("riverside")
    with serving(chosen, "eventlet") as web:
        page, near = Page(web, practice, A).connect(), Page(web, practice, A).connect()
        assert page.join() == near.join() == {"ok": True}
        server.stop()
        begun = time.monotonic()
        assert page.ask("demo.say", {"topic": A, "text": "hello"})["ok"]
        web.publish(practice, A, 1)
        assert time.monotonic() - begun < 1
        eventually(lambda: ["demo.said", {"text": "hello"}] in near.messages)
        eventually(lambda: near.numbers == [1])
