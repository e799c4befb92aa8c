"""Panels: the fragments that pages are made of, rendered side by side, and served again by name.

A panel is asked from its hook each time, so that a plugin that is off has none, here as on the page. What one panel
breaks stays in its frame: the others and the page go on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from flask import abort, g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException

from core import patients, tenancy
from core.errors import Refused
from core.patients import Patient
from core.plugin_system import (
    Action,
    Panel,
    PatientContext,
    StaffContext,
    breaker,
    dispatch,
    faults,
    registry,
    tracing,
)
from core.plugin_system.dispatch import Outcome, WrongAnswer
from core.plugin_system.hookspecs import PAGE_BUDGET
from core.plugin_system.slots import Slot
from core.security.permissions import can
from core.tenancy.switches import CORE
from core.web import waiting, workspace
from core.web.pages import live, render
from core.web.routes import StaffRoutes

Part = dict[str, str]
State = Literal["shown", "empty", "waiting", "fault", "paused"]
MOST_AT_ONCE: Final = 50
_PAUSED: Final = "paused"

routes = StaffRoutes("core", __name__, name="panels", prefix="")

_places: dict[tuple[str, str], dict[str, tuple[int, str]]] = {}
"""Where a plugin's panels were last seen, by (plugin, hook): slot -> (order, permission). For while it is paused."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A panel, and whose it is: the plugin whose hook answered it, whatever the panel says."""

    owner: str
    panel: Panel

    @property
    def name(self) -> str:
        return f"{self.owner}.{self.panel.name}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel on a page. url: where it is fetched alone; together_url: where several are, with ``?names=``.

    reference: of the log entry, when its view failed or its plugin is paused. state "empty": the view had nothing to
    show, so the panel is hidden and goes on listening.
    """

    name: str
    title: str
    topics: str
    state: State
    html: Markup | None = None
    reference: str = ""
    skeleton: int = 3
    url: str = ""
    together_url: str = ""


# --- whose panels -------------------------------------------------------------------------------------------------


def staff_context() -> StaffContext:
    """Who looks, for hooks about the practice."""
    return StaffContext(g.practice, g.user.id, frozenset(g.permissions))


def patient_context(patient: Patient) -> PatientContext:
    """Who looks at which patient, for hooks about a patient."""
    return PatientContext(g.practice, g.user.id, frozenset(g.permissions), patient)


def actions_for(ctx: PatientContext) -> list[Action]:
    """What this person may do for this patient, the main thing first."""
    offered: list[Action] = dispatch.call("patient_actions", ctx)
    allowed = [action for action in offered if ctx.can(action.permission)]
    return sorted(allowed, key=lambda action: (action.order, action.name))


def patient_actions(patient: Patient) -> list[Action]:
    """What the one who looks may do for this patient, of all plugins: for a plugin's own page about a patient."""
    return actions_for(patient_context(patient))


def of_patient(ctx: PatientContext, *, owners: Collection[str] | None = None) -> list[Offer]:
    """The patient workspace's panels, the core's and the plugins', in order; of ``owners`` alone, if any are named."""
    offered = _offers("patient_panels", ctx, owners)
    own = (
        workspace.panels(ctx, [offer.panel for offer in offered]) if owners is None or CORE in owners else []
    )
    return _in_order([*(Offer(CORE, panel) for panel in own), *offered])


def of_today(ctx: StaffContext, *, owners: Collection[str] | None = None) -> list[Offer]:
    """Today's panels, likewise."""
    own = waiting.panels(ctx) if owners is None or CORE in owners else []
    return _in_order([*(Offer(CORE, panel) for panel in own), *_offers("today_panels", ctx, owners)])


def _offers(hook: str, ctx: Any, owners: Collection[str] | None) -> list[Offer]:
    if owners is not None and not set(owners) - {CORE}:
        return []
    offered: list[Offer] = []
    resting = _resting(hook, owners)  # before anybody is asked: this page may be the one that tries
    for owner, panel in dispatch.offers(hook, ctx, owners=owners):
        slot = registry.slots.get(panel.slot)
        if slot is None or slot.hook != hook:
            faults.note(owner, f"panel:{panel.name}", "wrong_answer")
            continue
        offered.append(Offer(owner, panel))
        resting.discard(owner)
        _places.setdefault((owner, hook), {})[panel.slot] = (panel.order, panel.permission)
    return offered + _paused(hook, resting)


def _resting(hook: str, owners: Collection[str] | None) -> set[str]:
    """Who has panels here otherwise and is not asked now: paused, or just being tried for somebody else."""
    if not breaker.watching:
        return set()
    return {
        owner
        for owner, asked in list(_places)
        if asked == hook and tenancy.switches.is_on(owner)
        if owners is None or owner in owners
        if breaker.is_open(owner) or breaker.is_trying(owner, hook)
    }


