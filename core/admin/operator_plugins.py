"""The plugins, in the operator's console: where each is on, how it does, and the operator's word for all practices."""

from __future__ import annotations

from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import plugin_system, tenancy
from core.admin import platform_plugins, platform_state, plugin_timings
from core.i18n import _, ngettext
from core.web.pages import render
from core.web.routes import CoreRoutes

routes = CoreRoutes("operator_plugins", __name__, prefix="/operator/plugins")


@routes.get("", access="operator")
def index() -> Markup:
    """Where they are on, their times, faults and pauses."""
    return render(
        "operator/plugins.html",
        plugins=plugin_timings.every(),
        spread=platform_plugins.spread(),
        troubles=platform_state.plugin_troubles(),
    )


@routes.post("/<name>/rule", access="operator", scope="none")
def rule(name: str) -> ResponseReturnValue:
    """Keep a plugin off in every practice, or leave it to the practices again."""
    said = request.form.get("rule")
    if said not in ("", "deny") or name not in plugin_system.registry:
        abort(404)
    found = platform_plugins.decree_everywhere(name, "deny" if said else "")
    if found.left:
        words = ngettext(
            "In %(num)d practice it cannot be changed now: its data is being removed there.",
            "In %(num)d practices it cannot be changed now: its data is being removed there.",
            found.left,
        )
        flash(words, "warning")
    if said:
        words = ngettext(
            "It is now kept off in %(num)d more practice.",
            "It is now kept off in %(num)d more practices.",
            found.done,
        )
    else:
        words = ngettext(
            "It is left to %(num)d practice again.", "It is left to %(num)d practices again.", found.done
        )
    flash(words, "success")
    return redirect(url_for("operator_plugins.index", _anchor=f"plugin-{name}"), 303)


@routes.post("/<name>/pauses/<uuid:practice_id>", access="operator", scope="none")
def end_pause(name: str, practice_id: UUID) -> ResponseReturnValue:
    """End the pause in a practice: the plugin is tried again at once, in every process."""
    if name not in plugin_system.registry:
        abort(404)
    try:
        platform_plugins.end_pause(name, practice_id)
    except tenancy.UnknownPractice:
        abort(404)
    flash(_("The pause is over: it is tried again at once."), "success")
    return redirect(url_for("operator_plugins.index"), 303)
