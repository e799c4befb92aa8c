"""What an operator does with a plugin in all practices at once: where it is on, keep it off, end a pause.

The word is kept practice by practice, as if said in each: there is no rule for practices that are made later.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from core import audit, db, i18n, plugin_system, settings, tenancy
from core.plugin_system import activation, faults
from core.plugin_system.models import PracticePlugin
from core.plugin_system.resolver import Choice, resolve
from core.tenancy import Practice, platform

Everywhere = Literal["", "deny"]


@dataclass(slots=True)
class Spread:
    """In how many practices a plugin is on, is off, and is kept off by the operator's word."""

    on: int = 0
    off: int = 0
    denied: int = 0

    @property
    def practices(self) -> int:
        return self.on + self.off


@dataclass(frozen=True, slots=True)
class Ruled:
    """In how many practices the word is new. left: in how many it could not be said now."""

    done: int
    left: int


def spread() -> dict[str, Spread]:
    """Where each installed plugin is on, of all practices but erased ones. One query."""
    stored = (
        select(
            Practice.id,
            Practice.country,
            PracticePlugin.name,
            PracticePlugin.enabled,
            PracticePlugin.rule,
            PracticePlugin.agreed,
        )
        .outerjoin(PracticePlugin, PracticePlugin.practice_id == Practice.id)
        .where(Practice.status != platform.ERASED)
    )
    chosen: dict[tuple[UUID, str], dict[str, Choice]] = defaultdict(dict)
    with db.scope(write=False, across_practices=True) as session:
        for practice_id, country, name, enabled, rule, agreed in session.execute(stored):
            choices = chosen[practice_id, country]
            if name is not None:
                choices[name] = Choice(enabled, rule, frozenset(agreed) if agreed is not None else None)
    found = {plugin.name: Spread() for plugin in plugin_system.registry}
    reserved = settings.current().reserved_plugins
    for (_practice, country), choices in chosen.items():
        for name, reason in resolve(plugin_system.registry, choices, country, reserved).items():
            found[name].on += reason.on
            found[name].off += not reason.on
            found[name].denied += name in choices and choices[name].rule == "deny"
    return found


def decree_everywhere(name: str, rule: Everywhere) -> Ruled:
    """Keep a plugin off in every practice, or take that word back wherever it holds; each in a scope of its own.

    On each practice's trail, and once on the platform's. Raises KeyError for a plugin that is not installed.
    """
    plugin_system.registry.get(name)
    denied = select(PracticePlugin.practice_id).where(
        PracticePlugin.name == name, PracticePlugin.rule == "deny"
    )
    here = Practice.id.not_in(denied) if rule == "deny" else Practice.id.in_(denied)
    with db.scope(write=False, across_practices=True) as session:
        wanted = select(Practice.id).where(Practice.status != platform.ERASED, here).order_by(Practice.id)
        ids = list(session.scalars(wanted))
    done = left = 0
    try:
        for practice_id in ids:
            try:
                with tenancy.practice_scope(practice_id):
                    activation.decree(name, rule)
                done += 1
            except activation.CannotSwitch:
                left += 1
    finally:  # also where one of them fails: what was done was done
        if done:
            with db.scope():
                audit.record_platform(
                    "plugin.denied" if rule else "plugin.left_to_practice",
                    detail={"plugin": name, "practices": done},
                )
    return Ruled(done, left)


def end_pause(name: str, practice_id: UUID) -> None:
    """Have a plugin tried again at once in a practice. Raises UnknownPractice, KeyError."""
    plugin_system.registry.get(name)
    language = i18n.language()
    with tenancy.practice_scope(practice_id), i18n.use_language(language):
        faults.reset(name)
