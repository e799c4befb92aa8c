"""Which plugins are on for a practice. The one place that decides, and that can say why.

A practice row carries ``plugins_version``, which every change raises. It is read with the practice anyway, so a
process knows without another query whether what it remembers still holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import audit, db, realtime, tenancy
from core.i18n import _
from core.plugin_system.manifest import Plugin
from core.plugin_system.models import PracticePlugin
from core.plugin_system.refusals import Refusal
from core.plugin_system.registry import registry


class CannotSwitch(Exception):
    """A plugin cannot be switched now; the message is translated and says why."""


@dataclass(frozen=True, slots=True)
class PluginState:
    """A plugin in the current practice. ``reason`` says in words why it is as it is."""

    plugin: Plugin
    on: bool
    reason: str
    can_switch: bool


@dataclass(frozen=True, slots=True)
class _Decided:
    version: int
    on: frozenset[str]
    settings: dict[str, dict[str, Any]]


_remembered: dict[UUID, _Decided] = {}
_sets: dict[frozenset[str], frozenset[str]] = {}


def forget() -> None:
    """Drop what this process remembers; the next question reads the database again."""
    _remembered.clear()


def decided() -> _Decided:
    """What holds for the current practice, read anew only when the practice's version says so."""
    practice = tenancy.current()
    known = _remembered.get(practice.id)
    if known is None or known.version != practice.plugins_version:
        rows = db.session().scalars(select(PracticePlugin)).all()
        known = _Decided(
            practice.plugins_version, _resolve(rows), {row.name: row.settings for row in rows if row.settings}
        )
        _remembered[practice.id] = known
    return known


def enabled() -> frozenset[str]:
    """The names of the plugins that are on for the current practice. Equal sets are one object."""
    return decided().on


def _resolve(rows: Any) -> frozenset[str]:
    chosen = {row.name: row.enabled for row in rows}
    on: set[str] = set()
    for plugin in registry:  # in order: what it requires has been decided before
        if chosen.get(plugin.name, plugin.default_on) and on.issuperset(plugin.requires):
            on.add(plugin.name)
    frozen = frozenset(on)
    return _sets.setdefault(frozen, frozen)


def states() -> list[PluginState]:
    """Every installed plugin with its state in the current practice, for the admin's page."""
    on = enabled()
    return [_state(plugin, on) for plugin in registry]


def state(name: str) -> PluginState:
    """One plugin's state. Raises KeyError for a plugin that is not installed."""
    return _state(registry.get(name), enabled())


def refusals() -> list[Refusal]:
    """Plugins that are installed but were not taken at start-up, with the reason."""
    return list(registry.refused)


def _state(plugin: Plugin, on: frozenset[str]) -> PluginState:
    missing = [_title(name) for name in plugin.requires if name not in on]
    needed_by = [str(other.title) for other in registry if plugin.name in other.requires and other.name in on]
    if plugin.name in on:
        if needed_by:
            reason = _(
                "On. It cannot be switched off while %(others)s needs it.", others=", ".join(needed_by)
            )
            return PluginState(plugin, True, reason, False)
        return PluginState(plugin, True, _("On for this practice."), True)
    if missing:
        reason = _("Off. It needs %(others)s, which is off here.", others=", ".join(missing))
        return PluginState(plugin, False, reason, False)
    return PluginState(plugin, False, _("Off for this practice."), True)


def _title(name: str) -> str:
    return str(registry.get(name).title) if name in registry else name


def enable(name: str) -> None:
    """Switch a plugin on for the current practice. Raises CannotSwitch, KeyError."""
    _switch(name, True)


def disable(name: str) -> None:
    """Switch a plugin off for the current practice; its data stays. Raises CannotSwitch, KeyError."""
    _switch(name, False)


def _switch(name: str, on: bool) -> None:
    now = state(name)
    if now.on == on:
        return
    if not now.can_switch:
        raise CannotSwitch(now.reason)
    row = stored(name)
    row.enabled, row.version = on, now.plugin.version
    audit.record("plugin.enabled" if on else "plugin.disabled", detail={"plugin": name})
    changed()


def stored(name: str) -> PracticePlugin:
    """The row of a plugin in the current practice, made when it is missing."""
    row = db.session().scalar(select(PracticePlugin).where(PracticePlugin.name == name))
    if row is None:
        row = PracticePlugin(name=name, enabled=name in enabled())
        db.session().add(row)
    return row


def changed() -> None:
    """Raise the practice's version, so that every process reads anew, and tell open pages."""
    practice = tenancy.current()
    practice.plugins_version += 1
    db.session().flush()
    db.known().clear()  # what this scope found out so far, with the plugins as they were
    realtime.publish("core.plugins", "changed")
