"""What the jobs room raises, and what a handler may raise to say how it went."""

from __future__ import annotations

from datetime import timedelta


class JobError(Exception):
    """Base of the errors of this room."""


class UnknownJob(JobError, LookupError):
    """No job of this kind is registered in this process."""


class Postpone(JobError):
    """Raised by a handler: not now. The job is due again after ``delay`` and no attempt is counted."""

    def __init__(self, delay: timedelta) -> None:
        super().__init__(f"postponed by {delay}")
        self.delay = delay


class GiveUp(JobError):
    """Raised by a handler: trying again is of no use. The job is dead at once.

    ``reason`` is stored and logged: it names no person.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
