"""What a rule of `careroom plugin check` is, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from core.authoring.inspection import Inspection

Tier = Literal["bronze", "silver", "gold"]
Outcome = Literal["holds", "broken", "not_measured", "nothing_to_do"]
TIERS: Final[tuple[Tier, ...]] = ("bronze", "silver", "gold")


class NotMeasured(Exception):
    """The rule could not be looked at here; the message says what is missing."""


class NothingToDo(Exception):
    """The plugin has nothing that the rule is about."""


@dataclass(frozen=True, slots=True)
class Rule:
    """name: one word. tier: the lowest that asks for it. promise: what holds, in a sentence. advice: what to do.

    look: answers what is wrong, in sentences; raises NotMeasured or NothingToDo.
    """

    name: str
    tier: Tier
    promise: str
    advice: str
    look: Callable[[Inspection], list[str]]


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of a rule. problems: each in a sentence; for "not_measured": what is missing."""

    rule: Rule
    outcome: Outcome
    problems: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return self.outcome in ("holds", "nothing_to_do")


def tier_of(findings: list[Finding]) -> Tier | None:
    """The best tier all of whose rules, and those of the tiers below, hold. None: not even bronze."""
    reached: Tier | None = None
    for tier in TIERS:
        if not all(finding.holds for finding in findings if finding.rule.tier == tier):
            break
        reached = tier
    return reached
