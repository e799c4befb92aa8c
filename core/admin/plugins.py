"""The Plugins page of a practice: what is on, what could be, what cannot and why; and agreeing to what one asks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from core import tenancy
from core.admin import conflicts
from core.i18n import _, language_name
from core.plugin_system import CannotSwitch, Plugin, PluginState, activation, faults
from core.plugin_system.capabilities import GROUPS, AnyCapability
from core.plugin_system.faults import Health
from core.web.pages import live, render
from core.web.routes import StaffRoutes
from core.web.shell import role_titles

PERMISSION: Final = "core.manage_plugins"
_OUT_OF_REACH: Final = frozenset({"region", "denied_by_operator"})
routes = StaffRoutes("core", __name__, name="admin_plugins", prefix="/admin/plugins")


@dataclass(frozen=True, slots=True)
class Right:
    """A permission in words, and who has it."""

    title: str
    roles: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A capability in words; ``new``: the practice has not agreed to it yet."""

    key: str
    icon: str
    label: str
    detail: str
    new: bool


@dataclass(frozen=True, slots=True)
class Card:
    """A plugin as its card and its consent show it. asked: by group, as (title, capabilities)."""

    name: str
    title: str
    summary: str
    version: str
    icon: str
    quality: str
    on: bool
    asks_again: bool
    reason: str
    code: str
    can_switch: bool
    has_settings: bool
    asked: list[tuple[str, list[Asked]]]
    rights: list[Right]
    messages: list[str]
    links: list[str]
    languages: list[str]
    speaks: bool
    health: Health
    seen: str

    @property
    def keys(self) -> list[str]:
        """What somebody who sees this agrees to."""
        return [item.key for _title, items in self.asked for item in items]


@routes.get("", permission=PERMISSION)
def index() -> str:
    """A card for each installed plugin by what can be done about it, and those that cannot be had here."""
    live("core.plugins", faults.TOPIC)
    cards = _cards(activation.states())
    refusals = activation.refusals()
    return render(
        "admin/plugins.html",
        asking=[card for card in cards if card.asks_again],
        on=[card for card in cards if card.on],
        off=[
            card for card in cards if not card.on and not card.asks_again and card.code not in _OUT_OF_REACH
        ],
        away=[card for card in cards if card.code in _OUT_OF_REACH],
        refusals=[refusal for refusal in refusals if refusal.is_fault],
        safe_mode=any(not refusal.is_fault for refusal in refusals),
    )


@routes.get("/<name>/consent", permission=PERMISSION)
def consent(name: str) -> ResponseReturnValue:
    """What the plugin reads, sends, stores and calls, to be agreed to before it is on."""
    state = _state(name)
    if not state.can_switch or state.on:
        return redirect(url_for("admin_plugins.index"), 303)
    return render("admin/plugin_consent.html", card=_cards([state])[0])


@routes.post("/<name>/enable", permission=PERMISSION)
def enable(name: str) -> ResponseReturnValue:
    """Switch a plugin on, with what was shown and agreed to."""
    state = _state(name)
    if conflicts.is_stale(request.form, lambda: _switched(_state(name))):
        conflicts.tell()
        return redirect(url_for("admin_plugins.index"), 303)
    try:
        activation.enable(name, agreed=request.form.getlist("agreed"))
    except activation.AsksForMore:
        # Not shown what it asks for, or something else: by a newer version, in the time it took to read.
        return redirect(url_for("admin_plugins.consent", name=name), 303)
    except CannotSwitch as error:
        flash(str(error), "warning")
    else:
        flash(_("%(plugin)s is switched on.", plugin=str(state.plugin.title)), "success")
    return redirect(url_for("admin_plugins.index"), 303)


@routes.post("/<name>/disable", permission=PERMISSION)
def disable(name: str) -> ResponseReturnValue:
    """Switch a plugin off; its data stays."""
    state = _state(name)
    if conflicts.is_stale(request.form, lambda: _switched(_state(name))):
        conflicts.tell()
        return redirect(url_for("admin_plugins.index"), 303)
    try:
        activation.disable(name)
    except CannotSwitch as error:
        flash(str(error), "warning")
    else:
        flash(_("%(plugin)s is switched off. Its data is kept.", plugin=str(state.plugin.title)), "success")
    return redirect(url_for("admin_plugins.index"), 303)


def _switched(state: PluginState) -> object:
    return [state.wanted, state.on]


def _state(name: str) -> PluginState:
    try:
        return activation.state(name)
    except KeyError:
        abort(404)


def _cards(states: Iterable[PluginState]) -> list[Card]:
    shown = list(states)
    healths = faults.healths([state.plugin.name for state in shown])
    roles = role_titles()
    return [_card(state, healths[state.plugin.name], roles) for state in shown]


def _card(state: PluginState, health: Health, roles: dict[str, str]) -> Card:
    plugin = state.plugin
    languages = [locale.partition("-")[0] for locale in plugin.locales]
    return Card(
        name=plugin.name,
        title=str(plugin.title),
        summary=str(plugin.summary),
        version=plugin.version,
        icon=plugin.icon,
        quality=plugin.quality,
        on=state.on,
        asks_again=state.why.code == "consent_widened",
        reason=state.reason,
        code=state.why.code,
        can_switch=state.can_switch,
        has_settings=bool(plugin.settings.model_fields),
        asked=_asked(plugin, state.added),
        rights=[
            Right(str(item.title), ", ".join(roles.get(role, role) for role in item.roles))
            for item in plugin.permissions
        ],
        messages=[str(item.title) for item in plugin.templates],
        links=[str(item.title) for item in plugin.link_purposes],
        languages=[language_name(language) for language in dict.fromkeys(languages)],
        speaks=not languages or tenancy.current().language.partition("-")[0] in languages,
        health=health,
        seen=conflicts.seen(_switched(state)),
    )


def _asked(plugin: Plugin, added: Iterable[AnyCapability]) -> list[tuple[str, list[Asked]]]:
    new = {item.key for item in added}
    groups = [
        (
            str(title),
            [
                Asked(item.key, item.icon, str(item.label), str(item.detail), item.key in new)
                for item in plugin.capabilities
                if item.group == group
            ],
        )
        for group, title in GROUPS.items()
    ]
    return [(title, items) for title, items in groups if items]
