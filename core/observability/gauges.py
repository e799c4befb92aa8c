"""What is found out when somebody asks: the queues, the events and the sweeps, as the database has them.

The same for every process of an installation, so one of them is enough to ask. A few grouped counts over indexed
columns, at most every few seconds however many ask.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from core import db
from core.db import Base, Lease
from core.jobs.models import Sweep
from core.realtime.models import EventHead

FRESH_SECONDS: Final = 5.0
_OPEN_STATES: Final = ("queued", "running", "sending", "dead")
"""What is over and well is not counted: those rows are many, and no queue."""

log = structlog.get_logger(__name__)


class Gauges(Collector):
    """A collector that looks into the database. ``careroom_database_up`` is 0 when it could not."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: list[Metric] = []
        self._until = float("-inf")

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if self._clock() >= self._until:
                self._known = self._look()
                self._until = self._clock() + FRESH_SECONDS
            yield from self._known

    def _look(self) -> list[Metric]:
        up = GaugeMetricFamily("careroom_database_up", "1 when the database answered.")
        try:
            with db.scope(write=False, across_practices=True) as session:
                found = [*_queues(session), *_events(session), *_sweeps(session)]
        except SQLAlchemyError as error:
            log.warning("metrics.database_away", error=type(error).__name__)
            found = []
        up.add_metric((), 1 if found else 0)
        return [up, *found]


def _queues(session: Any) -> Iterator[Metric]:
    depth = GaugeMetricFamily(
        "careroom_queue_items",
        "Rows that wait, are in hand, or were given up.",
        labels=("queue", "kind", "state"),
    )
    age = GaugeMetricFamily(
        "careroom_queue_oldest_seconds",
        "How long the most overdue row has been due.",
        labels=("queue", "kind"),
    )
    now = db.utcnow()
    for model in _queue_models():
        kind = getattr(model, "kind", None)
        kind = model.channel if kind is None else kind  # jobs have a kind, messages a channel
        counted = (
            select(kind, model.state, func.count(), func.min(model.due_at))
            .where(model.state.in_(_OPEN_STATES))
            .group_by(kind, model.state)
        )
        queue = model.__tablename__.removeprefix("core_")
        for name, state, count, oldest in session.execute(counted):
            depth.add_metric((queue, name, state), count)
            if state == "queued":
                age.add_metric((queue, name), max(0.0, (now - oldest).total_seconds()))
    yield depth
    yield age


def _queue_models() -> list[Any]:
    """Every table whose rows are leased: the core's, and those that plugins bring."""
    found = [mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, Lease)]
    usable = [model for model in found if hasattr(model, "kind") or hasattr(model, "channel")]
    return sorted(usable, key=lambda model: str(model.__tablename__))


def _events(session: Any) -> Iterator[Metric]:
    published = CounterMetricFamily("careroom_events_published", "Events of all practices.")
    published.add_metric((), session.scalar(select(func.sum(EventHead.last_seq))) or 0)
    yield published


def _sweeps(session: Any) -> Iterator[Metric]:
    # The workers' heartbeat: core.jobs_plant runs every minute in one of them.
    last = GaugeMetricFamily(
        "careroom_sweep_last_run_timestamp_seconds",
        "When a sweep last ended, in any worker.",
        labels=("kind",),
    )
    failures = GaugeMetricFamily(
        "careroom_sweep_failures", "How often in a row a sweep has failed.", labels=("kind",)
    )
    for row in session.execute(select(Sweep.kind, Sweep.last_run_at, Sweep.failures)):
        if row.last_run_at is not None:
            last.add_metric((row.kind,), row.last_run_at.timestamp())
        failures.add_metric((row.kind,), row.failures)
    yield last
    yield failures
