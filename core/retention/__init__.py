"""Retention: each kind of data stays as long as a practice wants it, and not longer."""

from datetime import timedelta
from typing import Final

from core.jobs import Job
from core.retention.core_kinds import KINDS
from core.retention.kept import KEPT, Kept
from core.retention.kinds import BadKind, Kind, find, forget, register, registered
from core.retention.service import (
    APPLY,
    NotAllowed,
    Preview,
    apply,
    apply_daily,
    choose,
    days_of,
    kinds_here,
    preview,
)

JOBS: Final[tuple[Job, ...]] = (Job(APPLY, apply_daily, every=timedelta(days=1)),)

__all__ = [
    "JOBS",
    "KEPT",
    "KINDS",
    "BadKind",
    "Kept",
    "Kind",
    "NotAllowed",
    "Preview",
    "apply",
    "choose",
    "days_of",
    "find",
    "forget",
    "kinds_here",
    "preview",
    "register",
    "registered",
]
