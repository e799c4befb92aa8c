"""Work that is done later, by the worker: rows with a due time, leased by one worker at a time."""

from core.jobs.errors import GiveUp, JobError, Postpone, UnknownJob
from core.jobs.models import JobRow, Sweep
from core.jobs.registry import Handler, Job, clear, find, register, registered
from core.jobs.runner import run_due
from core.jobs.schedule import JOBS, plant, run_sweeps
from core.jobs.service import enqueue, scope, withdraw

__all__ = [
    "JOBS",
    "GiveUp",
    "Handler",
    "Job",
    "JobError",
    "JobRow",
    "Postpone",
    "Sweep",
    "UnknownJob",
    "clear",
    "enqueue",
    "find",
    "plant",
    "register",
    "registered",
    "run_due",
    "run_sweeps",
    "scope",
    "withdraw",
]
