"""Faults of plugins: logged at once with a reference, counted, and stored for the practice's admin.

Nothing is stored in the request that met the fault: what it noted waits in this process until the request's
transaction is over (:func:`settle`), gathered, so that a plugin that fails a thousand times writes a few rows.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from core import audit, db, metrics, realtime, tenancy
from core.metrics import BreakerState
from core.plugin_system import activation, breaker
from core.plugin_system.breaker import Opened
from core.plugin_system.fault_models import PluginFault, PluginPause

Kind = Literal["raised", "wrong_answer", "slow", "wrote"]
TOPIC: Final = "core.plugin_health"
KEEP: Final = timedelta(days=30)
_EVERY_SECONDS: Final = 2.0
_MOST_WAITING: Final = 500
_TRIES_FOR: Final = timedelta(minutes=15)
_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # read out on the telephone: no 0, 1, I, O

log = structlog.get_logger(__name__)
_Key = tuple[UUID, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a plugin fails. reference, request_id: the log entry of the newest time."""

    surface: str
    kind: str
    error: str
    place: str
    reference: str
    request_id: str | None
    first_at: datetime
    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Health:
    """How a plugin does in a practice. since, until: of the pause, when it is not closed. recent: faults in a week."""

    plugin: str
    state: BreakerState
    recent: int
    since: datetime | None = None
    until: datetime | None = None
    reference: str = ""


@dataclass(slots=True)
class _Waiting:
    reference: str
    request_id: str | None
    first_at: datetime
    at: datetime
    count: int = 0


@dataclass(slots=True)
class _Pauses:
    """The newest opening or closing of each (practice, plugin) that is not stored yet."""

    opened: dict[tuple[UUID, str], tuple[Opened, datetime, str]] = field(default_factory=dict)
    closed: dict[tuple[UUID, str], datetime] = field(default_factory=dict)


_waiting: dict[_Key, _Waiting] = {}
_pauses = _Pauses()
_lock = threading.Lock()
_next = 0.0


def label_of(surface: str) -> str:
    """What the metrics call a surface: a panel's name is for the plugin to make up, and may hold an id."""
    return surface.partition(":")[0]


def note(plugin: str, surface: str, kind: Kind, error: BaseException | None = None) -> str:
    """A hook or panel of a plugin failed: log it, count it, tell the breaker. Answers the fault's reference.

    The core's own panels may fail, too; they are logged and counted, and no breaker keeps them from being shown.
    """
    reference = "".join(secrets.choice(_LETTERS) for _ in range(8))
    name, place = (type(error).__name__, _place(error)) if error is not None else ("", "")
    metrics.HOOK_FAILURES.labels(label_of(surface), plugin, kind).inc()
    # The exception's text may quote a patient's data: type and place are enough.
    log.error(
        "plugin_fault",
        plugin=plugin,
        surface=surface,
        kind=kind,
        reference=reference,
        **({"error": name, "where": place} if error is not None else {}),
    )
    if plugin == tenancy.switches.CORE or not db.has_practice():
        return reference
    opened = breaker.failed(plugin, surface, reference)
    now = db.utcnow()
    with _lock:
        key = (db.practice_id(), plugin, surface, kind, name[:120], place[:200])
        if key in _waiting or len(_waiting) < _MOST_WAITING:
            kept = _waiting.setdefault(key, _Waiting(reference, None, now, now))
            kept.count += 1
            kept.reference, kept.request_id, kept.at = reference, audit.request_id(), now
        if opened is not None:
            _pauses.opened[db.practice_id(), plugin] = opened, now, reference
            _pauses.closed.pop((db.practice_id(), plugin), None)
    if opened is not None:
        log.error("plugin_paused", plugin=plugin, seconds=opened.seconds, reference=reference)
    return reference


def note_well(plugin: str, surface: str) -> None:
    """A watched hook or panel did its work: perhaps that ends the plugin's pause."""
    if breaker.well(plugin, surface):
        log.info("plugin_well_again", plugin=plugin)
        with _lock:
            _pauses.opened.pop((db.practice_id(), plugin), None)
            _pauses.closed[db.practice_id(), plugin] = db.utcnow()


def forget() -> None:
    """Begin anew: no breaker is open and nothing waits. For a process that starts."""
    with _lock:
        _waiting.clear()
        _pauses.opened.clear()
        _pauses.closed.clear()
    breaker.forget()


def are_waiting() -> bool:
    """Is there anything to store?"""
    return bool(_waiting or _pauses.opened or _pauses.closed)


