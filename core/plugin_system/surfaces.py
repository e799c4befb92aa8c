"""What a plugin puts in front of people: routes, panels, actions, navigation.

Each checks itself when it is made: what a page cannot show is an error in the hook that made it, where it is caught,
and not in the page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Protocol, cast

from core.i18n import LazyString

_NAME: Final = re.compile(r"[a-z0-9_]+(?:[.-][a-z0-9_]+)*")
_PERMISSION: Final = re.compile(r"[a-z0-9_]+\.[a-z0-9_.]+")


class Routes(Protocol):
    """What the registry needs of a set of routes; the classes are in ``core.web.routes``."""

    owner: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A server-rendered fragment with a URL of its own; reloads itself when one of its topics is published.

    slot: where it goes: ``careroom plugin slots`` lists them. name: unique within the plugin; it is in the URL.
    view: takes the context that the hook was given and answers HTML; what is not Markup is escaped. A panel whose view
    answers nothing ("") is hidden, and comes back when one of its topics is told and there is something.
    order: lower comes first. lazy: the page shows a skeleton of ``skeleton`` lines first and fetches the panel when
    it stands. budget: seconds that the view may take; nothing said: 0.5, lazy 3.
    """

    slot: str
    name: str
    title: LazyString | str
    view: Callable[[Any], str]
    permission: str
    topics: Sequence[str] = field(default_factory=tuple)
    order: int = 100
    lazy: bool = False
    skeleton: int = 3
    budget: float = 0.0

    def __post_init__(self) -> None:
        _check(self.name, self.title, self.permission, self.order)
        if not callable(self.view):
            raise TypeError(f"panel {self.name}: the view is a function")
        _check_topics(f"panel {self.name}", self.topics)
        if not self.budget:
            object.__setattr__(self, "budget", 3.0 if self.lazy else 0.5)


@dataclass(frozen=True, slots=True)
class Action:
    """A button in the patient workspace's header. icon: a Tabler icon's name."""

    name: str
    title: LazyString | str
    icon: str
    url: str
    permission: str
    order: int = 100

    def __post_init__(self) -> None:
        _check(self.name, self.title, self.permission, self.order)
        _check_url(self.url)


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the left rail. badge: a small count, None for none. topics: when one is told, the rail is asked for
    again, so that the count is the one of now.
    """

    name: str
    title: LazyString | str
    icon: str
    url: str
    permission: str
    order: int = 100
    badge: int | None = None
    topics: Sequence[str] = ()

    def __post_init__(self) -> None:
        _check(self.name, self.title, self.permission, self.order)
        _check_url(self.url)
        _check_topics(self.name, self.topics)
        if self.badge is not None and not isinstance(self.badge, int):
            raise TypeError(f"{self.name}: a badge is a number")


@dataclass(frozen=True, slots=True)
class LineDay:
    """How the lines of a practice's calls were on one day: figures, and nobody's name. relayed: calls that went through
    the relay; interruptions: how often nothing arrived; longest: seconds; given_up: calls in which the telephone was
    offered. rtt: milliseconds there and back, loss: percent, the means of what was measured, or None.
    """

    day: date
    calls: int
    relayed: int
    interruptions: int
    longest: float
    given_up: int
    rtt: float | None
    loss: float | None


def _check_topics(name: str, topics: object) -> None:
    if isinstance(topics, str) or not all(isinstance(topic, str) for topic in cast(Sequence[object], topics)):
        raise TypeError(f"{name}: topics is a list of names")


def _check(name: object, title: object, permission: object, order: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError("a name is lower_case words")
    if not isinstance(permission, str) or not _PERMISSION.fullmatch(permission):
        raise ValueError(f"{name}: a permission is <owner>.<verb>")
    if not isinstance(order, int | float):
        raise TypeError(f"{name}: order is a number")
    if not isinstance(title, str | LazyString):
        raise TypeError(f"{name}: a title is text")
    str(title)  # raises here, not on the page, when a value is missing in it


def _check_url(url: object) -> None:
    # A page of ours or one of the web's; not javascript:, and not //elsewhere.
    if not isinstance(url, str) or url.startswith("//") or not url.startswith(("/", "https://")):
        raise ValueError("a URL is a path of this site or begins with https://")
