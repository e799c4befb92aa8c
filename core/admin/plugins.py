"""The Plugins page of a practice: a card for each, a switch, and its settings as a form."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError

from core.admin import settings_form
from core.i18n import _
from core.plugin_system import CannotSwitch, Plugin, PluginState, activation, faults, plugin_settings
from core.plugin_system.faults import Health
from core.web.pages import live, render
from core.web.routes import StaffRoutes
from core.web.shell import role_titles

PERMISSION = "core.manage_plugins"
routes = StaffRoutes("core", __name__, name="admin_plugins", prefix="/admin/plugins")


@dataclass(frozen=True, slots=True)
class Right:
    """A permission in words, and who has it."""

    title: str
    roles: str


@dataclass(frozen=True, slots=True)
class Card:
    """A plugin as its card shows it."""

    name: str
    title: str
    summary: str
    version: str
    icon: str
    on: bool
    reason: str
    can_switch: bool
    has_settings: bool
    capabilities: list[str]
    rights: list[Right]
    messages: list[str]
    links: list[str]
    health: Health


@routes.get("", permission=PERMISSION)
def index() -> str:
    """A card for each installed plugin, and those that the platform could not take."""
    live("core.plugins")
    live(faults.TOPIC)
    states = activation.states()
    healths = faults.healths(state.plugin.name for state in states)
    cards = [_card(state, healths[state.plugin.name]) for state in states]
    return render("admin/plugins.html", cards=cards, refusals=activation.refusals())


@routes.post("/<name>/enable", permission=PERMISSION)
def enable(name: str) -> ResponseReturnValue:
    """Switch a plugin on."""
    return _switch(name, on=True)


@routes.post("/<name>/disable", permission=PERMISSION)
def disable(name: str) -> ResponseReturnValue:
    """Switch a plugin off; its data stays."""
    return _switch(name, on=False)


@routes.get("/<name>/settings", permission=PERMISSION)
def settings(name: str) -> str:
    """The settings of a plugin as a form."""
    plugin = _plugin_with_settings(name)
    return _form(plugin, plugin_settings.load(plugin), None, None)


@routes.post("/<name>/settings", permission=PERMISSION)
def save(name: str) -> ResponseReturnValue:
    """Store the settings, or show the form again with all that was typed and what is wrong with it."""
    plugin = _plugin_with_settings(name)
    kept = plugin_settings.load(plugin)
    reset = request.form.get("action") == "reset"
    try:
        plugin_settings.save(plugin, {} if reset else settings_form.read(plugin.settings, request.form, kept))
    except ValidationError as error:
        return make_response(_form(plugin, kept, request.form, error), 422)
    flash(_("The usual settings are back.") if reset else _("The settings are saved."), "success")
    return redirect(url_for("admin_plugins.settings", name=name), 303)


def _switch(name: str, *, on: bool) -> ResponseReturnValue:
    plugin = _plugin(name)
    try:
        (activation.enable if on else activation.disable)(name)
    except CannotSwitch as error:
        flash(str(error), "warning")
    else:
        title = str(plugin.title)
        if on:
            flash(_("%(plugin)s is switched on.", plugin=title), "success")
        else:
            flash(_("%(plugin)s is switched off. Its data is kept.", plugin=title), "success")
    return redirect(url_for("admin_plugins.index"), 303)


def _plugin(name: str) -> Plugin:
    try:
        return activation.state(name).plugin
    except KeyError:
        abort(404)


def _plugin_with_settings(name: str) -> Plugin:
    plugin = _plugin(name)
    if not plugin.settings.model_fields:
        abort(404)
    return plugin


def _form(
    plugin: Plugin, kept: BaseModel, typed: settings_form.Form | None, error: ValidationError | None
) -> str:
    fields = settings_form.fields(plugin.settings, kept, typed, error)
    wrong = [
        (item.name, _("%(field)s: %(problem)s", field=item.label, problem=item.error))
        for item in fields
        if item.error
    ]
    whole = settings_form.errors_by_field(plugin.settings, error).get("")
    errors = [*wrong, *([(None, whole)] if whole else [])]
    return render("admin/plugin_settings.html", plugin=plugin, fields=fields, errors=errors)


def _card(state: PluginState, health: Health) -> Card:
    plugin, roles = state.plugin, role_titles()
    return Card(
        name=plugin.name,
        title=str(plugin.title),
        summary=str(plugin.summary),
        version=plugin.version,
        icon=plugin.icon,
        on=state.on,
        reason=state.reason,
        can_switch=state.can_switch,
        has_settings=bool(plugin.settings.model_fields),
        capabilities=[str(item.label) for item in plugin.capabilities],
        rights=[
            Right(str(item.title), ", ".join(roles.get(role, role) for role in item.roles))
            for item in plugin.permissions
        ],
        messages=[str(item.title) for item in plugin.templates],
        links=[str(item.title) for item in plugin.link_purposes],
        health=health,
    )
