"""`careroom serve` with several processes: what dies is replaced, what was under way is done, stopping is orderly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core import db
from core.notifications import Notification
from tests.deploy.grown import Redis, Served, is_ready
from tests.journeys import acting
from tests.journeys.people import People
from tests.support.databases import SqliteTemplate
from tests.support.running import ROOT, environment_of, eventually
from tests.support.servers import Unavailable

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    try:
        server = Redis(tmp_path_factory.mktemp("redis"))
    except Unavailable as error:
        pytest.skip(str(error))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def installation(
    seeded_sqlite_template: SqliteTemplate, redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    with seeded_sqlite_template.copy(folder) as url:
        served = Served(url, folder, redis_url=redis.url)
        try:
            served.start()
            yield served
            served.stop()  # raises unless it ends with 0
            assert not any(map(_answers, served.ports))
        finally:
            served.kill()


@pytest.fixture
def served(installation: Served) -> Iterator[Served]:
    with installation.inside():
        yield installation


def _answers(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def test_a_killed_web_process_is_replaced_while_the_other_serves(served: Served) -> None:
    first, second = served.ports
    before = served.children("core.server")
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: not _answers(first), 5, "the death")
    while not is_ready(first):
        assert _answers(second)
        time.sleep(0.05)
    after = served.children("core.server")
    assert after[1] == before[1]
    assert after[0] not in before


def test_a_killed_worker_is_replaced_and_every_message_arrives_once(served: Served) -> None:
    people = People(served)
    asked = [people.new() for _ in range(24)]
    (before,) = served.children("core.cli")
    for number, person in enumerate(asked):
        acting.ask_for_photos(served, person)
        if number == 12:
            os.kill(before, signal.SIGKILL)  # in the middle of them
    # The first of its messages comes again when the dead worker's lease is over: time passes here, not in the test.
    with served.at("riverside", write=True) as session:
        session.execute(
            update(Notification)
            .where(Notification.state == "sending")
            .values(lease_until=db.utcnow() - timedelta(seconds=1))
        )
    ids = [person.id for person in asked]

    def states() -> list[str]:
        with served.at("riverside") as session:
            return list(session.scalars(select(Notification.state).where(Notification.patient_id.in_(ids))))

    eventually(lambda: states() == ["delivered"] * len(asked), 30, "the delivery of every message")
    (after,) = served.children("core.cli")
    assert after != before


def test_hang_up_replaces_every_process_and_somebody_always_answers(served: Served) -> None:
    before = {*served.children("core.server"), *served.children("core.cli")}
    assert served.supervisor is not None
    served.supervisor.send_signal(signal.SIGHUP)
    end = time.monotonic() + 150
    while {*served.children("core.server"), *served.children("core.cli")} & before or not all(
        map(is_ready, served.ports)
    ):
        assert any(map(_answers, served.ports))
        assert time.monotonic() < end, served.log("serve")
        time.sleep(0.05)
    assert len(served.children("core.server")) == 2
    assert len(served.children("core.cli")) == 1


def test_a_killed_supervisor_leaves_no_process_behind(
    seeded_sqlite_template: SqliteTemplate, tmp_path: Path
) -> None:
    with seeded_sqlite_template.copy(tmp_path) as url:
        served = Served(url, tmp_path, web=1)
        try:
            served.start()
            children = served.children("core.server") + served.children("core.cli")
            assert len(children) == 2
        finally:
            served.kill()
        eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children), 20, "their end")


def test_a_taken_port_is_said_and_nothing_stays(
    seeded_sqlite_template: SqliteTemplate, tmp_path: Path
) -> None:
    with seeded_sqlite_template.copy(tmp_path) as url, socket.socket() as taken:
        served = Served(url, tmp_path, web=1)
        taken.bind(("127.0.0.1", served.ports[0]))
        taken.listen()
        answer = _serve(served, "--port", str(served.ports[0]))
        assert answer.returncode == 1
        assert "Address already in use" in answer.stderr


def test_several_web_processes_need_redis(seeded_sqlite_template: SqliteTemplate, tmp_path: Path) -> None:
    with seeded_sqlite_template.copy(tmp_path) as url:
        answer = _serve(Served(url, tmp_path, web=2), "--workers", "2")
        assert answer.returncode == 1
        assert "CAREROOM_REDIS_URL" in answer.stderr


def _serve(served: Served, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core.cli", "serve", *arguments],
        env=environment_of(served.settings), cwd=ROOT, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
