"""The worker's part of an import."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from core import jobs
from core.jobs import Job
from core.patients import import_runs

CHECK: Final = "core.check_patient_list"
RUN: Final = "core.import_patient_list"


def check(payload: dict[str, Any]) -> None:
    import_runs.check(UUID(payload["import_id"]), jobs.scope)


def run(payload: dict[str, Any]) -> None:
    import_runs.run(UUID(payload["import_id"]), jobs.scope)


JOBS: Final = (
    Job(CHECK, check, max_attempts=3),
    Job(RUN, run, max_attempts=3),
    Job("core.forget_patient_lists", import_runs.forget_old, every=timedelta(days=1), across_practices=True),
)