def _paused(hook: str, resting: Collection[str]) -> list[Offer]:
    """A quiet panel in each place where a paused plugin had some: it is not asked, and must not just be missing."""
    return [
        Offer(owner, Panel(slot, _PAUSED, registry.get(owner).title, _never, permission, order=order))
        for owner in sorted(resting)
        for slot, (order, permission) in _places[owner, hook].items()
    ]


def _never(_ctx: Any) -> str:
    raise AssertionError("a paused plugin's panel has no view")


def _in_order(offered: Iterable[Offer]) -> list[Offer]:
    return sorted(offered, key=lambda offer: (offer.panel.order, offer.owner, offer.panel.name))


# --- on a page ----------------------------------------------------------------------------------------------------


def show(offered: Iterable[Offer], slot: str, ctx: StaffContext) -> list[Shown]:
    """The panels of a slot that this person may see; the page hears their topics. Lazy ones wait to be fetched."""
    together = _together_url(ctx)
    return [
        _shown(offer, ctx, _url(offer, ctx), together, wait=offer.panel.lazy)
        for offer in offered
        if offer.panel.slot == slot and ctx.can(offer.panel.permission)
    ]


def render_slot(name: str, ctx: Any, *, subject_id: UUID | None = None) -> Markup:
    """The panels that plugins put into a slot that a plugin publishes, for a page of its own.

    ctx: of the type that the slot declares. subject_id: what the page is about; with it, and where the slot can make
    its context again, the panels reload themselves. Raises KeyError for a slot that nobody declares, TypeError for a
    context of another type.
    """
    slot = registry.slots[name]
    if not isinstance(ctx, slot.context):
        raise TypeError(f"{name} is filled with {slot.context.__name__}, not {type(ctx).__name__}")
    together = ""
    if subject_id is not None and slot.restore is not None:
        together = url_for("panels.slot_panels", slot=name, subject_id=subject_id)
    shown = [
        _shown(offer, ctx, "", together, wait=offer.panel.lazy and bool(together))
        for offer in _of_slot(slot, ctx, None)
        if can(offer.panel.permission)
    ]
    return render("panels/slot.html", panels=shown)


def _of_slot(slot: Slot, ctx: Any, owners: Collection[str] | None) -> list[Offer]:
    return [offer for offer in _in_order(_offers(slot.hook, ctx, owners)) if offer.panel.slot == slot.name]


def _shown(offer: Offer, ctx: Any, url: str, together_url: str, *, wait: bool = False) -> Shown:
    panel = offer.panel
    live(*panel.topics)
    state: State = "waiting"
    html, reference = None, ""
    if panel.view is _never:
        state, reference = "paused", breaker.reference(offer.owner)
    elif not wait or tracing.active:  # who traces wants to see them all
        outcome = dispatch.attempt(
            offer.owner, f"panel:{panel.name}", lambda: _view(panel, ctx), budget=panel.budget
        )
        html, reference = outcome.value, outcome.reference
        state = "paused" if outcome.paused else "fault" if outcome.failed else "shown"
        if state == "shown" and not (html and html.strip()):
            state = "empty"  # hidden until a topic is told and it has something to show
    return Shown(
        offer.name,
        str(panel.title),
        " ".join(panel.topics),
        state,
        html,
        reference,
        panel.skeleton,
        url,
        together_url,
    )


def _view(panel: Panel, ctx: Any) -> Markup:
    answer: object = panel.view(ctx)
    if not isinstance(answer, str):
        raise WrongAnswer("a panel's view answers HTML")
    return escape(answer)


# --- one by one, and several at once ------------------------------------------------------------------------------


@routes.get("/patients/<uuid:patient_id>/panels", permission="core.view_patients")
def patient_panels(patient_id: UUID) -> ResponseReturnValue:
    """What is inside the panels that ``?names=`` asks for, for the page that heard of a change or waits for them."""
    ctx, names = patient_context(patients.get(patient_id)), _asked()
    parts = _several(of_patient(ctx, owners=_owners(names)), names, ctx)
    patients.note_viewed(patient_id, part=" ".join(name for name, part in parts.items() if part is not None))
    return _answer(parts)


@routes.get("/panels", permission="core.work")
def today_panels() -> ResponseReturnValue:
    """The same for Today."""
    ctx, names = staff_context(), _asked()
    return _answer(_several(of_today(ctx, owners=_owners(names)), names, ctx))


