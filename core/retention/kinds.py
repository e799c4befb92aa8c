"""Kinds of data that do not stay for ever: what each is called, how long it stays, what would go, how it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from core.i18n import LazyString


class BadKind(ValueError):
    """A kind that cannot be taken; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of data with a time to stay.

    name: "<owner>.<things>". default_days: None is for ever. least_days and most_days: what a practice may choose;
    most_days None: as long as it likes, also for ever.
    count(before): how many of the current practice would go now, being older than that moment.
    remove(before, limit): remove up to so many of the oldest in the current write scope, and answer how many went.
        Called again until it answers less than ``limit``, each time in a transaction of its own; so it must not find
        again what it has removed.
    """

    name: str
    title: LazyString | str
    description: LazyString | str
    default_days: int | None
    count: Callable[[datetime], int]
    remove: Callable[[datetime, int], int]
    least_days: int = 1
    most_days: int | None = None

    def __post_init__(self) -> None:
        if self.name.count(".") != 1:
            raise BadKind(f"{self.name!r} must be '<owner>.<things>'")
        if not self.allows(self.default_days):
            raise BadKind(f"{self.name}: its own default is not allowed")

    @property
    def owner(self) -> str:
        """ "core", or the plugin that it comes with."""
        return self.name.partition(".")[0]

    @property
    def is_fixed(self) -> bool:
        """There is nothing to choose."""
        return self.least_days == self.most_days

    def allows(self, days: int | None) -> bool:
        """May it stay so long? None: for ever."""
        if days is None:
            return self.most_days is None
        return self.least_days <= days and (self.most_days is None or days <= self.most_days)


_kinds: dict[str, Kind] = {}


def register(kinds: Iterable[Kind]) -> None:
    """Make kinds known to this process; the same name again replaces the earlier one."""
    _kinds.update((kind.name, kind) for kind in kinds)


def registered() -> list[Kind]:
    """All kinds of this process, the core's first."""
    return sorted(_kinds.values(), key=lambda kind: (kind.owner != "core", kind.name))


def find(name: str) -> Kind:
    """The kind of this name. Raises LookupError."""
    try:
        return _kinds[name]
    except KeyError:
        raise LookupError(f"no kind of data is called {name}") from None


def forget() -> None:
    """Know none any more: before plugins are loaded anew."""
    _kinds.clear()
