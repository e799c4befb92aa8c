"""How things are measured here: processor time, in a process of its own, as the median of repeats.

Wall time on a shared machine says more about the neighbours than about the code. Processor time of a process that does
nothing else is steady within a few per cent, and the ratio of two that were measured in turns is steadier still.
"""

import multiprocessing
import os
import resource
import socket
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

Result = TypeVar("Result")

REPEATS: Final = int(os.environ.get("BENCH_REPEATS", "3"))
"""How many times each side is measured; the two sides take turns."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what we cost, what the peer costs for the same, and how many times that we may cost."""

    name: str
    ours: float
    peer_name: str
    peer: float
    unit: str
    goal_ratio: float
    note: str = ""

    @property
    def ratio(self) -> float:
        return self.ours / self.peer

    @property
    def is_met(self) -> bool:
        return self.ratio <= self.goal_ratio


def side_by_side(ours: Callable[[], float], peer: Callable[[], float]) -> tuple[float, float]:
    """The medians of both, measured in turns so that a slow minute of the machine meets both."""
    turns = [(ours(), peer()) for _ in range(REPEATS)]
    return statistics.median(turn[0] for turn in turns), statistics.median(turn[1] for turn in turns)


def in_child(function: Callable[..., Result], *arguments: object) -> Result:
    """Run a module's function in a fresh interpreter, which shares nothing with this one, and take its answer."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def cpu_of_calls(call: Callable[[], Any], calls: int) -> float:
    """Processor seconds of one call in this process: of the quickest of three runs, after a warm-up."""
    for _ in range(max(3, calls // 10)):
        call()
    runs = []
    for _ in range(3):
        began = time.process_time()
        for _ in range(calls):
            call()
        runs.append((time.process_time() - began) / calls)
    return min(runs)


def cpu_of_children(work: Callable[[], Any]) -> float:
    """Processor seconds of the processes that `work` starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def cpu_of_process(pid: int) -> float:
    """Processor seconds that another running process has used so far."""
    # Linux makes the id of a process's clock from its pid (clock_getcpuclockid(3)); /proc counts in hundredths only.
    return time.clock_gettime(~pid << 3 | 2)


def wait_for_port(port: int, pid: int) -> None:
    """Until a process listens on this port of the loopback address. Raises SystemExit when it never does."""
    end = time.monotonic() + 60
    while time.monotonic() < end and Path(f"/proc/{pid}").exists():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the server on port {port} did not start")
