"""What a plugin puts in front of people: routes, panels, actions, navigation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.i18n import LazyString


class Routes(Protocol):
    """What the registry needs of a set of routes; the classes are in ``core.web.routes``."""

    owner: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A server-rendered fragment with a URL of its own; reloads itself when one of its topics is published.

    slot: "patient.main", "patient.side" or "today.main". name: unique within the plugin; it is in the URL.
    view: takes the context that the hook was given and answers HTML (plain text is escaped).
    """

    slot: str
    name: str
    title: LazyString | str
    view: Callable[[Any], str]
    permission: str
    topics: Sequence[str] = field(default_factory=tuple)
    order: int = 100

    @property
    def owner(self) -> str:
        return self.permission.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Action:
    """A button in the patient workspace's header. icon: a Tabler icon's name."""

    name: str
    title: LazyString | str
    icon: str
    url: str
    permission: str
    order: int = 100


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the left rail. badge: a small count, None for none."""

    name: str
    title: LazyString | str
    icon: str
    url: str
    permission: str
    order: int = 100
    badge: int | None = None
