"""Which of the staff a list shows: by name, e-mail address, role and state; and the same as a table to take away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from core import audit
from core.i18n import _l
from core.patients.names import normalise
from core.security import roles
from core.security.members import Member
from core.web.listing import Asked

ORDERS: Final = ("name", "seen", "newest")
STATES: Final = ("", "without_second", "locked", "never")
COLUMNS: Final = (
    _l("Name"), _l("E-mail"), _l("Roles"), _l("Since"), _l("Last sign-in"), _l("Second factor"), _l("Locked out"),
)  # fmt: skip
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

audit.describe({"staff.exported": _l("List of staff exported")})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the list is asked for. role: a role's key, or "" for any."""

    asked: Asked
    role: str = ""
    state: str = ""


def fitting(people: Sequence[Member], wanted: Wanted) -> list[Member]:
    """Those who fit, in the order that is asked for; ``people`` stand by name."""
    words = [normalise(word) for word in wanted.asked.words.split() if "@" not in word]
    addresses = [word.casefold() for word in wanted.asked.words.split() if "@" in word]
    found = [
        one
        for one in people
        if all(word in normalise(f"{one.name} {one.email}") for word in words)
        and all(address in one.email.casefold() for address in addresses)
        and (not wanted.role or wanted.role in one.roles)
        and _is_in(one, wanted.state)
    ]
    if wanted.asked.order == "seen":
        found.sort(key=lambda one: one.seen_at or _LONG_AGO, reverse=True)
    elif wanted.asked.order == "newest":
        found.sort(key=lambda one: one.since, reverse=True)
    return found


def cells(people: Sequence[Member]) -> list[tuple[object, ...]]:
    """What the columns of the table say of them."""
    titles = roles.titles()
    return [
        (
            one.name,
            one.email,
            ", ".join(titles.get(key, key) for key in one.roles),
            one.since,
            one.seen_at,
            one.has_second_factor,
            one.is_locked,
        )
        for one in people
    ]


def _is_in(one: Member, state: str) -> bool:
    if state == "without_second":
        return not one.has_second_factor
    if state == "locked":
        return one.is_locked
    return one.seen_at is None if state == "never" else True