def settle(*, now: bool = False) -> None:
    """Store what waits, in short transactions of its own. Call where no scope is open and nobody waits.

    Does nothing when the last time was a moment ago (unless ``now``). Never raises: the log has it all.
    """
    global _next
    if not are_waiting() or db.in_scope() or (time.monotonic() < _next and not now):
        return
    with _lock:
        _next = time.monotonic() + _EVERY_SECONDS
        faults, pauses = dict(_waiting), _Pauses(dict(_pauses.opened), dict(_pauses.closed))
        _waiting.clear()
        _pauses.opened.clear()
        _pauses.closed.clear()
    practices = {key[0] for key in faults} | {key[0] for key in (*pauses.opened, *pauses.closed)}
    for practice_id in sorted(practices):
        try:
            with db.scope(practice_id):
                _store(practice_id, faults, pauses)
        except SQLAlchemyError as error:
            log.warning("plugin_faults_not_stored", error=type(error).__name__)


def recent(plugin: str, limit: int = 20) -> list[Fault]:
    """What failed in the current practice in the last 30 days, newest first."""
    rows = db.session().scalars(
        select(PluginFault)
        .where(PluginFault.plugin == plugin, PluginFault.at > db.utcnow() - KEEP)
        .order_by(PluginFault.at.desc(), PluginFault.id)
        .limit(limit)
    )
    return [
        Fault(
            row.surface,
            row.kind,
            row.error,
            row.place,
            row.reference,
            row.request_id,
            row.first_at,
            row.at,
            row.count,
        )
        for row in rows
    ]


def health(plugin: str) -> Health:
    """How a plugin does in the current practice, as all processes together know."""
    return healths([plugin])[plugin]


def healths(plugins: Iterable[str]) -> dict[str, Health]:
    """The same for many, with two queries."""
    wanted, week = list(plugins), db.utcnow() - timedelta(days=7)
    rows = db.session().scalars(select(PluginPause).where(PluginPause.plugin.in_(wanted)))
    found = {row.plugin: row for row in rows}
    counted = (
        select(PluginFault.plugin, func.sum(PluginFault.count))
        .where(PluginFault.plugin.in_(wanted), PluginFault.at > week)
        .group_by(PluginFault.plugin)
    )
    counts: dict[str, int] = {row[0]: row[1] for row in db.session().execute(counted)}
    return {name: _health(name, found.get(name), counts.get(name, 0)) for name in wanted}


def reset(plugin: str) -> None:
    """End a plugin's pause in the current practice, in every process."""
    row = db.session().scalar(select(PluginPause).where(PluginPause.plugin == plugin))
    if row is not None:
        row.ended_at = db.utcnow()
    audit.record("plugin.pause_ended", detail={"plugin": plugin})
    breaker.forget(plugin)
    activation.changed()  # the others forget what they know of an older version
    realtime.publish(TOPIC, "changed")


def _health(plugin: str, row: PluginPause | None, count: int) -> Health:
    here, now = breaker.state(plugin), db.utcnow()
    if row is None:
        return Health(plugin, here, count)
    there: BreakerState = "closed"
    if row.ended_at is None and now < row.until:
        there = "open"
    elif row.ended_at is None and now < row.until + _TRIES_FOR:
        there = "half_open"  # in a process that nobody has asked since
    state = here if here != "closed" else there
    if state == "closed":
        return Health(plugin, state, count)
    return Health(plugin, state, count, row.since, row.until, row.reference)


def _store(practice_id: UUID, faults: dict[_Key, _Waiting], pauses: _Pauses) -> None:
    session = db.session()
    for (owner, plugin, surface, kind, error, place), one in faults.items():
        if owner != practice_id:
            continue
        same = select(PluginFault).where(
            PluginFault.plugin == plugin,
            PluginFault.surface == surface,
            PluginFault.kind == kind,
            PluginFault.error == error,
            PluginFault.place == place,
        )
        row = session.scalars(same).first()
        if row is None:
            row = PluginFault(
                plugin=plugin,
                surface=surface,
                kind=kind,
                error=error,
                place=place,
                count=0,
                first_at=one.first_at,
            )
            session.add(row)
        row.count += one.count
        row.at, row.reference, row.request_id = one.at, one.reference, one.request_id
    for (owner, plugin), (opened, at, reference) in pauses.opened.items():
        if owner == practice_id:
            pause = _pause(plugin)
            if not opened.again or pause.ended_at is not None or pause.since is None:
                pause.since = at
            pause.until, pause.ended_at = at + timedelta(seconds=opened.seconds), None
            pause.failures, pause.reference = opened.failures, reference
    for (owner, plugin), at in pauses.closed.items():
        if owner == practice_id:
            _pause(plugin).ended_at = at
    session.execute(delete(PluginFault).where(PluginFault.at < db.utcnow() - KEEP))
    realtime.publish(TOPIC, "changed")


def _pause(plugin: str) -> PluginPause:
    row = db.session().scalar(select(PluginPause).where(PluginPause.plugin == plugin))
    if row is None:
        now = db.utcnow()
        row = PluginPause(plugin=plugin, since=now, until=now, failures=0, reference="")
        db.session().add(row)
    return row


def _place(error: BaseException) -> str:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return f"{place.tb_frame.f_globals.get('__name__')}:{place.tb_lineno}" if place is not None else ""