@routes.get("/slots/<slot>/<uuid:subject_id>/panels", permission="core.work")
def slot_panels(slot: str, subject_id: UUID) -> ResponseReturnValue:
    """The same for a slot on a plugin's page; the plugin says whether this person may see the subject."""
    found = registry.slots.get(slot)
    if found is None or found.restore is None or not tenancy.switches.is_on(found.owner):
        abort(404)
    names, restored = _asked(), _restored(found, found.restore, subject_id)
    if restored.failed:
        return _answer(_silent(names, restored))
    ctx = restored.value
    return _answer(_several(_of_slot(found, ctx, _owners(names)), names, ctx))


def _restored(slot: Slot, make: Callable[[UUID], Any], subject_id: UUID) -> Outcome[Any]:
    """The slot's context again, made by its plugin, which fails like a panel: alone, counted, and in its frame.

    That it aborts or refuses is its answer.
    """
    said: list[HTTPException | Refused] = []

    def restore() -> Any:
        try:
            ctx = make(subject_id)
        except (HTTPException, Refused) as answer:
            said.append(answer)
            return None
        if not isinstance(ctx, slot.context):
            raise WrongAnswer(f"{slot.name} is filled with {slot.context.__name__}")
        return ctx

    outcome = dispatch.attempt(slot.owner, f"slot:{slot.name.partition('.')[2]}", restore, budget=PAGE_BUDGET)
    if said:
        raise said[0]
    return outcome


def _silent(names: Iterable[str], outcome: Outcome[Any]) -> dict[str, Part | None]:
    """What stands in each panel whose context could not be made."""
    state: State = "paused" if outcome.paused else "fault"
    parts: dict[str, Part | None] = {}
    for name in names:
        shown = Shown(name, "", "", state, reference=outcome.reference)
        parts[name] = {"html": render("panels/inside.html", shown=shown), "state": state}
    return parts


@routes.get("/patients/<uuid:patient_id>/panels/<owner>/<name>", permission="core.view_patients")
def patient_panel(patient_id: UUID, owner: str, name: str) -> Markup:
    """What is inside one panel of a patient's workspace."""
    ctx = patient_context(patients.get(patient_id))
    fragment = _fragment(of_patient(ctx, owners=[owner]), owner, name, ctx)
    patients.note_viewed(patient_id, part=f"{owner}.{name}")
    return fragment


@routes.get("/panels/<owner>/<name>", permission="core.work")
def today_panel(owner: str, name: str) -> Markup:
    """What is inside one panel of Today."""
    ctx = staff_context()
    return _fragment(of_today(ctx, owners=[owner]), owner, name, ctx)


def _fragment(offered: list[Offer], owner: str, name: str, ctx: StaffContext) -> Markup:
    offer = next((one for one in offered if one.owner == owner and one.panel.name == name), None)
    if offer is None:
        abort(404)
    if not ctx.can(offer.panel.permission):
        abort(403)
    return render("panels/inside.html", shown=_shown(offer, ctx, "", ""))


def _several(offered: list[Offer], names: list[str], ctx: Any) -> dict[str, Part | None]:
    """Each name with its HTML and state, or None for what is not there for this person."""
    found = {offer.name: offer for offer in offered if can(offer.panel.permission)}
    parts: dict[str, Part | None] = dict.fromkeys(names)
    for name in names:
        # A paused plugin is not asked for its panels; the page has one and learns why it is silent.
        offer = found.get(name) or found.get(f"{name.partition('.')[0]}.{_PAUSED}")
        if offer is not None:
            shown = _shown(offer, ctx, "", "")
            if shown.state == "empty":
                continue
            parts[name] = {"html": render("panels/inside.html", shown=shown), "state": shown.state}
    return parts


def _answer(parts: dict[str, Part | None]) -> ResponseReturnValue:
    response = jsonify(panels=parts)
    response.headers["Cache-Control"] = "no-store"
    return response


def _asked() -> list[str]:
    names = [name for name in request.args.get("names", "").split(",") if name]
    if not names or len(names) > MOST_AT_ONCE:
        abort(400)
    return list(dict.fromkeys(names))


def _owners(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def _url(offer: Offer, ctx: StaffContext) -> str:
    names: dict[str, Any] = {"owner": offer.owner, "name": offer.panel.name}
    if isinstance(ctx, PatientContext):
        return url_for("panels.patient_panel", patient_id=ctx.patient.id, **names)
    return url_for("panels.today_panel", **names)


def _together_url(ctx: StaffContext) -> str:
    if isinstance(ctx, PatientContext):
        return url_for("panels.patient_panels", patient_id=ctx.patient.id)
    return url_for("panels.today_panels")
