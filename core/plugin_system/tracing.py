"""What each plugin did while a page was made: for ``careroom plugin trace``. Costs nothing while nobody traces."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from core import db

active = 0
"""How many traces are being recorded in this process."""


@dataclass(slots=True)
class Step:
    """One hook or panel of one plugin. ``answered`` counts items or characters; ``inside`` how deep it was called.

    Seconds and statements include what it called in turn.
    """

    plugin: str
    surface: str
    inside: int
    seconds: float = 0.0
    statements: int = 0
    answered: int = 0
    outcome: str = ""
    reference: str = ""


@dataclass(slots=True)
class Trace:
    """The steps in the order in which they began, and the statements of everything."""

    steps: list[Step] = field(default_factory=list)
    statements: int = 0
    depth: int = 0


_current: ContextVar[Trace | None] = ContextVar("careroom_trace", default=None)


@contextmanager
def record() -> Iterator[Trace]:
    """Note the steps of this context inside the block."""
    global active
    trace = Trace()

    def count(_statement: str) -> None:
        if _current.get() is trace:
            trace.statements += 1

    token = _current.set(trace)
    active += 1
    try:
        with db.statements_told_to(count):
            yield trace
    finally:
        active -= 1
        _current.reset(token)


@contextmanager
def step(plugin: str, surface: str) -> Iterator[Step]:
    """Note one call; whoever calls fills in how it ended."""
    trace = _current.get()
    made = Step(plugin, surface, trace.depth if trace else 0)
    if trace is None:
        yield made
        return
    trace.steps.append(made)
    trace.depth += 1
    before, begun = trace.statements, time.perf_counter()
    try:
        yield made
    finally:
        made.seconds = time.perf_counter() - begun
        made.statements = trace.statements - before
        trace.depth -= 1
