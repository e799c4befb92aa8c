"""What a plugin adds to another plugin's page for a patient. Patients have no permissions: the link let them in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from core.i18n import LazyString

_NAME: Final = re.compile(r"[a-z0-9_]+(?:-[a-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class PatientPart:
    """A piece of a patient's page: a heading and what is below it.

    slot: where it goes; the publisher's hook says which slots there are. name: unique within the plugin. view: takes
    the slot's context and answers HTML made of ``patient/ui.html``; what is not Markup is escaped, and "" shows
    nothing. order: lower comes first. budget: seconds that the view may take.
    """

    slot: str
    name: str
    title: LazyString | str
    view: Callable[[Any], str]
    order: int = 100
    budget: float = 0.5

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError("a name is lower_case words")
        str(self.title)  # raises here, not on the page, when a value is missing in it
        if not callable(self.view):
            raise TypeError(f"part {self.name}: the view is a function")
