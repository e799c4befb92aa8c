"""Take what is due, do it, and note how it went."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, update

from core import audit, db, metrics, tenancy
from core.jobs import backoff, registry
from core.jobs.errors import GiveUp, Postpone, UnknownJob
from core.jobs.models import JobRow
from core.jobs.registry import Job
from core.jobs.service import running_for

LEASE_SECONDS: Final = 60
"""How long a dead worker's job waits for another worker. A living worker renews the lease."""

_WAIT_WHILE_OFF: Final = timedelta(minutes=5)
_FIRST_RETRY: Final = timedelta(seconds=5)
_LONGEST_RETRY: Final = timedelta(hours=1)
_KEEP_FINISHED: Final = timedelta(days=7)
_KEEP_DEAD: Final = timedelta(days=90)

log = structlog.get_logger(__name__)


def claim(limit: int) -> list[tuple[UUID, UUID]]:
    """Lease up to ``limit`` due jobs of all practices: (practice id, job id) each."""
    return db.lease_due(JobRow, limit, LEASE_SECONDS)


def run_due(limit: int = 50) -> int:
    """Run up to ``limit`` due jobs here and now, one after the other, and answer how many there were."""
    done = 0
    # One lease at a time: a job must not lose its lease while it waits behind a slow one.
    while done < limit and (claimed := claim(1)):
        run(*claimed[0])
        done += 1
    return done


def run(practice_id: UUID, job_id: UUID) -> None:
    """Run one leased job. Whatever its handler raises stays here."""
    with tenancy.practice_scope(practice_id, write=False):
        row = db.get(JobRow, job_id)
        if row is None or row.state != "running":
            return
        kind, payload, attempt = row.kind, dict(row.payload), row.attempts
        is_on = tenancy.switches.is_on(tenancy.switches.owner_of(kind))
        request_id = row.request_id
    with audit.use_origin(request_id), structlog.contextvars.bound_contextvars(job=str(job_id), kind=kind):
        try:
            job = registry.find(kind)
        except UnknownJob:
            # A plugin that is not installed here, or a newer version's job during an upgrade.
            log.warning("job.unknown_kind")
            _postpone(practice_id, job_id, attempt, _WAIT_WHILE_OFF)
            return
        if not is_on:
            _postpone(practice_id, job_id, attempt, _WAIT_WHILE_OFF)
            return
        begun, result = time.perf_counter(), "failed"
        try:
            with running_for(practice_id):
                job.handler(payload)
        except Postpone as later:
            result = "postponed"
            _postpone(practice_id, job_id, attempt, later.delay)
        except GiveUp as end:
            log.warning("job.gave_up", reason=end.reason)
            _fail(job, practice_id, job_id, attempt, end.reason, dead=True)
        except Exception as error:
            _log_failure(error, attempt)
            _fail(job, practice_id, job_id, attempt, type(error).__name__)
        else:
            result = "done"
            _finish(job, practice_id, job_id, attempt)
        finally:
            metrics.JOB_SECONDS.labels(kind, result).observe(time.perf_counter() - begun)


def renew(claimed: list[tuple[UUID, UUID]]) -> None:
    """Hold on to the leases of jobs that are being done right now."""
    until = db.utcnow() + timedelta(seconds=LEASE_SECONDS)
    with db.scope(across_practices=True) as session:
        for practice_id, job_id in claimed:
            session.execute(
                update(JobRow)
                .where(JobRow.practice_id == practice_id, JobRow.id == job_id, JobRow.state == "running")
                .values(lease_until=until)
            )


def tidy(_payload: dict[str, object]) -> None:
    """Sweep: forget finished and long dead jobs."""
    now = db.utcnow()
    with db.scope(across_practices=True) as session:
        for state, keep in (("done", _KEEP_FINISHED), ("dead", _KEEP_DEAD)):
            session.execute(delete(JobRow).where(JobRow.state == state, JobRow.finished_at < now - keep))


def _log_failure(error: Exception, attempt: int) -> None:
    # An exception's text can hold a patient's data (a value that did not fit, a row that clashed): its type and
    # place are enough to find it.
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_globals.get('__name__')}:{place.tb_lineno}" if place is not None else None
    log.log(logging.ERROR, "job.failed", error=type(error).__name__, where=where, attempt=attempt)


def _leased_row(job_id: UUID, attempt: int) -> JobRow | None:
    """The row, when the lease under which we worked is still ours; else whoever has it now decides."""
    row = db.get(JobRow, job_id)
    return row if row is not None and row.state == "running" and row.attempts == attempt else None


def _postpone(practice_id: UUID, job_id: UUID, attempt: int, delay: timedelta) -> None:
    with db.scope(practice_id):
        if (row := _leased_row(job_id, attempt)) is not None:
            row.state, row.lease_until, row.attempts = "queued", None, attempt - 1
            row.due_at = db.utcnow() + delay


def _fail(
    job: Job, practice_id: UUID, job_id: UUID, attempt: int, reason: str, *, dead: bool = False
) -> None:
    dead = dead or attempt >= job.max_attempts
    with db.scope(practice_id):
        if (row := _leased_row(job_id, attempt)) is None:
            return
        row.lease_until, row.last_error = None, reason[:500]
        if dead and not _rests(job, row):
            row.state, row.finished_at = "dead", db.utcnow()
        elif not dead:
            row.state = "queued"
            row.due_at = db.utcnow() + backoff.delay(attempt, first=_FIRST_RETRY, longest=_LONGEST_RETRY)


def _finish(job: Job, practice_id: UUID, job_id: UUID, attempt: int) -> None:
    with db.scope(practice_id) as session:
        if (row := _leased_row(job_id, attempt)) is None:
            return
        row.lease_until, row.last_error = None, None
        if _rests(job, row):
            return
        if row.key is None:
            session.delete(row)
        else:
            row.state, row.finished_at = "done", db.utcnow()


def _rests(job: Job, row: JobRow) -> bool:
    """A recurring row sleeps until its next period; True when it is one."""
    if job.every is None or row.key != job.recurring_key:
        return False
    row.state, row.attempts, row.due_at = "queued", 0, db.utcnow() + job.every
    return True
