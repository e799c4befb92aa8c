"""Which plugins are on for a practice. The one place that decides, and that can say why.

A practice row carries ``plugins_version``, which every change raises. It is read with the practice anyway, so a
process knows without another query whether what it remembers still holds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import select

from core import audit, db, realtime, settings, tenancy
from core.i18n import _
from core.patient_data import purging
from core.plugin_system import capabilities, remembered
from core.plugin_system.capabilities import AnyCapability
from core.plugin_system.manifest import Plugin
from core.plugin_system.models import PracticePlugin
from core.plugin_system.refusals import Refusal
from core.plugin_system.registry import registry
from core.plugin_system.remembered import Stored
from core.plugin_system.resolver import Choice, Reason, Rule, resolve
from core.tenancy import platform

_CHANGED: Final = "core.plugins_changed"
_ACTIONS: Final[dict[Rule, str]] = {
    "": "plugin.left_to_practice",
    "allow": "plugin.allowed",
    "deny": "plugin.denied",
    "force": "plugin.forced",
}


class CannotSwitch(Exception):
    """A plugin cannot be switched now; the message is translated and says why."""


class AsksForMore(CannotSwitch):
    """The plugin asks for capabilities that were not among those that somebody agreed to."""


@dataclass(frozen=True, slots=True)
class PluginState:
    """A plugin in the current practice.

    wanted: the practice has it switched on, also where something keeps it off. needed_by: titles of what is on
    and requires it. added: what it asks for beyond what was agreed to.
    """

    plugin: Plugin
    why: Reason
    wanted: bool
    rule: str
    needed_by: tuple[str, ...]
    added: tuple[AnyCapability, ...]

    @property
    def on(self) -> bool:
        return self.why.on

    @property
    def can_switch(self) -> bool:
        """May the practice switch it the other way?"""
        if self.on:
            return self.why.code == "on" and not self.needed_by
        return self.why.code in ("off", "consent_widened")

    @property
    def reason(self) -> str:
        """Why it is as it is, in words."""
        if self.why.code == "on" and self.needed_by:
            return _(
                "On. It cannot be switched off while %(others)s needs it.", others=", ".join(self.needed_by)
            )
        return self.why.sentence


# --- questions ---------------------------------------------------------------------------------------------------


def forget() -> None:
    """Drop what this process remembers; the next question reads the database again."""
    remembered.clear()


def enabled() -> frozenset[str]:
    """The names of the plugins that are on for the current practice. Equal sets are one object."""
    practice = tenancy.current()
    known = remembered.sets_of(practice.id)
    if known is None or known.version != practice.plugins_version or known.country != practice.country:
        return _read(practice)[0]
    return known.on


def stored_settings(name: str) -> Stored | None:
    """A plugin's settings as the current practice has them stored; None: it set nothing."""
    practice = tenancy.current()
    known = remembered.settings_of(practice.id, practice.plugins_version)
    return (_read(practice)[1] if known is None else known).get(name)


def _read(practice: tenancy.Practice) -> tuple[frozenset[str], remembered.Settings]:
    rows = _rows()
    reasons = _resolve(rows, practice)
    on = remembered.shared_set(frozenset(name for name, reason in reasons.items() if reason.on))
    settings = remembered.shared_settings(
        {row.name: Stored(row.settings_version, row.settings) for row in rows.values() if row.settings}
    )
    # What this transaction changed may yet be undone, and its version then given to something else.
    if not db.pending(_CHANGED):
        remembered.keep_sets(practice.id, practice.plugins_version, practice.country, on)
        remembered.keep_settings(practice.id, practice.plugins_version, settings)
    return on, settings


class _Row(NamedTuple):
    """What is stored about a plugin: a question needs no more of the row, and a practice has many."""

    name: str
    enabled: bool
    rule: str
    agreed: list[str] | None
    settings_version: int
    settings: dict[str, Any]


_COLUMNS: Final = tuple(getattr(PracticePlugin, name) for name in _Row._fields)


def _rows() -> dict[str, _Row]:
    return {row[0]: _Row(*row) for row in db.session().execute(select(*_COLUMNS))}


def _choice(row: _Row) -> Choice:
    return Choice(row.enabled, row.rule, frozenset(row.agreed) if row.agreed is not None else None)


def _resolve(rows: dict[str, _Row], practice: tenancy.Practice) -> dict[str, Reason]:
    choices = {name: _choice(row) for name, row in rows.items()}
    return resolve(registry, choices, practice.country, settings.current().reserved_plugins)


def states() -> list[PluginState]:
    """Every installed plugin with its state in the current practice, in the plugins' order."""
    rows = _rows()
    reasons = _resolve(rows, tenancy.current())
    return [_state(plugin, reasons, rows.get(plugin.name)) for plugin in registry]


def state(name: str) -> PluginState:
    """One plugin's state. Raises KeyError for a plugin that is not installed."""
    rows = _rows()
    return _state(registry.get(name), _resolve(rows, tenancy.current()), rows.get(name))


def why(name: str) -> Reason:
    """Why a plugin is on or off in the current practice; of one that is not there, why it is not."""
    if name in registry:
        return state(name).why
    refusal = next((refusal for refusal in registry.refused if refusal.name == name), None)
    if refusal is None:
        return Reason(False, "not_installed")
    if not refusal.is_fault:
        return Reason(False, "safe_mode")
    return Reason(False, "refused", detail=refusal.sentence)


def refusals() -> list[Refusal]:
    """Plugins that are installed but were not taken at start-up, with the reason."""
    return list(registry.refused)


