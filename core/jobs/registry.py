"""Which kinds of job there are in this process, and who handles them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from core import tenancy
from core.jobs.errors import UnknownJob

Handler = Callable[[dict[str, Any]], None]

_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of work: ``Job("photo_request.remind", remind, every=timedelta(hours=1))``.

    kind: dotted; the first part is the owner ("core" or a plugin), and a job of a plugin that is off waits.
    handler: called with the payload in no scope of its own and with the practice known: ``jobs.scope()`` opens one.
        It may run twice (a worker can die between the work and the note of it), so it must bear that.
    every: makes it recurring: one run per practice and period; the payload is empty.
    max_attempts: how often an exception is answered by another try before the job is dead.
    across_practices: with ``every``, for the platform's own sweeps: one run for all practices, no practice set.
    """

    kind: str
    handler: Handler
    every: timedelta | None = None
    max_attempts: int = 8
    across_practices: bool = False

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind):
            raise ValueError(f"{self.kind!r} is no job kind: it reads owner.what_is_done")
        if self.across_practices and (self.every is None or self.owner != tenancy.switches.CORE):
            raise ValueError(f"{self.kind}: only recurring jobs of the core look across practices")
        if self.every is not None and self.every < timedelta(seconds=1):
            raise ValueError(f"{self.kind}: a period is a second or more")

    @property
    def owner(self) -> str:
        return tenancy.switches.owner_of(self.kind)

    @property
    def recurring_key(self) -> str:
        """The key of a recurring job's row in each practice."""
        return f"every:{self.kind}"


_jobs: dict[str, Job] = {}


def register(*jobs: Job) -> None:
    """Make these kinds known to this process. Registering the same one twice changes nothing.

    Raises ValueError when another handler already has the kind.
    """
    for job in jobs:
        known = _jobs.setdefault(job.kind, job)
        if known != job:
            raise ValueError(f"two jobs are called {job.kind}")


def find(kind: str) -> Job:
    """The job of this kind. Raises UnknownJob."""
    try:
        return _jobs[kind]
    except KeyError:
        raise UnknownJob(kind) from None


def registered() -> list[Job]:
    """Every job of this process, by kind."""
    return sorted(_jobs.values(), key=lambda job: job.kind)


def clear() -> None:
    """Empty the registry: for tests and for a process that loads its plugins anew."""
    _jobs.clear()
