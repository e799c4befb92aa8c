"""Slots: the named places of pages that panels are put into. The core's are here; plugins publish more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from core.i18n import LazyString, _l
from core.plugin_system.contexts import PatientContext, StaffContext

CORE: Final = "core"
_CORE_PLACES: Final = ("patient", "today")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for panels.

    name: "<plugin>.<place>". context: what the views of its panels are called with. description: what belongs here,
    for authors. hook: who is asked for panels; nothing said: "<plugin>_panels", which the plugin publishes.
    restore: makes the context again from the id that ``render_slot`` was given, so that a panel can reload itself. It
    looks, like a view, whether this person may see the thing, and aborts when not.
    """

    name: str
    title: LazyString | str
    context: type
    description: str = ""
    hook: str = ""
    restore: Callable[[UUID], Any] | None = None

    def __post_init__(self) -> None:
        if not self.hook:
            object.__setattr__(self, "hook", f"{self.name.partition('.')[0]}_panels")

    @property
    def owner(self) -> str:
        """The plugin that publishes it, or "core"."""
        place = self.name.partition(".")[0]
        return CORE if place in _CORE_PLACES else place


CORE_SLOTS: Final = (
    Slot(
        "patient.main",
        _l("Patient: wide column"),
        PatientContext,
        "The patient workspace, wide column: what clinicians work with.",
    ),
    Slot(
        "patient.side",
        _l("Patient: side column"),
        PatientContext,
        "The patient workspace, narrow column: what they glance at.",
    ),
    Slot(
        "today.main",
        _l("Today"),
        StaffContext,
        "The Today page: what waits for somebody in the practice. Show nothing that can wait.",
    ),
    Slot(
        "today.side",
        _l("Today: side column"),
        StaffContext,
        "The Today page, narrow column: a few words, a number and where to go. Answer nothing when nothing waits.",
    ),
)
