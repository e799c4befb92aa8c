"""What the links room raises."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.tenancy import Practice


class LinkError(Exception):
    """Base of the errors below."""


class LinkNotFound(LinkError):
    """The current practice has no such link."""


class LinkClosed(LinkError):
    """A link cannot be followed (any more).

    state: "expired", "cancelled", "locked", "used", "off" (its plugin is off), "again" (the identity check is too
    old or was never made on this device), "unknown". practice: whose it is; None while nobody may learn that.
    language: the one that the patient reads; None: the practice's.
    """

    def __init__(self, state: str, practice: Practice | None = None, language: str | None = None) -> None:
        super().__init__(state)
        self.state = state
        self.practice = practice
        self.language = language
