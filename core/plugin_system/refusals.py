"""Plugins that are installed and were not taken, and why: a line for the log, a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.i18n import _

Code = Literal["import", "manifest", "twice", "api", "requires", "circle", "hooks", "safe_mode"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A plugin that was found and not taken. ``reason`` is for the log and whoever runs the platform; ``names``
    are the plugins or versions that the reason is about."""

    name: str
    reason: str
    code: Code = "manifest"
    names: tuple[str, ...] = ()

    @property
    def is_fault(self) -> bool:
        """Should a strict start-up fail over it? Not over what somebody asked for."""
        return self.code != "safe_mode"

    @property
    def sentence(self) -> str:
        """The reason in the reader's language, for a practice admin."""
        names = ", ".join(self.names)
        match self.code:
            case "safe_mode":
                return _("The system was started without plugins to look for a fault.")
            case "api":
                return _("It was made for another version of Careroom (%(versions)s).", versions=names)
            case "requires":
                return _("It needs %(plugins)s, which is not installed or cannot be used.", plugins=names)
            case "circle":
                return _("It and %(plugins)s each need the other to be there first.", plugins=names)
            case "twice":
                return _("Two plugins with this name are installed; the first was taken.")
            case "import":
                return _("It could not be started: something is wrong inside it.")
            case _:
                return _("It does not keep to the rules for plugins.")
