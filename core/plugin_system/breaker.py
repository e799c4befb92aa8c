"""Pauses a plugin in a practice where it keeps failing, and lets it try again after a while.

Per process, for each (practice, plugin). Closed: a surface of the plugin (a hook, a panel) that fails or overruns its
budget FAILURES times within WINDOW seconds, in half of its calls or more, opens it. Open: its hooks are not called and
its panels say so; its own pages answer as ever. Half open, when the pause is over: one call of each surface that
failed tries; when they are well it closes, the next failure opens it for twice as long.

What is known ends with the practice's ``plugins_version``: a reset, a switch or changed settings begin anew in every
process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from core import db, metrics, tenancy
from core.metrics import BreakerState

FAILURES: Final = 5
WINDOW: Final = 60.0
FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 600.0
_SHARE: Final = 2  # one failure in so many calls
_MOST_WATCHED: Final = 1000

clock = time.monotonic
"""Seconds; tests put their own in its place."""


@dataclass(slots=True)
class _Surface:
    """Since ``began``: how often a hook or panel was called and failed. trying: one half-open call is under way."""

    began: float
    calls: int = 0
    failures: int = 0
    bad: bool = False
    trying: bool = False


@dataclass(slots=True)
class _Watch:
    """A plugin in a practice, from its first failure until all is well. opened: how many times without closing."""

    version: int
    opened: int = 0
    until: float = 0.0
    reference: str = ""
    surfaces: dict[str, _Surface] = field(default_factory=dict)

    @property
    def state(self) -> BreakerState:
        if not self.opened:
            return "closed"
        return "open" if clock() < self.until else "half_open"

    def is_stale(self) -> bool:
        now = clock()
        last = max((surface.began for surface in self.surfaces.values()), default=0.0)
        return not self.opened and now - last > WINDOW


@dataclass(frozen=True, slots=True)
class Opened:
    """A breaker opened just now. again: it had not closed since it opened before."""

    seconds: float
    failures: int
    again: bool


watching: dict[UUID, dict[str, _Watch]] = {}
"""Empty in good times: whoever calls hooks looks here first."""
_lock = threading.Lock()


def is_open(plugin: str) -> bool:
    """Is this plugin paused for the current practice, in this process?"""
    return state(plugin) == "open"


def state(plugin: str) -> BreakerState:
    """As this process sees it, for the current practice."""
    watch = _find(db.practice_id(), plugin)
    return "closed" if watch is None else watch.state


def reference(plugin: str) -> str:
    """Of the fault that opened it last in the current practice; empty when there is none."""
    watch = _find(db.practice_id(), plugin)
    return "" if watch is None else watch.reference


def admits(plugin: str, surface: str) -> bool:
    """May this hook or panel be called now? Whoever is admitted says :func:`well` or :func:`failed` afterwards."""
    if not watching or (watch := _find(db.practice_id(), plugin)) is None or not watch.opened:
        return True
    if watch.state == "open":
        return False
    with _lock:
        found = watch.surfaces.get(surface)
        if found is None or not found.bad:
            return True
        if found.trying:
            return False
        found.trying = True
        return True


def left(plugin: str, surface: str) -> None:
    """A call that was admitted came to no end of its own (a timeout from outside): another one may try."""
    if not watching or (watch := _find(db.practice_id(), plugin)) is None:
        return
    with _lock:
        if found := watch.surfaces.get(surface):
            found.trying = False


def is_trying(plugin: str, surface: str) -> bool:
    """Does a half-open call of this surface try just now? Whoever comes meanwhile is not served."""
    watch = _find(db.practice_id(), plugin)
    found = watch.surfaces.get(surface) if watch is not None and watch.state == "half_open" else None
    return found is not None and found.trying


def well(plugin: str, surface: str) -> bool:
    """A call succeeded within its budget. True when that closes the breaker."""
    if not watching or (watch := _find(db.practice_id(), plugin)) is None:
        return False
    with _lock:
        found = _surface(watch, surface)
        found.calls += 1
        found.bad = found.trying = False
        if (
            watch.opened
            and watch.state == "half_open"
            and not any(one.bad for one in watch.surfaces.values())
        ):
            _drop(db.practice_id(), plugin)
            return True
        if watch.is_stale():
            _drop(db.practice_id(), plugin)
    return False


def failed(plugin: str, surface: str, reference: str = "") -> Opened | None:
    """A call failed or overran its budget. Answers the opening when that opens the breaker.

    reference: of the log entry.
    """
    practice_id = db.practice_id()
    watch = _find(practice_id, plugin)
    with _lock:
        if watch is None:
            _make_room()
            watch = watching.setdefault(practice_id, {}).setdefault(plugin, _Watch(_version()))
        found = _surface(watch, surface)
        found.calls += 1
        found.failures += 1
        found.trying = False
        if watch.state == "open":
            return None  # began before it opened
        if not watch.opened and (found.failures < FAILURES or found.failures * _SHARE < found.calls):
            return None
        found.bad = True
        again = watch.opened > 0
        watch.opened += 1
        seconds = min(FIRST_PAUSE * 2.0 ** min(watch.opened - 1, 10), LONGEST_PAUSE)
        watch.until, watch.reference = clock() + seconds, reference
        return Opened(seconds, found.failures, again)


def forget(plugin: str | None = None) -> None:
    """Begin anew: for a plugin in the current practice, or (None) everywhere."""
    with _lock:
        if plugin is None:
            watching.clear()
        else:
            _drop(db.practice_id(), plugin)


def states() -> dict[str, BreakerState]:
    """The worst state of each plugin in any practice, for the metrics."""
    worst: dict[str, BreakerState] = {}
    for plugin, watch in _all():
        found = watch.state
        if found == "open" or worst.get(plugin, "closed") == "closed":
            worst[plugin] = found
    return worst


def _find(practice_id: UUID, plugin: str) -> _Watch | None:
    watch = watching.get(practice_id, {}).get(plugin)
    if watch is not None and watch.version != _version():
        with _lock:
            _drop(practice_id, plugin)
        return None
    return watch


def _version() -> int:
    return tenancy.current().plugins_version


def _surface(watch: _Watch, surface: str) -> _Surface:
    found = watch.surfaces.setdefault(surface, _Surface(clock()))
    if clock() - found.began > WINDOW:
        found.began, found.calls, found.failures = clock(), 0, 0
    return found


def _drop(practice_id: UUID, plugin: str) -> None:
    plugins = watching.get(practice_id)
    if plugins is not None:
        plugins.pop(plugin, None)
        if not plugins:
            watching.pop(practice_id, None)


def _all() -> Iterator[tuple[str, _Watch]]:
    for plugins in list(watching.values()):
        yield from list(plugins.items())


def _make_room() -> None:
    """What went quiet elsewhere is not looked at again by itself."""
    if len(watching) < _MOST_WATCHED:
        return
    for practice_id, plugins in list(watching.items()):
        for name, watch in list(plugins.items()):
            if watch.is_stale():
                _drop(practice_id, name)


metrics.BREAKERS.watch("plugin", states)
