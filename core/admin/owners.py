"""Who something belongs to, in words: a plugin by its title, or Careroom itself. For pages that group by owner."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from core.i18n import _
from core.plugin_system import registry

Thing = TypeVar("Thing")


def title_of(owner: str) -> str:
    """The plugin's title; "Careroom" for the core and for what is not installed any more its name."""
    plugin = next((plugin for plugin in registry if plugin.name == owner), None)
    if plugin is not None:
        return str(plugin.title)
    return _("Careroom itself") if owner == "core" else owner.replace("_", " ").capitalize()


def icon_of(owner: str) -> str:
    """The plugin's icon."""
    plugin = next((plugin for plugin in registry if plugin.name == owner), None)
    return plugin.icon if plugin is not None else "home"


def grouped(things: Iterable[Thing], owner_of: Callable[[Thing], str]) -> list[tuple[str, str, list[Thing]]]:
    """(title, icon, things) for each owner: the core's first, then by title."""
    found: dict[str, list[Thing]] = {}
    for thing in things:
        found.setdefault(owner_of(thing), []).append(thing)
    owners = sorted(found, key=lambda owner: (owner != "core", title_of(owner)))
    return [(title_of(owner), icon_of(owner), found[owner]) for owner in owners]
