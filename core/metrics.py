"""The instruments: what this process counts and times, in Prometheus' terms.

They lie below every room, so that each may use them. Labels are names that the code gives (endpoints, hooks, kinds,
reasons): never a path, an address, an id or a word that a person typed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

BreakerState = Literal["closed", "half_open", "open"]
_STATES: Final[Mapping[BreakerState, int]] = {"closed": 0, "half_open": 1, "open": 2}
_QUICK: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_WAITS: Final = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)

REGISTRY: Final = CollectorRegistry()

REQUESTS: Final = Counter(
    "careroom_requests", "Answers by endpoint.", ("endpoint", "method", "status"), registry=REGISTRY
)
REQUEST_SECONDS: Final = Histogram(
    "careroom_request_seconds",
    "From a request's arrival to its answer.",
    ("endpoint", "method"),
    buckets=_QUICK,
    registry=REGISTRY,
)
HOOK_FAILURES: Final = Counter(
    "careroom_hook_failures",
    "Hooks and panels that raised, broke their contract, or took longer than their budget.",
    ("hook", "plugin", "kind"),
    registry=REGISTRY,
)
HUB_LAG: Final = Histogram(
    "careroom_hub_lag_seconds",
    "How much later than asked a sleep of 100 ms ends: what everybody waits for a blocked hub.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
    registry=REGISTRY,
)
DELIVERIES: Final = Counter(
    "careroom_deliveries",
    "Messages handed to a provider, by what it said: taken, rejected, not_now, broke.",
    ("channel", "result"),
    registry=REGISTRY,
)
DELIVERY_SECONDS: Final = Histogram(
    "careroom_delivery_seconds",
    "From writing a message to its provider's yes.",
    ("channel",),
    buckets=_WAITS,
    registry=REGISTRY,
)
JOB_SECONDS: Final = Histogram(
    "careroom_job_seconds",
    "How long a job's handler took, by how it ended: done, failed, postponed.",
    ("kind", "result"),
    buckets=_SLOW,
    registry=REGISTRY,
)
PICTURE_SECONDS: Final = Histogram(
    "careroom_picture_seconds",
    "How long a picture took to turn into its renditions.",
    ("result",),
    buckets=_SLOW,
    registry=REGISTRY,
)


class Breakers(Collector):
    """The breakers of this process. Whoever has some offers a function that tells their states by name."""

    def __init__(self) -> None:
        self._asked: dict[str, Callable[[], Mapping[str, BreakerState]]] = {}

    def watch(self, kind: str, states: Callable[[], Mapping[str, BreakerState]]) -> None:
        """kind: "channel" or "plugin". A second one of a kind takes the first one's place."""
        self._asked[kind] = states

    def collect(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "careroom_breaker_state", "0 closed, 1 trying again, 2 open.", labels=("kind", "name")
        )
        for kind, states in self._asked.items():
            for name, state in states().items():
                family.add_metric((kind, name), _STATES[state])
        yield family


class Stopwatch:
    """How often and how long one plugin worked for one hook, or one of its panels.

    Written without a lock, because it is written for every hook of every page: two threads at the same moment may
    count one.
    """

    __slots__ = ("buckets", "count", "hook", "longest", "plugin", "seconds")

    def __init__(self, hook: str, plugin: str) -> None:
        self.hook, self.plugin = hook, plugin
        self.count, self.seconds, self.longest = 0, 0.0, 0.0
        self.buckets = [0] * (len(_QUICK) + 1)

    def add(self, seconds: float) -> None:
        self.count += 1
        self.seconds += seconds
        if seconds > self.longest:
            self.longest = seconds
        self.buckets[bisect_left(_QUICK, seconds)] += 1

    def within(self, share: float) -> float:
        """The time in seconds within which this share of the calls (0.99) was done, as exact as the buckets are."""
        wanted, done = share * self.count, 0
        for bound, here in zip((*_QUICK, self.longest), self.buckets, strict=True):
            done += here
            if done >= wanted:
                return min(bound, self.longest)
        return self.longest


class Stopwatches(Collector):
    """One for each (hook, plugin) that has been asked, as a histogram."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Stopwatch] = {}

    def of(self, hook: str, plugin: str) -> Stopwatch:
        return self._made.setdefault((hook, plugin), Stopwatch(hook, plugin))

    def used(self) -> list[Stopwatch]:
        """Those that have measured something."""
        return [watch for watch in list(self._made.values()) if watch.count]

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(
            "careroom_hook_seconds",
            "How long a plugin took for a hook or a panel.",
            labels=("hook", "plugin"),
        )
        for watch in self.used():
            family.add_metric((watch.hook, watch.plugin), _cumulative(watch.buckets), watch.seconds)
        yield family


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    bounds = (*(str(float(bound)) for bound in _QUICK), "+Inf")
    return list(zip(bounds, accumulate(map(float, buckets)), strict=True))


BREAKERS: Final = Breakers()
REGISTRY.register(BREAKERS)
HOOKS: Final = Stopwatches()
REGISTRY.register(HOOKS)
