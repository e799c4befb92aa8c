"""Recurring jobs. Each is a row with a due time: a restart forgets nothing, two workers never double it."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError

from core import db
from core.jobs import backoff, registry
from core.jobs.models import JobRow, Sweep
from core.jobs.registry import Job
from core.jobs.runner import tidy
from core.jobs.service import running_for
from core.tenancy import Practice

_SWEEP_LEASE: Final = timedelta(minutes=15)
_FIRST_RETRY: Final = timedelta(seconds=30)

log = structlog.get_logger(__name__)


def plant() -> int:
    """Give each active practice a row for each recurring job that it lacks; answer how many were missing."""
    return sum(
        _plant_one(job, job.every) for job in registry.registered() if job.every and not job.across_practices
    )


def _plant_one(job: Job, every: timedelta) -> int:
    with db.scope(write=False, across_practices=True) as session:
        missing = list(
            session.scalars(
                select(Practice.id)
                .where(Practice.status == "active")
                .where(
                    ~select(JobRow.id)
                    .where(JobRow.practice_id == Practice.id, JobRow.key == job.recurring_key)
                    .exists()
                )
            )
        )
    return sum(_plant_row(practice_id, job, every) for practice_id in missing)


def _plant_row(practice_id: UUID, job: Job, every: timedelta) -> bool:
    # Spread over the first minute, so that thousands of practices do not fall due together for ever.
    spread = min(60.0, every.total_seconds())
    row = JobRow(
        kind=job.kind,
        key=job.recurring_key,
        payload={},
        due_at=db.utcnow() + timedelta(seconds=random.uniform(0, spread)),  # noqa: S311
    )
    try:
        with db.scope(practice_id) as session:
            session.add(row)
    except IntegrityError:
        return False  # another worker planted it
    return True


def run_sweeps() -> int:
    """Run the platform's sweeps that are due, in this thread, and answer how many ran."""
    return sum(
        _run_sweep(job, job.every) for job in registry.registered() if job.every and job.across_practices
    )


def _run_sweep(job: Job, every: timedelta) -> bool:
    if not _claim_sweep(job.kind):
        return False
    error: str | None = None
    try:
        with running_for(None):
            job.handler({})
    except Exception as failure:
        error = type(failure).__name__
        log.error("sweep.failed", kind=job.kind, error=error)
    with db.scope(across_practices=True) as session:
        row = session.get(Sweep, job.kind)
        if row is not None:
            now = db.utcnow()
            row.lease_until, row.last_error = None, error
            row.failures = row.failures + 1 if error else 0
            row.last_run_at = now
            row.due_at = now + (
                backoff.delay(row.failures, first=_FIRST_RETRY, longest=every) if error else every
            )
    return True


def _claim_sweep(kind: str) -> bool:
    now = db.utcnow()
    with db.scope(write=False, across_practices=True) as session:
        row = session.get(Sweep, kind)
        if row is not None and (row.due_at > now or (row.lease_until is not None and row.lease_until > now)):
            return False
    if row is None:
        try:
            with db.scope(across_practices=True) as session:
                session.add(Sweep(kind=kind, due_at=now, lease_until=now + _SWEEP_LEASE))
        except IntegrityError:
            return False
        return True
    with db.scope(across_practices=True) as session:
        taken = session.scalars(
            update(Sweep)
            .where(Sweep.kind == kind, Sweep.due_at <= now)
            .where(or_(Sweep.lease_until.is_(None), Sweep.lease_until <= now))
            .values(lease_until=now + _SWEEP_LEASE)
            .returning(Sweep.kind)
        ).all()
    return bool(taken)


def _plant_quietly(_payload: dict[str, object]) -> None:
    if planted := plant():
        log.info("jobs.planted", rows=planted)


JOBS: Final = (
    Job("core.jobs_plant", _plant_quietly, every=timedelta(minutes=1), across_practices=True),
    Job("core.jobs_tidy", tidy, every=timedelta(hours=1), across_practices=True),
)
