"""How a plugin does in a practice: what failed, when, how often, and ending its pause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core.i18n import _
from core.plugin_system import activation, faults
from core.plugin_system.faults import Fault
from core.web.pages import live, render
from core.web.routes import StaffRoutes

PERMISSION = "core.manage_plugins"
routes = StaffRoutes("core", __name__, name="plugin_health", prefix="/admin/plugins")


@dataclass(frozen=True, slots=True)
class Line:
    """A fault in words."""

    part: str
    what: str
    place: str
    count: int
    first_at: datetime
    at: datetime
    reference: str
    request_id: str | None


@routes.get("/<name>/health", permission=PERMISSION)
def show(name: str) -> Markup:
    """The state and the faults; for the page's script the part that changes."""
    plugin = activation.state(name).plugin if _is_installed(name) else abort(404)
    live(faults.TOPIC)
    inside = "X-Panel" in request.headers
    return render(
        "admin/plugin_faults_inside.html" if inside else "admin/plugin_faults.html",
        plugin=plugin,
        health=faults.health(name),
        lines=[_line(fault) for fault in faults.recent(name)],
        topic=faults.TOPIC,
    )


@routes.post("/<name>/reset", permission=PERMISSION)
def reset(name: str) -> ResponseReturnValue:
    """End the pause: the plugin is tried again at once, in every process."""
    if not _is_installed(name):
        abort(404)
    faults.reset(name)
    flash(_("The pause is over: it is tried again at once."), "success")
    return redirect(url_for("plugin_health.show", name=name), 303)


def _is_installed(name: str) -> bool:
    return any(state.plugin.name == name for state in activation.states())


def _line(fault: Fault) -> Line:
    hook, _colon, panel = fault.surface.partition(":")
    return Line(
        part=_("Panel “%(name)s”", name=panel) if panel else _("Hook “%(name)s”", name=hook),
        what=_in_words(fault),
        place=fault.place,
        count=fault.count,
        first_at=fault.first_at,
        at=fault.at,
        reference=fault.reference,
        request_id=fault.request_id,
    )


def _in_words(fault: Fault) -> str:
    if fault.kind == "slow":
        return _("It took longer than it may")
    if fault.kind == "wrong_answer":
        return _("It answered something that a page cannot use")
    if fault.kind == "wrote":
        return _("It changed data while a page was only being shown")
    return _("It failed: %(error)s", error=fault.error)
