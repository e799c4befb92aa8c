"""The instruments: what this process counts and times, in Prometheus' terms.

They lie below every room, so that each may use them. Labels are names that the code gives (endpoints, hooks, kinds,
reasons): never a path, an address, an id or a word that a person typed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
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
HOOK_SECONDS: Final = Histogram(
    "careroom_hook_seconds",
    "How long a plugin took for a hook.",
    ("hook", "plugin"),
    buckets=_QUICK,
    registry=REGISTRY,
)
HOOK_FAILURES: Final = Counter(
    "careroom_hook_failures",
    "Hooks that raised or broke their contract.",
    ("hook", "plugin"),
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


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Note how long the block took, however it ends."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        histogram.observe(time.perf_counter() - begun)


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


BREAKERS: Final = Breakers()
REGISTRY.register(BREAKERS)
