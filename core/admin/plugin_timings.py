"""How the plugins do, for the operator: how often and how long each hook and panel works, what failed, what is paused.

Times are of the web process that answers, since it started; faults and pauses are of all practices.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from core import db, metrics, plugin_system
from core.metrics import BreakerState
from core.plugin_system import breaker, faults
from core.plugin_system.fault_models import PluginFault, PluginPause

FAULTS_OF: Final = timedelta(days=1)
PANEL: Final = "panel"


@dataclass(frozen=True, slots=True)
class Timing:
    """A hook of a plugin, or its panels together. Times in milliseconds; None where it was not called here."""

    hook: str
    calls: int
    mean: float | None
    half: float | None
    nearly_all: float | None
    longest: float | None
    faults: int


@dataclass(slots=True)
class Health:
    """A plugin. here: its breaker's worst state in this process; paused_in: in how many practices it is paused."""

    name: str
    title: str
    version: str
    here: BreakerState
    paused_in: int = 0
    timings: list[Timing] = field(default_factory=list)

    @property
    def faults(self) -> int:
        return sum(one.faults for one in self.timings)


def every() -> list[Health]:
    """Every plugin that is installed, those in trouble first. Two queries, however many there are."""
    failed, paused = _faults(), _pauses()
    watches = {(watch.plugin, watch.hook): watch for watch in metrics.HOOKS.used()}
    states = breaker.states()
    found = []
    for plugin in plugin_system.registry:
        health = Health(plugin.name, str(plugin.title), plugin.version, states.get(plugin.name, "closed"))
        health.paused_in = paused.get(plugin.name, 0)
        hooks = {hook for name, hook in (*watches, *failed) if name == plugin.name}
        health.timings = sorted(
            (_timing(hook, watches.get((plugin.name, hook)), failed[plugin.name, hook]) for hook in hooks),
            key=lambda one: (-one.faults, -(one.nearly_all or 0.0), one.hook),
        )
        found.append(health)
    return sorted(found, key=lambda one: (one.here == "closed", not one.paused_in, -one.faults, one.title))


def _timing(hook: str, watch: metrics.Stopwatch | None, failures: int) -> Timing:
    if watch is None:
        return Timing(hook, 0, None, None, None, None, failures)
    return Timing(
        hook,
        watch.count,
        1000 * watch.seconds / watch.count,
        1000 * watch.within(0.5),
        1000 * watch.within(0.99),
        1000 * watch.longest,
        failures,
    )


def _faults() -> dict[tuple[str, str], int]:
    lately = (
        select(PluginFault.plugin, PluginFault.surface, func.sum(PluginFault.count))
        .where(PluginFault.at > db.utcnow() - FAULTS_OF)
        .group_by(PluginFault.plugin, PluginFault.surface)
    )
    found: dict[tuple[str, str], int] = defaultdict(int)
    with db.scope(write=False, across_practices=True) as session:
        for plugin, surface, count in session.execute(lately):
            found[plugin, faults.label_of(surface)] += int(count)
    return found


def _pauses() -> dict[str, int]:
    now = (
        select(PluginPause.plugin, func.count())
        .where(PluginPause.ended_at.is_(None))
        .group_by(PluginPause.plugin)
    )
    with db.scope(write=False, across_practices=True) as session:
        return {row[0]: row[1] for row in session.execute(now)}
