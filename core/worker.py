"""The worker: a process of its own that sends what waits and does what is due.

It has lanes, each with a few threads: a slow mail server keeps pictures from nobody, and a big picture no message.
A lane leases only as much as it has hands free, so that nothing waits with a lease running out. What a worker that
dies had in hand is leased again by another when the lease is over. Nothing here is monkey-patched.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import FrameType
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core import audit, db, jobs, plugin_system, settings
from core.jobs import runner, wakeup
from core.notifications import Postman
from core.observability import Readiness, Reason
from core.observability.gauges import Gauges
from core.observability.worker_port import WorkerPort
from core.plugin_system import faults
from core.realtime import wakes
from core.security import tidying
from core.settings import Settings

Item = tuple[UUID, UUID]

_IDLE_SECONDS: Final = 0.5
_SWEEP_SECONDS: Final = 5.0
_RENEW_SECONDS: Final = 20.0
_LONGEST_PAUSE: Final = 30.0

log = structlog.get_logger(__name__)


class Lane:
    """A kind of work and the threads for it.

    claim(n): lease up to n items. work(practice_id, id): do one. renew(items): hold on to the leases of those in hand.
    """

    def __init__(
        self,
        name: str,
        hands: int,
        claim: Callable[[int], list[Item]],
        work: Callable[[UUID, UUID], None],
        renew: Callable[[list[Item]], None] | None = None,
    ) -> None:
        self.name = name
        self._hands = hands
        self._claim = claim
        self._work = work
        self._renew = renew
        self._pool = ThreadPoolExecutor(hands, thread_name_prefix=name)
        self._in_hand: dict[Future[None], Item] = {}

    def fill(self) -> int:
        """Give every free hand an item, if there are any due; how many were taken."""
        self._in_hand = {future: item for future, item in self._in_hand.items() if not future.done()}
        free = self._hands - len(self._in_hand)
        items = self._claim(free) if free else []
        for item in items:
            self._in_hand[self._pool.submit(self._one, item)] = item
        return len(items)

    def renew(self) -> None:
        """Hold on to what is being done."""
        items = [item for future, item in self._in_hand.items() if not future.done()]
        if items and self._renew is not None:
            self._renew(items)

    def drain(self) -> int:
        """Do what is due in this thread, one item after the other, until there is no more; how many items."""
        done = 0
        while items := self._claim(1):
            self._work(*items[0])
            faults.settle()
            done += 1
        return done

    def close(self) -> None:
        """Finish what is in hand."""
        self._pool.shutdown(wait=True, cancel_futures=False)

    def _one(self, item: Item) -> None:
        try:
            audit.clear_context()
            self._work(*item)
        except Exception as error:
            # The lease runs out and the item comes again. Only a database that is away gets here.
            log.error("worker.item_lost_hold", lane=self.name, item=str(item[1]), error=type(error).__name__)
        finally:
            faults.settle()
            wakeup.ring()  # a hand is free


class Worker:
    """Runs until SIGTERM or SIGINT.

    load: called once before the first work, in the worker's process: it sets up database and plugins and so registers
    the jobs. None: the settings and the database alone.
    """

    def __init__(
        self,
        chosen: Settings,
        load: Callable[[], object] | None = None,
        *,
        message_hands: int = 6,
        job_hands: int = 2,
    ) -> None:
        self._settings = chosen
        self._load = load
        self._hands = (message_hands, job_hands)
        self._stopping = threading.Event()
        self._readiness = Readiness()

    def run(self) -> None:
        """Work until told to stop; then finish what is in hand and return."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._on_signal)
            signal.signal(signal.SIGINT, self._on_signal)
        self._prepare()
        lanes = make_lanes(self._settings, *self._hands)
        port = WorkerPort(self._settings, self._why_not_ready, (Gauges(),))
        port.start()
        log.info("worker.started")
        try:
            self._loop(lanes)
        finally:
            port.stop()
            for lane in lanes:
                lane.close()
            log.info("worker.stopped")

    def drain(self, max_rounds: int = 20) -> int:
        """Do everything that is due in this thread, and return: for tests and the demonstration. See :func:`drain`."""
        return drain(self._settings, max_rounds)

    def stop(self) -> None:
        """Ask :meth:`run` to return; it finishes what is in hand first."""
        self._stopping.set()
        wakeup.ring()

    def _prepare(self) -> None:
        if self._load is None:
            settings.configure(self._settings)
            db.configure(self._settings)
        else:
            self._load()
        jobs.register(*jobs.JOBS, *tidying.JOBS)
        wakes.configure(self._settings)  # with Redis, pages hear of the worker's events at once

    def _why_not_ready(self) -> Reason | None:
        return self._readiness.why_not(plugin_system.registry.branches())

    def _loop(self, lanes: list[Lane]) -> None:
        failures, next_renewal = 0, 0.0
        sweeps = Sweeper()
        while not self._stopping.is_set():
            try:
                taken = sum(lane.fill() for lane in lanes)
                sweeps.start_when_due()
                if time.monotonic() >= next_renewal:
                    for lane in lanes:
                        lane.renew()
                    next_renewal = time.monotonic() + _RENEW_SECONDS
                failures = 0
            except SQLAlchemyError as error:
                failures += 1
                pause = min(0.5 * 2**failures, _LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311
                log.error("worker.database_away", error=type(error).__name__, pause=round(pause, 1))
                self._stopping.wait(pause)
                continue
            if not taken:
                wakeup.wait(_IDLE_SECONDS)
        sweeps.close()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        log.info("worker.stopping", signal=signal.Signals(number).name)
        self.stop()


class Sweeper:
    """Looks for due sweeps every few seconds, in a thread of its own: a sweep may be long."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sweeps")
        self._running: Future[int] | None = None
        self._next = 0.0

    def start_when_due(self) -> None:
        if self._running is not None and not self._running.done():
            return
        if self._running is not None and (error := self._running.exception()) is not None:
            log.error("worker.sweeps_failed", error=type(error).__name__)
        self._running = None
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SWEEP_SECONDS
            self._running = self._pool.submit(jobs.run_sweeps)

    def close(self) -> None:
        """Finish the sweep in hand."""
        self._pool.shutdown(wait=True)


def make_lanes(chosen: Settings, message_hands: int = 6, job_hands: int = 2) -> list[Lane]:
    """The lanes of a worker: messages and jobs."""
    postman = Postman(chosen)
    return [
        Lane("messages", message_hands, postman.claim, postman.deliver, postman.renew),
        Lane("jobs", job_hands, runner.claim, runner.run, runner.renew),
    ]


def drain(chosen: Settings | None = None, max_rounds: int = 20) -> int:
    """Do everything that is due here and now, also what that brings about; for tests and the demonstration.

    Answers how many messages and jobs were handled. Stops after ``max_rounds`` when work keeps making work.
    """
    lanes = make_lanes(chosen or settings.current(), 1, 1)
    total = 0
    try:
        for _round in range(max_rounds):
            done = sum(lane.drain() for lane in lanes)
            total += done
            if not done:
                break
    finally:
        for lane in lanes:
            lane.close()
    return total
