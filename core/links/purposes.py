"""What links can be for: declared by plugins, filled in when they are loaded."""

from __future__ import annotations

from dataclasses import dataclass

from core.i18n import LazyString


@dataclass(frozen=True, slots=True)
class LinkPurpose:
    """A thing that a patient can do behind a link.

    name: "photo_request.photos". endpoint: the patient page that opens after the identity check. reusable: the link
    goes on working after it was completed (a conversation), until it expires.
    """

    name: str
    title: LazyString | str
    endpoint: str
    reusable: bool = False


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


def is_reusable(name: str) -> bool:
    """Does a link of this purpose go on working after it was completed?"""
    found = _purposes.get(name)
    return found is not None and found.reusable
