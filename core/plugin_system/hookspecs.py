"""The hooks that the platform calls. Each takes one context and answers a typed value.

The docstrings are the plugin author's reference. ``@contract`` states what an implementation answers and what
happens when one raises:

isolate: it is logged and counted, the others go on. veto: the exception stops what was about to happen.
owned: only the plugin that the subject belongs to is called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import pluggy

from core.patients.timeline import TimelineEntry
from core.plugin_system.contexts import (
    FileContext,
    LinkContext,
    NotificationContext,
    PatientContext,
    StaffContext,
)
from core.plugin_system.surfaces import Action, NavItem, Panel

PROJECT = "careroom"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Policy = Literal["isolate", "veto"]
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Contract:
    """What a hook promises: ``item`` is the type of the answered list's items, None for no answer."""

    item: type | None
    policy: Policy
    owned: bool


CONTRACTS: dict[str, Contract] = {}


def contract(
    item: type | None = None, *, policy: Policy = "isolate", owned: bool = False
) -> Callable[[Function], Function]:
    """Declare a hook with its contract."""

    def mark(function: Function) -> Function:
        CONTRACTS[function.__name__] = Contract(item, policy, owned)
        return hookspec(function)

    return mark


@contract(Panel)
def patient_panels(ctx: PatientContext) -> list[Panel]:  # type: ignore[empty-body]
    """Panels of the patient workspace, in the slots ``patient.main`` and ``patient.side``."""


@contract(Action)
def patient_actions(ctx: PatientContext) -> list[Action]:  # type: ignore[empty-body]
    """Buttons in the header of the patient workspace."""


@contract(Panel)
def today_panels(ctx: StaffContext) -> list[Panel]:  # type: ignore[empty-body]
    """Panels of the Today page, in the slot ``today.main``: what waits for the practice."""


@contract(NavItem)
def navigation(ctx: StaffContext) -> list[NavItem]:  # type: ignore[empty-body]
    """Entries of the left rail."""


@contract(TimelineEntry)
def timeline_entries(ctx: PatientContext) -> list[TimelineEntry]:  # type: ignore[empty-body]
    """What happened with a patient, for the timeline; newest 50 are enough."""


@contract(owned=True, policy="veto")
def link_changed(ctx: LinkContext) -> None:
    """A link that this plugin issued was opened, locked, unlocked, cancelled or completed.

    Called in the transaction that changed it, so that both are stored or neither.
    """


@contract(owned=True, policy="veto")
def file_processed(ctx: FileContext) -> None:
    """A file that this plugin stored is ready, or was rejected.

    Called by the worker in a transaction of its own, at least once: when it raises, it is tried again later.
    """


@contract(owned=True)
def notification_changed(ctx: NotificationContext) -> None:
    """A message that this plugin sent was sent, delivered or given up.

    Called in the transaction that changed it; what an implementation that raises has written is undone.
    """
