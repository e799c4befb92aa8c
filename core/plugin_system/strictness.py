"""Holds what a hook answers against its contract in every detail: in tests and development.

In production only what a page cannot live without is looked at (``dispatch``); surfaces check themselves anywhere.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from core.plugin_system.hookspecs import Contract
from core.plugin_system.registry import registry
from core.plugin_system.surfaces import Action, NavItem, Panel


def complaint(contract: Contract, plugin: str, answer: Any) -> str | None:
    """What is wrong, in a sentence that names no data; None when nothing is."""
    if contract.item is None:
        return None if answer is None else f"answers nothing, not {type(answer).__name__}"
    if answer is None:
        return None
    if not isinstance(answer, list):
        return f"answers a list of {contract.item.__name__}, not {type(answer).__name__}"
    if wrong := next((one for one in answer if not isinstance(one, contract.item)), None):
        return f"answers a list of {contract.item.__name__}, not of {type(wrong).__name__}"
    return _about_surfaces(plugin, answer)


def _about_surfaces(plugin: str, answer: list[Any]) -> str | None:
    surfaces = [one for one in answer if isinstance(one, Panel | Action | NavItem)]
    twice = [name for name, times in Counter(one.name for one in surfaces).items() if times > 1]
    if twice:
        return f"two are called {twice[0]}"
    for one in surfaces:
        owner = one.permission.partition(".")[0]
        if owner not in ("core", plugin):
            return f"{one.name} asks for a permission of {owner}"
    slots = registry.slots
    for one in surfaces:
        if isinstance(one, Panel) and one.slot not in slots:
            return f"panel {one.name} is for the slot {one.slot}, which nobody declares"
    return None
