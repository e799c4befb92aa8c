"""Is a plugin on for the current practice? Asked by rooms below the plugin system, answered by it.

The one place that decides is ``core.plugin_system.activation``; it hands its answer in here at start-up, so that
notifications, links and jobs can ask without knowing plugins. With nobody to answer, every plugin is off.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from core import db

CORE = "core"
_answer: Callable[[UUID, str], bool] | None = None


def answered_by(answer: Callable[[UUID, str], bool] | None) -> None:
    """Install who decides: ``answer(practice_id, owner)``."""
    global _answer
    _answer = answer


def is_on(owner: str) -> bool:
    """Is this owner ("core" or a plugin's name) on for the current practice? Raises db.NoPractice."""
    practice_id = db.practice_id()
    if owner == CORE:
        return True
    return _answer is not None and _answer(practice_id, owner)


def owner_of(name: str) -> str:
    """The owner in a dotted name: ``photo_request.invitation`` belongs to ``photo_request``."""
    return name.partition(".")[0]
