"""Is a plugin on for the current practice? Asked by rooms below the plugin system, answered by it.

The one place that decides is ``core.plugin_system.activation``; it hands its answer in here at start-up, so that
notifications, links and jobs can ask without knowing plugins. With nobody to answer, every plugin is off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from core import db

CORE = "core"
_enabled: Callable[[], Collection[str]] | None = None


def answered_by(enabled: Callable[[], Collection[str]] | None) -> None:
    """Install who decides: ``enabled()`` names the plugins that are on for the current practice."""
    global _enabled
    _enabled = enabled


def is_on(owner: str) -> bool:
    """Is this owner ("core" or a plugin's name) on for the current practice? Raises db.NoPractice."""
    db.practice_id()
    return owner == CORE or (_enabled is not None and owner in _enabled())


def on() -> frozenset[str]:
    """Every owner that is on for the current practice. Raises db.NoPractice."""
    db.practice_id()
    return frozenset((CORE, *(_enabled() if _enabled is not None else ())))


def owner_of(name: str) -> str:
    """The owner in a dotted name: ``photo_request.invitation`` belongs to ``photo_request``."""
    return name.partition(".")[0]
