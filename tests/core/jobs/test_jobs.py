"""Jobs: rows with a due time, leased, tried again, never lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from structlog.testing import capture_logs

from core import db, jobs, tenancy
from core.jobs import GiveUp, Job, JobRow, Postpone, backoff, runner, schedule
from tests.peers.clinic import Clinic

pytestmark = pytest.mark.both_databases


class Recorder:
    """A handler that keeps what it was given and does what it is told."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        self.calls: list[tuple[UUID, dict[str, Any]]] = []
        self.act = act

    def __call__(self, payload: dict[str, Any]) -> None:
        with jobs.scope(write=False):
            self.calls.append((tenancy.current().id, payload))
        self.act()


def enqueue(clinic: Clinic, kind: str = "core.test", **options: Any) -> UUID:
    with clinic.at():
        return jobs.enqueue(kind, **options).id


def row_of(clinic: Clinic, job_id: UUID) -> JobRow | None:
    with clinic.at(write=False):
        return db.get(JobRow, job_id)


def failing(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


def test_a_job_runs_once_for_its_practice_with_its_payload(clinic: Clinic) -> None:
    handler, thing = Recorder(), uuid4()
    jobs.register(Job("core.test", handler))
    job_id = enqueue(clinic, thing_id=thing, number=3)
    assert jobs.run_due() == 1
    assert jobs.run_due() == 0
    assert handler.calls == [(clinic.riverside, {"thing_id": str(thing), "number": 3})]
    assert row_of(clinic, job_id) is None


def test_a_rolled_back_transaction_leaves_no_job(clinic: Clinic) -> None:
    class Trouble(Exception):
        pass

    with pytest.raises(Trouble), clinic.at():
        jobs.enqueue("core.test")
        raise Trouble
    assert jobs.run_due() == 0


def test_a_job_waits_for_its_time(clinic: Clinic) -> None:
    handler = Recorder()
    jobs.register(Job("core.test", handler))
    job_id = enqueue(clinic, due_at=db.utcnow() + timedelta(hours=1))
    assert jobs.run_due() == 0
    with clinic.at():
        row = db.get(JobRow, job_id)
        assert row is not None
        row.due_at = db.utcnow()
    assert jobs.run_due() == 1


def test_the_same_key_makes_one_job_even_after_it_ran(clinic: Clinic) -> None:
    handler = Recorder()
    jobs.register(Job("core.test", handler))
    first = enqueue(clinic, key="k")
    assert enqueue(clinic, key="k") == first
    jobs.run_due()
    assert enqueue(clinic, key="k") == first
    assert jobs.run_due() == 0
    row = row_of(clinic, first)
    assert row is not None
    assert row.state == "done"


def test_a_key_is_the_practices_own(clinic: Clinic) -> None:
    first = enqueue(clinic, key="k")
    with clinic.at(clinic.lumiere):
        assert jobs.enqueue("core.test", key="k").id != first


def test_a_waiting_job_can_be_withdrawn(clinic: Clinic) -> None:
    handler = Recorder()
    jobs.register(Job("core.test", handler))
    enqueue(clinic, key="k")
    with clinic.at():
        assert jobs.withdraw("k")
        assert not jobs.withdraw("k")
    assert jobs.run_due() == 0


def test_an_exception_is_tried_again_later_and_does_not_stop_the_others(clinic: Clinic) -> None:
    good = Recorder()
    jobs.register(Job("core.bad", Recorder(failing(ValueError("x")))), Job("core.test", good))
    bad_id = enqueue(clinic, "core.bad")
    enqueue(clinic)
    assert jobs.run_due() == 2
    assert len(good.calls) == 1
    row = row_of(clinic, bad_id)
    assert row is not None
    assert (row.state, row.attempts, row.last_error) == ("queued", 1, "ValueError")
    assert timedelta(0) < row.due_at - db.utcnow() < timedelta(seconds=6)


def test_after_the_last_try_it_is_dead_and_says_why(clinic: Clinic) -> None:
    jobs.register(Job("core.bad", Recorder(failing(KeyError("x"))), max_attempts=2))
    job_id = enqueue(clinic, "core.bad")
    for _try in range(2):
        with clinic.at():
            row = db.get(JobRow, job_id)
            assert row is not None
            row.due_at = db.utcnow()
        jobs.run_due()
    row = row_of(clinic, job_id)
    assert row is not None
    assert (row.state, row.attempts, row.last_error) == ("dead", 2, "KeyError")
    assert jobs.run_due() == 0


def test_giving_up_is_dead_at_once_with_its_reason(clinic: Clinic) -> None:
    jobs.register(Job("core.bad", Recorder(failing(GiveUp("the thing is gone")))))
    job_id = enqueue(clinic, "core.bad")
    jobs.run_due()
    row = row_of(clinic, job_id)
    assert row is not None
    assert (row.state, row.last_error) == ("dead", "the thing is gone")


def test_postponing_counts_no_attempt(clinic: Clinic) -> None:
    jobs.register(Job("core.later", Recorder(failing(Postpone(timedelta(minutes=3))))))
    job_id = enqueue(clinic, "core.later")
    jobs.run_due()
    row = row_of(clinic, job_id)
    assert row is not None
    assert (row.state, row.attempts, row.last_error) == ("queued", 0, None)
    assert row.due_at > db.utcnow() + timedelta(minutes=2)


def test_a_failure_is_logged_without_what_it_was_about(clinic: Clinic) -> None:
    jobs.register(Job("core.bad", Recorder(failing(ValueError("Ada Byron, 10 December 1980")))))
    job_id = enqueue(clinic, "core.bad", note="Ada Byron")
    with capture_logs() as logs:
        jobs.run_due()
    assert [entry["event"] for entry in logs] == ["job.failed"]
    assert logs[0]["error"] == "ValueError"
    assert "Ada" not in repr(logs)
    row = row_of(clinic, job_id)
    assert row is not None
    assert "Ada" not in (row.last_error or "")


def test_a_job_of_a_plugin_that_is_off_waits_and_is_not_lost(clinic: Clinic) -> None:
    handler = Recorder()
    jobs.register(Job("photo_request.remind", handler))
    clinic.on.clear()
    job_id = enqueue(clinic, "photo_request.remind")
    jobs.run_due()
    row = row_of(clinic, job_id)
    assert row is not None
    assert (row.state, row.attempts, handler.calls) == ("queued", 0, [])
    clinic.on.add("photo_request")
    with clinic.at():
        row = db.get(JobRow, job_id)
        assert row is not None
        row.due_at = db.utcnow()
    jobs.run_due()
    assert len(handler.calls) == 1


def test_a_kind_that_nobody_knows_waits_for_somebody_who_does(clinic: Clinic) -> None:
    job_id = enqueue(clinic, "future.thing")
    clinic.on.add("future")
    jobs.run_due()
    row = row_of(clinic, job_id)
    assert row is not None
    assert (row.state, row.attempts) == ("queued", 0)


def test_a_worker_that_died_has_its_job_taken_over(clinic: Clinic) -> None:
    handler = Recorder()
    jobs.register(Job("core.test", handler))
    job_id = enqueue(clinic)
    assert len(runner.claim(5)) == 1  # and dies
    assert jobs.run_due() == 0
    with clinic.at():
        row = db.get(JobRow, job_id)
        assert row is not None
        row.lease_until = db.utcnow() - timedelta(seconds=1)
    assert jobs.run_due() == 1
    assert len(handler.calls) == 1


def test_a_worker_that_came_too_late_does_not_undo_what_another_did(clinic: Clinic) -> None:
    """The lease ran out in the middle; another worker finished; then the first one fails."""

    def stolen() -> None:
        with clinic.at():
            row = db.session().scalars(select(JobRow)).one()
            row.lease_until, row.attempts = db.utcnow() + timedelta(minutes=1), row.attempts + 1
        raise ValueError

    jobs.register(Job("core.test", Recorder(stolen)))
    job_id = enqueue(clinic)
    jobs.run_due()
    row = row_of(clinic, job_id)
    assert row is not None
    assert (row.state, row.attempts, row.last_error) == ("running", 2, None)


def test_a_lease_is_renewed_while_its_job_runs(clinic: Clinic) -> None:
    job_id = enqueue(clinic)
    [claimed] = runner.claim(1)
    with clinic.at():
        row = db.get(JobRow, job_id)
        assert row is not None
        row.lease_until = db.utcnow() + timedelta(seconds=1)
    runner.renew([claimed])
    row = row_of(clinic, job_id)
    assert row is not None
    assert row.lease_until is not None
    assert row.lease_until > db.utcnow() + timedelta(seconds=30)


def test_outside_a_job_there_is_no_practice_to_open() -> None:
    with pytest.raises(db.NoPractice), jobs.scope():
        pass


# --- recurring ----------------------------------------------------------------------------------------------


def recurring_rows(clinic: Clinic, kind: str) -> list[JobRow]:
    with db.scope(write=False, across_practices=True) as session:
        return list(session.scalars(select(JobRow).where(JobRow.kind == kind)))


def make_due(kind: str) -> None:
    with db.scope(across_practices=True) as session:
        for row in session.scalars(select(JobRow).where(JobRow.kind == kind)):
            row.due_at = db.utcnow()


def test_a_recurring_job_has_one_row_in_each_practice(clinic: Clinic) -> None:
    handler = Recorder()
    jobs.register(Job("core.hourly", handler, every=timedelta(hours=1)))
    assert jobs.plant() == 2
    assert jobs.plant() == 0
    make_due("core.hourly")
    assert jobs.run_due() == 2
    assert {practice for practice, _payload in handler.calls} == {clinic.riverside, clinic.lumiere}
    rows = recurring_rows(clinic, "core.hourly")
    assert len(rows) == 2
    for row in rows:
        assert (row.state, row.attempts) == ("queued", 0)
        assert row.due_at > db.utcnow() + timedelta(minutes=59)


def test_a_recurring_job_that_keeps_failing_rests_and_goes_on(clinic: Clinic) -> None:
    jobs.register(
        Job("core.hourly", Recorder(failing(ValueError())), every=timedelta(hours=1), max_attempts=1)
    )
    jobs.plant()
    make_due("core.hourly")
    jobs.run_due()
    for row in recurring_rows(clinic, "core.hourly"):
        assert (row.state, row.attempts, row.last_error) == ("queued", 0, "ValueError")
        assert row.due_at > db.utcnow() + timedelta(minutes=59)


def test_a_closed_practice_is_not_planted(clinic: Clinic) -> None:
    with db.scope() as session:
        practice = session.get(tenancy.Practice, clinic.lumiere)
        assert practice is not None
        practice.status = "closed"
    jobs.register(Job("core.hourly", Recorder(), every=timedelta(hours=1)))
    assert jobs.plant() == 1


def test_a_sweep_runs_once_a_period_without_a_practice(clinic: Clinic) -> None:
    seen: list[int] = []

    def sweep(payload: dict[str, Any]) -> None:
        with pytest.raises(db.NoPractice), jobs.scope():
            pass
        with db.scope(write=False, across_practices=True) as session:
            seen.append(session.scalar(select(func.count()).select_from(tenancy.Practice)) or 0)

    jobs.clear()
    jobs.register(Job("core.sweep", sweep, every=timedelta(hours=1), across_practices=True))
    assert jobs.run_sweeps() == 1
    assert jobs.run_sweeps() == 0
    assert seen == [2]


def test_a_sweep_that_another_worker_holds_is_left_to_it(clinic: Clinic) -> None:
    jobs.clear()
    jobs.register(Job("core.sweep", lambda payload: None, every=timedelta(hours=1), across_practices=True))
    assert schedule._claim_sweep("core.sweep")
    assert jobs.run_sweeps() == 0


def test_a_failing_sweep_is_tried_again_and_does_not_stop_the_next(clinic: Clinic) -> None:
    ran: list[str] = []

    def bad(payload: dict[str, Any]) -> None:
        raise ValueError("x")

    jobs.clear()
    jobs.register(
        Job("core.a_bad", bad, every=timedelta(hours=1), across_practices=True),
        Job("core.good", lambda payload: ran.append("good"), every=timedelta(hours=1), across_practices=True),
    )
    assert jobs.run_sweeps() == 2
    assert ran == ["good"]
    with db.scope(write=False, across_practices=True) as session:
        row = session.get(jobs.Sweep, "core.a_bad")
        assert row is not None
        assert (row.failures, row.last_error) == (1, "ValueError")
        assert row.due_at < db.utcnow() + timedelta(minutes=1)


def test_old_finished_jobs_are_forgotten(clinic: Clinic) -> None:
    jobs.register(Job("core.test", Recorder()))
    old, new = enqueue(clinic, key="old"), enqueue(clinic, key="new")
    jobs.run_due()
    with clinic.at():
        row = db.get(JobRow, old)
        assert row is not None
        row.finished_at = db.utcnow() - timedelta(days=8)
    runner.tidy({})
    assert row_of(clinic, old) is None
    assert row_of(clinic, new) is not None


# --- declarations -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["noowner", "Core.x", "core.", "core x.y", "core.x;drop"])
def test_a_kind_has_an_owner_and_a_name(kind: str) -> None:
    with pytest.raises(ValueError, match="kind"):
        Job(kind, lambda payload: None)


def test_a_plugin_cannot_look_across_practices() -> None:
    with pytest.raises(ValueError, match="core"):
        Job("photo_request.sweep", lambda payload: None, every=timedelta(hours=1), across_practices=True)


def test_two_handlers_for_one_kind_are_refused(clinic: Clinic) -> None:
    job = Job("core.test", Recorder())
    jobs.register(job)
    jobs.register(job)
    with pytest.raises(ValueError, match="two jobs"):
        jobs.register(Job("core.test", Recorder()))


@given(st.integers(1, 10_000))
def test_waits_grow_and_stay_within_their_bounds(attempts: int) -> None:
    first, longest = timedelta(seconds=5), timedelta(hours=1)
    wait = backoff.delay(attempts, first=first, longest=longest)
    whole = min(first * 2 ** min(attempts - 1, 32), longest)
    assert whole / 2 <= wait <= whole
