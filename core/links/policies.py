"""A practice's word on its links: how many days one lives, and how many wrong dates of birth lock it.

Kept in the practice's profile, by purpose; "" stands for every purpose of which nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from core import audit, settings, tenancy
from core.i18n import _l

MAX_DAYS: Final = 90
MOST_TRIES: Final = 10
LEAST_TRIES: Final = 3
USUAL_TRIES: Final = 5
EVERY: Final = ""
_KEY: Final = "links"

audit.describe({"links.policy_changed": _l("Rules for links changed")})


@dataclass(frozen=True, slots=True)
class Policy:
    """None: as for every purpose; of that one: as usual."""

    days: int | None = None
    tries: int | None = None

    def __post_init__(self) -> None:
        if self.days is not None and not 1 <= self.days <= MAX_DAYS:
            raise ValueError(f"a link lives 1 to {MAX_DAYS} days")
        if self.tries is not None and not LEAST_TRIES <= self.tries <= MOST_TRIES:
            raise ValueError(f"a link has {LEAST_TRIES} to {MOST_TRIES} tries")


def chosen(purpose: str = EVERY) -> Policy:
    """What the current practice has chosen for a purpose. What is stored and no longer fits counts as nothing."""
    kept = _stored().get(purpose)
    if purpose == EVERY and kept is None:
        days = tenancy.current().link_days
        return Policy(days=days if days is not None and 1 <= days <= MAX_DAYS else None)
    try:
        return Policy(kept.get("days"), kept.get("tries")) if isinstance(kept, dict) else Policy()
    except (TypeError, ValueError):
        return Policy()


def days_of(purpose: str = EVERY) -> int:
    """How many days a new link of this purpose lives when whoever issues it says nothing."""
    return chosen(purpose).days or chosen().days or settings.current().link_days


def tries_of(purpose: str = EVERY) -> int:
    """How many wrong dates of birth lock a link of this purpose."""
    return chosen(purpose).tries or chosen().tries or USUAL_TRIES


def choose(policies: dict[str, Policy]) -> bool:
    """Make these the current practice's; others stay as they are. False when nothing was changed.

    Links that patients have already keep their days; the tries hold for them, too.
    """
    practice = tenancy.held()
    changed = {purpose: policy for purpose, policy in policies.items() if policy != chosen(purpose)}
    if not changed:
        return False
    kept = {purpose: {"days": policy.days, "tries": policy.tries} for purpose, policy in changed.items()}
    practice.profile = {**practice.profile, _KEY: {**_stored(), **kept}}
    said = {
        purpose or "every": f"{policy.days or 'usual'} days, {policy.tries or 'usual'} tries"
        for purpose, policy in changed.items()
    }
    audit.record("links.policy_changed", detail=said)
    return True


def _stored() -> dict[str, Any]:
    found = tenancy.current().profile.get(_KEY)
    return found if isinstance(found, dict) else {}
