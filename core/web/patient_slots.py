"""Slots on patients' pages: what other plugins add to them, each part by itself.

Only plugins that are on for the practice are asked. A part that fails is left out: a patient can do nothing about it,
and the admin reads of it where the plugin's faults are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from core.plugin_system import dispatch, faults, registry
from core.plugin_system.dispatch import WrongAnswer
from core.plugin_system.patient_part import PatientPart
from core.web.pages import render


@dataclass(frozen=True, slots=True)
class ShownPart:
    """A part on a page."""

    name: str
    title: str
    html: Markup


def render_patient_slot(name: str, ctx: Any) -> Markup:
    """The parts that plugins put into a slot of a patient's page, one below the other; "" when there is none.

    ctx: of the type that the slot declares. Raises KeyError for a slot that nobody declares, TypeError for a context
    of another type.
    """
    slot = registry.slots[name]
    if not isinstance(ctx, slot.context):
        raise TypeError(f"{name} is filled with {slot.context.__name__}, not {type(ctx).__name__}")
    shown = []
    for owner, part in sorted(dispatch.offers(slot.hook, ctx), key=lambda offer: (offer[1].order, offer[0])):
        if part.slot not in registry.slots or registry.slots[part.slot].hook != slot.hook:
            faults.note(owner, f"panel:{part.name}", "wrong_answer")
        elif part.slot == name and (html := _html(owner, part, ctx)):
            shown.append(ShownPart(f"{owner}.{part.name}", str(part.title), html))
    return render("patient/slot.html", parts=shown) if shown else Markup("")


def _html(owner: str, part: PatientPart, ctx: Any) -> Markup:
    def view() -> Markup:
        answer: object = part.view(ctx)
        if not isinstance(answer, str):
            raise WrongAnswer("a part's view answers HTML")
        return escape(answer)

    outcome = dispatch.attempt(owner, f"panel:{part.name}", view, budget=part.budget)
    return Markup("") if outcome.value is None else Markup(outcome.value.strip())  # noqa: S704  # escaped above
