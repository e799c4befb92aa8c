"""A plugin's settings as a form: by sections, with buttons that try them before they are saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog
from flask import abort, flash, g, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError

from core import audit
from core.admin import conflicts, settings_form
from core.errors import Refused
from core.i18n import _
from core.plugin_system import Plugin, SettingsPage, SettingsTest, activation, plugin_settings, secrets
from core.security import limits
from core.security.permissions import can
from core.web import coming_back
from core.web.gate import own_scope
from core.web.pages import live, render
from core.web.routes import StaffRoutes

PERMISSION: Final = "core.manage_plugins"
_TRIES: Final = limits.Limit("plugin.settings_test", "10 per 10 minutes")
"""A try may send a text or ask a provider: enough for somebody who sets things up, too little to bother anybody."""

log = structlog.get_logger(__name__)
routes = StaffRoutes("core", __name__, name="admin_plugin_settings", prefix="/admin/plugins")


@dataclass(frozen=True, slots=True)
class Tried:
    """What a test button said. kind: the notice's."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class _Vault:
    """Seals typed secrets for this plugin and practice; nothing of it is stored."""

    plugin: str

    def seal(self, name: str, plain: str) -> str:
        return secrets.seal(plain, self.plugin, f"{name} typed")

    def unseal(self, name: str, sealed: str) -> str | None:
        try:
            return secrets.unseal(sealed, self.plugin, f"{name} typed")
        except secrets.SecretUnreadable:
            return None


@routes.get("/<name>/settings", permission=PERMISSION)
def show(name: str) -> str:
    """The settings of a plugin as a form."""
    return _form(_plugin(name))


@routes.post("/<name>/settings", permission=PERMISSION)
def save(name: str) -> ResponseReturnValue:
    """Store the settings, or show the form again with all that was typed and what is wrong with it."""
    plugin = _plugin(name)
    reset = request.form.get("action") == "reset"
    if conflicts.is_stale(request.form, lambda: _stored(plugin)):
        if reset:
            conflicts.tell()
            return redirect(url_for("admin_plugin_settings.show", name=name), 303)
        return make_response(_form(plugin, request.form, is_stale=True), 409)
    try:
        plugin_settings.save(plugin, {} if reset else _typed(plugin))
    except ValidationError as error:
        return make_response(_form(plugin, request.form, error), 422)
    flash(_("The usual settings are back.") if reset else _("The settings are saved."), "success")
    return redirect(url_for("admin_plugin_settings.show", name=name), 303)


@routes.post("/<name>/settings/try/<test_name>", permission=PERMISSION, scope="none")
def try_out(name: str, test_name: str) -> ResponseReturnValue:
    """Press one of the plugin's test buttons with the settings as they stand in the form; nothing is saved."""
    coming_back.to(url_for(".show", name=name))
    with own_scope():
        plugin = _plugin(name)
        test = next((each for each in plugin.settings_tests if each.name == test_name), None)
        if test is None or name not in activation.enabled():
            abort(404)
        try:
            settings = plugin.settings.model_validate(_typed(plugin))
        except ValidationError as error:
            return make_response(_form(plugin, request.form, error), 422)
        audit.record("plugin.settings_tested", detail={"plugin": name, "test": test_name})
    tried = _run(plugin, test, settings)
    with own_scope():
        page = _form(plugin, request.form, tried=tried)
    return make_response(page, 200 if tried.kind == "success" else 422)


def _run(plugin: Plugin, test: SettingsTest, settings: BaseModel) -> Tried:
    """In no transaction: a test may well ask another host."""
    if not limits.count(_TRIES, f"{g.practice_id}:{plugin.name}"):
        return Tried("warning", _("That was tried many times just now. Please wait a few minutes."))
    try:
        asked = (request.form.get(f"try.{test.name}", "").strip(),) if test.ask else ()
        return Tried("success", str(test.run(settings, *asked)))
    except Refused as refusal:
        return Tried("warning", refusal.message)
    except (Exception, SystemExit):  # a plugin that calls exit() is a fault like another
        log.exception("plugin_settings_test_failed", plugin=plugin.name, test=test.name)
        return Tried(
            "danger",
            _("The test itself failed. Your reference for support: %(reference)s", reference=g.request_id),
        )


def _plugin(name: str) -> Plugin:
    """An installed plugin that has settings; otherwise there is no such page."""
    try:
        plugin = activation.state(name).plugin
    except KeyError:
        abort(404)
    if not plugin.settings.model_fields:
        abort(404)
    return plugin


def _stored(plugin: Plugin) -> object:
    kept = activation.stored_settings(plugin.name)
    return kept and kept.values


def _pages(plugin: Plugin) -> list[SettingsPage]:
    """The plugin's own pages that belong to its settings and that this person may open."""
    if plugin.name not in activation.enabled():
        return []
    return [page for page in plugin.settings_pages if can(page.permission)]


def _typed(plugin: Plugin) -> dict[str, object]:
    kept = plugin_settings.load(plugin)
    return settings_form.read(plugin.settings, request.form, kept, _Vault(plugin.name))


def _form(
    plugin: Plugin,
    typed: settings_form.Form | None = None,
    error: ValidationError | None = None,
    tried: Tried | None = None,
    *,
    is_stale: bool = False,
) -> str:
    live("core.plugins")
    loaded = plugin_settings.read(plugin)
    fields = settings_form.fields(plugin.settings, loaded.settings, typed, error, _Vault(plugin.name))
    wrong = [
        (item.name, _("%(field)s: %(problem)s", field=item.label, problem=item.error))
        for item in fields
        if item.error
    ]
    whole = settings_form.errors_by_field(plugin.settings, error).get("")
    labels = {item.name: item.label for item in fields}
    return render(
        "admin/plugin_settings.html",
        plugin=plugin,
        sections=settings_form.sections(fields),
        errors=[*wrong, *([(None, whole)] if whole else [])],
        problems=[
            (problem.sentence, [labels[name] for name in problem.fields if name in labels])
            for problem in loaded.problems
        ],
        tests=plugin.settings_tests if plugin.name in activation.enabled() else (),
        pages=_pages(plugin),
        asked={
            test.name: typed.get(f"try.{test.name}", "") if typed else "" for test in plugin.settings_tests
        },
        tried=tried,
        seen=conflicts.seen(_stored(plugin), None if is_stale else typed),
        is_stale=is_stale,
    )