def _state(plugin: Plugin, reasons: dict[str, Reason], row: _Row | None) -> PluginState:
    choice = _choice(row) if row is not None else Choice(plugin.default_on)
    needed_by = tuple(
        str(other.title) for other in registry if plugin.name in other.requires and reasons[other.name].on
    )
    agreed = choice.agreed if choice.agreed is not None else capabilities.keys(plugin.capabilities)
    added = tuple(item for item in plugin.capabilities if item.key not in agreed)
    wanted = choice.enabled or choice.rule == "force"
    return PluginState(plugin, reasons[plugin.name], wanted, choice.rule, needed_by, added)


# --- changes -----------------------------------------------------------------------------------------------------


def enable(name: str, *, agreed: Collection[str] | None = None) -> None:
    """Switch a plugin on for the current practice, which thereby agrees to what the plugin asks for.

    agreed: the capabilities that somebody was shown; None: all that the installed version asks for.
    Raises CannotSwitch, AsksForMore when the plugin asks for more than was shown, KeyError.
    """
    _hold_practice()
    now = state(name)
    if now.on:
        return
    if not now.can_switch:
        raise CannotSwitch(now.reason)
    _refuse_while_purging(name)
    asked = capabilities.keys(now.plugin.capabilities)
    if agreed is not None and asked - set(agreed):
        raise AsksForMore(_("This plugin asks for more than you were shown. Please look at it again."))
    row = stored(name)
    row.enabled, row.version, row.agreed = True, now.plugin.version, sorted(asked)
    again = now.why.code == "consent_widened"
    _record("plugin.consented" if again else "plugin.enabled", now, agreed=", ".join(sorted(asked)))
    changed()


def disable(name: str) -> None:
    """Switch a plugin off for the current practice; its data stays. Raises CannotSwitch, KeyError."""
    _hold_practice()
    now = state(name)
    if not now.wanted:
        return
    if now.rule == "force" or now.needed_by:
        raise CannotSwitch(now.reason)
    row = stored(name)
    row.enabled, row.version = False, now.plugin.version
    _record("plugin.disabled", now)
    changed()


def decree(name: str, rule: Rule) -> None:
    """The operator's word for the current practice: allow (the practice decides, also of a reserved plugin), deny
    (off whatever the practice wants), force (on, agreed to by the operator), "" (as if nothing had been said).

    Raises CannotSwitch when a forced plugin could not be on, or while its data is being removed; KeyError.
    """
    _hold_practice()
    now = state(name)
    if now.rule == rule and (rule != "force" or now.on):
        return
    if rule != "deny":
        _refuse_while_purging(name)
    if rule == "force" and (obstacle := _obstacle(now)) is not None:
        raise CannotSwitch(obstacle.sentence)
    row = stored(name)
    row.rule, row.version = rule, now.plugin.version
    if rule == "force":
        row.agreed = sorted(capabilities.keys(now.plugin.capabilities))
    _record(_ACTIONS[rule], now)
    changed()


def _refuse_while_purging(name: str) -> None:
    if purging.is_under_way(name):
        raise CannotSwitch(
            _("Its data is being removed here. It can be switched on when that has come to its end.")
        )


def _obstacle(now: PluginState) -> Reason | None:
    """Why a plugin could not be on even if it were forced; what is on beside it is not to go off for it."""
    plugin, rows, practice = now.plugin, _rows(), tenancy.current()
    asked = sorted(capabilities.keys(plugin.capabilities))
    before = _resolve(rows, practice)
    rows[plugin.name] = _Row(plugin.name, now.wanted, "force", asked, 1, {})
    after = _resolve(rows, practice)
    if not after[plugin.name].on:
        return after[plugin.name]
    lost = tuple(str(other.title) for other in registry if before[other.name].on and not after[other.name].on)
    return Reason(False, "conflicts", lost) if lost else None


def begin_afresh(name: str) -> None:
    """Leave nothing of what the current practice chose for a plugin, also one that is not installed any more: after its
    data was removed. It is off then; the operator's word stays."""
    row = db.session().scalar(select(PracticePlugin).where(PracticePlugin.name == name))
    if row is None and name in registry:
        row = stored(name)
    if row is not None:
        row.enabled, row.settings, row.agreed = False, {}, None
        row.settings_kept = None
        changed()


def stored(name: str) -> PracticePlugin:
    """The row of a plugin in the current practice, made when it is missing.

    A plugin that is on by itself asks for nothing, and nothing is what was agreed to: a later version asks first.
    """
    row = db.session().scalar(select(PracticePlugin).where(PracticePlugin.name == name))
    if row is None:
        on = name in enabled()
        row = PracticePlugin(name=name, enabled=on, agreed=[] if on else None)
        db.session().add(row)
    return row


def changed() -> None:
    """Raise the practice's version, so that every process reads anew, and tell open pages."""
    session, practice = db.session(), tenancy.current()
    db.pending(_CHANGED).append(practice.id)
    # Counted by the database: of two changes at the same time each has a version of its own.
    practice.plugins_version = tenancy.Practice.plugins_version + 1
    session.flush()
    session.refresh(practice, ["plugins_version"])
    db.known().clear()  # what this scope found out so far, with the plugins as they were
    realtime.publish("core.plugins", "changed")


def _hold_practice() -> None:
    """One change of a practice's plugins at a time: each sees what the one before it left. Raises CannotSwitch."""
    if tenancy.held().status == platform.ERASED:
        raise CannotSwitch(_("This practice is erased. Nothing is left of it that could go on."))


def _record(action: str, now: PluginState, **detail: str) -> None:
    audit.record(action, detail={"plugin": now.plugin.name, "version": now.plugin.version, **detail})
