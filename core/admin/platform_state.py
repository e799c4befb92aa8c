"""How the platform does, across all practices: queues, plugins' faults, migrations, versions.

Counts and codes only: nothing that says who a patient is leaves this module.
"""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from core import db, plugin_system
from core.admin import given_up
from core.admin.given_up import Queue
from core.db import migrate
from core.i18n import _
from core.jobs.models import JobRow, Sweep
from core.notifications.models import Notification
from core.plugin_system.fault_models import PluginFault, PluginPause
from core.tenancy import Membership, Practice

STALE: Final = timedelta(minutes=3)
"""A worker sweeps every minute: three without are no accident."""

_PACKAGES: Final = ("Flask", "Flask-AppBuilder", "SQLAlchemy", "Flask-SocketIO", "pluggy")


@dataclass(frozen=True, slots=True)
class QueueState:
    """oldest: since when the most overdue row is due; None when nothing is. dead: as many as the list of them has."""

    name: Queue
    waiting: int
    running: int
    dead: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Worker:
    """heartbeat: when one last swept. is_alive: recently enough."""

    heartbeat: datetime | None
    is_alive: bool
    failing: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class PluginTrouble:
    """A plugin that fails in a practice. paused_until: the breaker keeps it off until then."""

    plugin: str
    title: str
    practice: str
    practice_id: UUID
    failures: int
    last_at: datetime | None
    paused_until: datetime | None


def people(practice_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many people work in each of these practices."""
    counted = (
        select(Membership.practice_id, func.count(Membership.user_id.distinct()))
        .where(Membership.practice_id.in_(practice_ids))
        .group_by(Membership.practice_id)
    )
    return {row[0]: row[1] for row in db.session().execute(counted)}


def queues() -> list[QueueState]:
    """Messages and jobs of all practices."""
    with db.scope(write=False, across_practices=True):
        dead = given_up.counts()
        return [
            _queue("messages", Notification, dead["messages"]),
            _queue("jobs", JobRow, dead["jobs"]),
        ]


def _queue(name: Queue, model: Any, dead: int) -> QueueState:
    now = db.utcnow()
    states = {"messages": ("queued", "sending"), "jobs": ("queued", "running")}[name]
    found = select(model.state, func.count()).where(model.state.in_(states)).group_by(model.state)
    counts: dict[str, int] = {row[0]: row[1] for row in db.session().execute(found)}
    oldest = db.session().scalar(
        select(func.min(model.due_at)).where(model.state == "queued", model.due_at <= now)
    )
    return QueueState(name, counts.get("queued", 0), counts.get(states[1], 0), dead, oldest)


def worker() -> Worker:
    """Do workers run? Their sweeps tell."""
    with db.scope(write=False) as session:
        rows = session.execute(select(Sweep.kind, Sweep.last_run_at, Sweep.failures)).all()
    last = max((row.last_run_at for row in rows if row.last_run_at is not None), default=None)
    failing = [(row.kind, row.failures) for row in rows if row.failures]
    return Worker(last, last is not None and db.utcnow() - last < STALE, failing)


def plugin_troubles() -> list[PluginTrouble]:
    """Plugins that failed in the last day or are paused, by plugin and practice: the paused first, then the worst."""
    now = db.utcnow()
    with db.scope(write=False, across_practices=True) as session:
        counts: dict[tuple[str, UUID], tuple[int, datetime]] = {
            (plugin, practice_id): (count, at)
            for plugin, practice_id, count, at in session.execute(
                select(
                    PluginFault.plugin,
                    PluginFault.practice_id,
                    func.sum(PluginFault.count),
                    func.max(PluginFault.at),
                )
                .where(PluginFault.at > now - timedelta(days=1))
                .group_by(PluginFault.plugin, PluginFault.practice_id)
            )
        }
        paused = {
            (one.plugin, one.practice_id): one.until
            for one in session.scalars(select(PluginPause).where(PluginPause.ended_at.is_(None)))
        }
        names = _names({practice_id for _, practice_id in (*counts, *paused)})
    found = []
    for plugin, practice_id in {*counts, *paused}:
        count, at = counts.get((plugin, practice_id), (0, None))
        title = str(plugin_system.registry.get(plugin).title) if plugin in plugin_system.registry else plugin
        until = paused.get((plugin, practice_id))
        found.append(PluginTrouble(plugin, title, names.get(practice_id, ""), practice_id, count, at, until))
    return sorted(found, key=lambda one: (one.paused_until is None, -one.failures, one.title, one.practice))


def _names(practice_ids: set[UUID]) -> dict[UUID, str]:
    found = db.session().execute(select(Practice.id, Practice.name).where(Practice.id.in_(practice_ids)))
    return {row.id: row.name for row in found}


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of migrations: where the code is, where the database is. wanted "": no code of it runs here."""

    name: str
    wanted: str
    applied: str

    @property
    def is_current(self) -> bool:
        return not self.wanted or self.wanted == self.applied


def branches() -> list[Branch]:
    """Where each branch of migrations stands."""
    known = plugin_system.registry.branches()
    stand: dict[str, dict[str, str]] = defaultdict(dict)
    for head in migrate.heads(known):
        stand[head.rpartition("_")[0]]["wanted"] = head
    for head in migrate.applied():
        stand[head.rpartition("_")[0]]["applied"] = head
    return [
        Branch(name, each.get("wanted", ""), each.get("applied", "")) for name, each in sorted(stand.items())
    ]


def versions() -> list[tuple[str, str]]:
    """What runs here."""
    found = [("Careroom", _version("careroom")), ("Python", platform.python_version())]
    found += [(name, _version(name)) for name in _PACKAGES]
    kind, number = migrate.server()
    found.append(({"postgresql": "PostgreSQL", "sqlite": "SQLite"}.get(kind, kind), number))
    found += [(str(plugin.title), plugin.version) for plugin in plugin_system.registry]
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return _("unknown")
