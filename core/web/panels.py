"""Panels: the fragments that pages are made of, rendered side by side and served one by one.

A panel is asked from its hook each time, so that a plugin that is off has none, here as on the page. What one panel
breaks stays in its frame: the others and the page go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from flask import abort, g, url_for
from markupsafe import Markup, escape

from core import db, patients, plugin_system
from core.patients import Patient
from core.plugin_system import Panel, PatientContext, StaffContext
from core.tenancy.switches import CORE
from core.web import record
from core.web.pages import live, render
from core.web.routes import StaffRoutes

log = structlog.get_logger(__name__)

routes = StaffRoutes("core", __name__, name="panels", prefix="")


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel on a page. html: None when its view failed. url: where it is fetched again."""

    panel: Panel
    html: Markup | None
    url: str

    @property
    def name(self) -> str:
        return f"{self.panel.owner}.{self.panel.name}"

    @property
    def title(self) -> str:
        return str(self.panel.title)

    @property
    def topics(self) -> str:
        return " ".join(self.panel.topics)


def staff_context() -> StaffContext:
    """Who looks, for hooks about the practice."""
    return StaffContext(g.practice, g.user.id, frozenset(g.permissions))


def patient_context(patient: Patient) -> PatientContext:
    """Who looks at which patient, for hooks about a patient."""
    return PatientContext(g.practice, g.user.id, frozenset(g.permissions), patient)


def of_patient(ctx: PatientContext, *, owner: str | None = None) -> list[Panel]:
    """The patient workspace's panels that this person may see, the core's and the plugins', in order."""
    offered = [] if owner == CORE else plugin_system.call("patient_panels", ctx, owner=owner)
    own = record.panels(ctx, offered) if owner in (None, CORE) else []
    return _in_order([*own, *offered])


def of_today(ctx: StaffContext, *, owner: str | None = None) -> list[Panel]:
    """Today's panels, likewise."""
    return _in_order(plugin_system.call("today_panels", ctx, owner=owner))


def show(panels: Iterable[Panel], slot: str, ctx: StaffContext) -> list[Shown]:
    """Render the panels of a slot that this person may see, and let the page hear their topics."""
    shown = []
    for panel in panels:
        if panel.slot == slot and ctx.can(panel.permission):
            live(*panel.topics)
            shown.append(Shown(panel, _html(panel, ctx), _url(panel, ctx)))
    return shown


@routes.get("/patients/<uuid:patient_id>/panels/<owner>/<name>", permission="core.view_patients")
def patient_panel(patient_id: UUID, owner: str, name: str) -> Markup:
    """What is inside one panel of a patient's workspace, for the page that heard of a change."""
    ctx = patient_context(patients.get(patient_id))
    fragment = _fragment(of_patient(ctx, owner=owner), owner, name, ctx)
    patients.note_viewed(patient_id, part=f"{owner}.{name}")
    return fragment


@routes.get("/panels/<owner>/<name>", permission="core.work")
def today_panel(owner: str, name: str) -> Markup:
    """What is inside one panel of Today."""
    ctx = staff_context()
    return _fragment(of_today(ctx, owner=owner), owner, name, ctx)


def _fragment(panels: list[Panel], owner: str, name: str, ctx: StaffContext) -> Markup:
    panel = next((one for one in panels if one.owner == owner and one.name == name), None)
    if panel is None:
        abort(404)
    if not ctx.can(panel.permission):
        abort(403)
    return render("patients/panel_inside.html", shown=Shown(panel, _html(panel, ctx), _url(panel, ctx)))


def _in_order(panels: Iterable[Panel]) -> list[Panel]:
    return sorted(panels, key=lambda panel: (panel.order, panel.owner, panel.name))


def _html(panel: Panel, ctx: StaffContext) -> Markup | None:
    """What the view answers, None when it fails. The savepoint keeps PostgreSQL going after a failed statement."""
    try:
        with db.savepoint():
            return escape(panel.view(ctx))
    except Exception as error:
        # The exception's text may quote a patient's data: type and place are enough.
        log.error(
            "panel_failed",
            panel=f"{panel.owner}.{panel.name}",
            error=type(error).__name__,
            where=_where(error),
        )
        return None


def _where(error: Exception) -> str:
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return f"{place.tb_frame.f_globals.get('__name__')}:{place.tb_lineno}" if place is not None else ""


def _url(panel: Panel, ctx: StaffContext) -> str:
    names: dict[str, Any] = {"owner": panel.owner, "name": panel.name}
    if isinstance(ctx, PatientContext):
        return url_for("panels.patient_panel", patient_id=ctx.patient.id, **names)
    return url_for("panels.today_panel", **names)
