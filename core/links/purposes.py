"""What links can be for: declared by plugins, filled in when they are loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.i18n import LazyString

if TYPE_CHECKING:
    from core.links.models import Link


@dataclass(frozen=True, slots=True)
class Welcome:
    """The words of a page with one button: who is asked in and what for, in the reader's language."""

    title: str
    text: str
    button: str


@dataclass(frozen=True, slots=True)
class LinkPurpose:
    """A thing that a patient can do behind a link.

    name: "photo_request.photos". endpoint: the patient page that opens after the identity check. reusable: the link
    goes on working after it was completed (a conversation), until it expires. welcome: for somebody who is not the
    patient and knows no date of birth (an interpreter): instead of the question there is a page with one button, whose
    words this makes. Whoever has the message is then inside: show nothing of the record behind such a link.
    """

    name: str
    title: LazyString | str
    endpoint: str
    reusable: bool = False
    welcome: Callable[[Link], Welcome] | None = None


_purposes: dict[str, LinkPurpose] = {}


def register(*purposes: LinkPurpose) -> None:
    """Make these purposes known to this process."""
    _purposes.update((purpose.name, purpose) for purpose in purposes)


def clear() -> None:
    """Forget every purpose: the registry of plugins is about to be loaded again."""
    _purposes.clear()


def find(name: str) -> LinkPurpose | None:
    """The purpose of this name; None when its plugin is not installed."""
    return _purposes.get(name)


def registered() -> list[LinkPurpose]:
    """Every purpose of this process, by name."""
    return sorted(_purposes.values(), key=lambda purpose: purpose.name)


def is_reusable(name: str) -> bool:
    """Does a link of this purpose go on working after it was completed?"""
    found = _purposes.get(name)
    return found is not None and found.reusable


def asks_nothing(name: str) -> bool:
    """Does a link of this purpose let in whoever presses its button, without a date of birth?"""
    found = _purposes.get(name)
    return found is not None and found.welcome is not None
