"""A worker's own port: metrics, health, readiness; and what it does when others are there already."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from core.observability.readiness import Readiness, Reason
from core.observability.worker_port import WorkerPort
from core.settings import Settings
from tests.support.servers import free_port


@pytest.fixture
def start(make_settings: Callable[..., Settings]) -> Iterator[Callable[..., WorkerPort]]:
    started: list[WorkerPort] = []

    def make(reason: Reason | None = None, **changes: object) -> WorkerPort:
        port = WorkerPort(make_settings(**changes), lambda: reason)
        port.start()
        started.append(port)
        return port

    yield make
    for port in started:
        port.stop()


def ask(port: WorkerPort, path: str, **headers: str) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port.port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_without_a_setting_there_is_no_port(start: Callable[..., WorkerPort]) -> None:
    assert start().port is None


def test_it_answers_health_readiness_and_metrics(start: Callable[..., WorkerPort]) -> None:
    ready, waiting = start(metrics_port=free_port()), start("migrations", metrics_port=free_port())
    assert ask(ready, "/healthz") == (200, '{"status": "up"}')
    assert ask(ready, "/readyz") == (200, '{"status": "ready"}')
    assert ask(waiting, "/readyz") == (503, '{"status": "waiting", "reason": "migrations"}')
    assert "careroom_job_seconds" in ask(ready, "/metrics")[1]
    assert ask(ready, "/elsewhere")[0] == 404


def test_the_token_is_asked_for_here_too(start: Callable[..., WorkerPort]) -> None:
    port = start(metrics_port=free_port(), metrics_token="t0ken")
    assert ask(port, "/metrics")[0] == 404
    assert ask(port, "/metrics", Authorization="Bearer t0ken")[0] == 200


def test_a_second_worker_takes_the_next_port(start: Callable[..., WorkerPort]) -> None:
    wanted = free_port()
    first, second = start(metrics_port=wanted), start(metrics_port=wanted)
    assert first.port == wanted
    assert second.port is not None
    assert second.port > wanted
    assert ask(second, "/healthz")[0] == 200


def test_readiness_says_database_or_migrations(configured: Settings) -> None:
    from core import db, plugin_system

    assert Readiness().why_not(plugin_system.registry.branches()) is None
    with db.engine().begin() as connection:
        connection.exec_driver_sql("DELETE FROM alembic_version")
    assert Readiness().why_not(plugin_system.registry.branches()) == "migrations"
