"""How long the plugin's hooks and panels take, and how many statements they cost, held against a budget."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from core import plugin_system
from core.authoring.gating import SHOWN
from core.authoring.inspection import Inspection, Statements

ROUNDS: Final = 5
HOOK_SECONDS, HOOK_STATEMENTS = 0.05, 12
PANEL_SECONDS, PANEL_STATEMENTS = 0.15, 25
MORE_ROWS: Final = 3
GROWTH: Final = 2
"""So many statements more may a list with more rows in it take; one more for each row may it not."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A hook or a panel: its best seconds (a busy machine is not its fault) and the most statements of a round."""

    name: str
    seconds: float
    statements: int


def look(place: Inspection) -> list[str]:
    """Hooks and panels within their budgets, also when there is more to show."""
    if place.has_sample:
        patient_id = place.make(place.house.riverside).patient_id
        few = measure(place, patient_id)
        for _more in range(MORE_ROWS):
            place.make(place.house.riverside, patient_id=patient_id)
    else:
        patient_id = place.house.patient_id(place.house.riverside, "Whitfield")
        few = measure(place, patient_id)
    many = measure(place, patient_id)
    wrong = []
    for one in many:
        is_panel = one.name.startswith("panel ")
        seconds, statements = (
            (PANEL_SECONDS, PANEL_STATEMENTS) if is_panel else (HOOK_SECONDS, HOOK_STATEMENTS)
        )
        if one.seconds > seconds:
            wrong.append(f"{one.name} takes {one.seconds * 1000:.0f} ms, and may take {seconds * 1000:.0f}")
        if one.statements > statements:
            wrong.append(f"{one.name} takes {one.statements} statements, and may take {statements}")
    before = {one.name: one.statements for one in few}
    return wrong + [
        f"{one.name} takes {one.statements - before[one.name]} statements more for {MORE_ROWS} rows more"
        for one in many
        if one.name in before and one.statements - before[one.name] > GROWTH
    ]


def measure(place: Inspection, patient_id: Any) -> list[Measured]:
    """Each hook of pages, and each panel, on a patient's page."""
    found = []
    with place.looking(place.house.riverside, patient_id) as ctx:
        panels = []
        for hook in SHOWN:
            found.append(_timed(hook, lambda hook=hook: plugin_system.call(hook, ctx, owner=place.name)))  # type: ignore[misc]
            if hook.endswith("_panels"):
                panels += plugin_system.call(hook, ctx, owner=place.name)
        for panel in panels:
            found.append(_timed(f"panel {panel.name}", lambda panel=panel: panel.view(ctx)))  # type: ignore[misc]
    return found


def _timed(name: str, act: Callable[[], object]) -> Measured:
    act()  # what is done once only has been done
    seconds, statements = [], 0
    for _round in range(ROUNDS):
        with Statements() as asked:
            began = time.perf_counter()
            act()
            seconds.append(time.perf_counter() - began)
        statements = max(statements, len(asked))
    return Measured(name, min(seconds), statements)
