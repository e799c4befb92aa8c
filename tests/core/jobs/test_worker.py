"""The worker as a process: fair, graceful, never doubling, and back after the database was away."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from core import db, jobs
from core.jobs import Job, JobRow, wakeup
from core.notifications import Notification
from core.worker import Worker, drain
from tests.peers.clinic import Clinic
from tests.peers.twilio_server import ACCOUNT_SID, AUTH_TOKEN, twilio_server

pytestmark = pytest.mark.both_databases

ROOT = Path(__file__).parents[3]


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def workers(clinic: Clinic, count: int = 1, **changes: Any) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Worker processes on the clinic's database; ended at the end, by force if they do not want to."""
    chosen = {
        "environment": "test",
        "database_url": clinic.settings.database_url,
        "data_dir": str(clinic.settings.data_dir),
        "secret_key": "s" * 40,
        "base_url": "https://care.example",
        "provider_timeout_seconds": 5,
        **changes,
    }
    command = [sys.executable, "-m", "tests.peers.worker_process", json.dumps(chosen)]
    running = [subprocess.Popen(command, cwd=ROOT) for _each in range(count)]
    try:
        yield running
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def states(clinic: Clinic) -> Counter[str]:
    with clinic.at(write=False) as session:
        rows = session.execute(select(Notification.state, func.count()).group_by(Notification.state))
        return Counter({str(row.state): row[1] for row in rows})


def test_two_workers_deliver_200_messages_and_none_twice(clinic: Clinic) -> None:
    with twilio_server(seed=7) as peer:
        clinic.send(count=200)
        with workers(
            clinic,
            2,
            sms_backend="twilio",
            twilio_account_sid=ACCOUNT_SID,
            twilio_auth_token=AUTH_TOKEN,
            twilio_from="+441632960001",
            twilio_api_base=peer.url,
        ) as processes:
            until(lambda: states(clinic) == {"sent": 200}, 60)
            assert [process.poll() for process in processes] == [None, None]
        handed_over = Counter(parse_qs(urlsplit(one.callback or "").query)["n"][0] for one in peer.sent)
    assert len(handed_over) == 200
    assert set(handed_over.values()) == {1}


def test_two_workers_run_each_job_once(clinic: Clinic, tmp_path: Path) -> None:
    folder = tmp_path / "jobs"
    folder.mkdir()
    with clinic.at():
        for number in range(60):
            jobs.enqueue("core.count", folder=str(folder), name=f"{number}")
    with workers(clinic, 2):
        until(lambda: len(list(folder.iterdir())) == 60)
        until(lambda: not left(clinic, "core.count"))


def left(clinic: Clinic, kind: str) -> list[tuple[str, str | None]]:
    with clinic.at(write=False) as session:
        rows = session.execute(select(JobRow.state, JobRow.last_error).where(JobRow.kind == kind))
        return [(state, error) for state, error in rows]


def test_a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand(clinic: Clinic, tmp_path: Path) -> None:
    with clinic.at():
        jobs.enqueue("core.slow", folder=str(tmp_path), seconds=1.0)
    with workers(clinic) as [process]:
        until((tmp_path / "begun").exists)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert (tmp_path / "done").exists()
    assert left(clinic, "core.slow") == []


def test_a_killed_worker_leaves_nothing_behind_that_is_lost(clinic: Clinic, tmp_path: Path) -> None:
    with clinic.at():
        job_id = jobs.enqueue("core.slow", folder=str(tmp_path), seconds=30).id
    with workers(clinic) as [process]:
        until((tmp_path / "begun").exists)
        process.kill()
        process.wait()
    with clinic.at():
        row = db.get(JobRow, job_id)
        assert row is not None
        assert row.state == "running"
        row.lease_until = db.utcnow()  # as if a minute had gone by
        row.payload = {**row.payload, "seconds": 0}
    with workers(clinic):
        until((tmp_path / "done").exists)
        until(lambda: left(clinic, "core.slow") == [])


def test_a_slow_provider_does_not_hold_up_jobs(clinic: Clinic, tmp_path: Path) -> None:
    with twilio_server(mode="stall", stall_seconds=4) as peer:
        clinic.send(count=12)
        with workers(
            clinic,
            sms_backend="twilio",
            twilio_account_sid=ACCOUNT_SID,
            twilio_auth_token=AUTH_TOKEN,
            twilio_from="+441632960001",
            twilio_api_base=peer.url,
        ):
            until(lambda: peer.requests >= 1)
            with clinic.at():
                jobs.enqueue("core.count", folder=str(tmp_path), name="quick")
            began = time.monotonic()
            until((tmp_path / "quick").exists)
            assert time.monotonic() - began < 3


class InThread:
    """A worker in a thread of this process."""

    def __init__(self, clinic: Clinic) -> None:
        self.worker = Worker(clinic.settings, load=lambda: None, message_hands=1, job_hands=1)
        self._thread = threading.Thread(target=self.worker.run)

    def __enter__(self) -> InThread:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.worker.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


def test_the_worker_outlives_a_database_that_goes_away(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.jobs import runner

    claim, failures = runner.claim, 3

    def away(limit: int) -> list[Any]:
        nonlocal failures
        if failures:
            failures -= 1
            raise OperationalError("SELECT", {}, Exception("the server closed the connection"))
        return claim(limit)

    monkeypatch.setattr(runner, "claim", away)
    done = threading.Event()
    jobs.register(Job("core.test", lambda payload: done.set()))
    with clinic.at():
        jobs.enqueue("core.test")
    with capture_logs() as logs, InThread(clinic):
        assert done.wait(20)
    assert [entry["event"] for entry in logs].count("worker.database_away") == 3


def test_new_work_wakes_a_worker_of_the_same_process(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    from core import worker

    monkeypatch.setattr(worker, "_IDLE_SECONDS", 30.0)
    done = threading.Event()
    jobs.register(Job("core.test", lambda payload: done.set()))
    with InThread(clinic):
        time.sleep(0.5)  # it sleeps by now
        with clinic.at():
            jobs.enqueue("core.test")
        assert done.wait(5)


def test_the_worker_plants_and_runs_recurring_jobs_by_itself(clinic: Clinic) -> None:
    def planted() -> int:
        with db.scope(write=False, across_practices=True) as session:
            return session.scalar(select(func.count()).where(JobRow.kind == "core.hourly")) or 0

    jobs.register(Job("core.hourly", lambda payload: None, every=timedelta(hours=1)))
    with InThread(clinic):
        until(lambda: planted() == 2)


def test_drain_does_everything_that_is_due_and_what_comes_of_it(clinic: Clinic) -> None:
    def first(payload: dict[str, Any]) -> None:
        with jobs.scope():
            jobs.enqueue("core.second")

    jobs.register(Job("core.first", first), Job("core.second", lambda payload: None))
    with clinic.at():
        jobs.enqueue("core.first")
    clinic.send()
    assert drain(clinic.settings) == 3
    assert drain(clinic.settings) == 0


def test_the_bell_rings_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wakeup.ring()
    wakeup.ring()
    assert wakeup.wait(0)
    assert not wakeup.wait(0)
