"""The hooks that the platform calls. Each takes one context and answers a typed value.

The docstrings are the plugin author's reference. :func:`contract` states what an implementation answers, how long it
may take, and what happens when one fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, Literal, TypeVar, get_type_hints

import pluggy

from core.patients.timeline import TimelineEntry
from core.plugin_system.contexts import (
    FileContext,
    LineContext,
    LinkContext,
    NotificationContext,
    PatientContext,
    StaffContext,
)
from core.plugin_system.surfaces import Action, LineDay, NavItem, Panel

PROJECT = "careroom"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Policy = Literal["isolate", "veto", "required"]
Function = TypeVar("Function", bound=Callable[..., Any])

PAGE_BUDGET: Final = 0.5
"""Seconds that a hook of a page may take. People wait for all of them together."""
_MARK: Final = "careroom_contract"


@dataclass(frozen=True, slots=True)
class Contract:
    """What a hook promises.

    item: the type of the answered list's items, None for no answer. policy: what a failure does. owned: only the
    plugin that the subject belongs to is called. budget: seconds that one implementation may take. spec: the function
    that declares it; its annotations and docstring are the reference. owner: the plugin that publishes it, or "core":
    with that plugin off nobody is called.
    """

    item: type | None
    policy: Policy
    owned: bool
    budget: float
    spec: Callable[..., Any]
    owner: str = "core"

    @property
    def name(self) -> str:
        return self.spec.__name__

    @property
    def context(self) -> type:
        """The type of the one argument."""
        found: type = get_type_hints(self.spec)["ctx"]
        return found


CONTRACTS: dict[str, Contract] = {}
"""The core's own. With those that plugins publish: ``registry.contracts``."""


def contract(
    item: type | None = None,
    *,
    policy: Policy = "isolate",
    owned: bool = False,
    budget: float = PAGE_BUDGET,
) -> Callable[[Function], Function]:
    """Declare a hook: a function with one argument ``ctx``, its annotation, and a docstring.

    policy: "isolate": a failure is logged and counted, the others go on. "veto": the exception stops what was about
    to happen. "required": the request fails with HookFailed.
    budget: seconds; who takes longer is not stopped, but counted, and paused when it goes on like that.
    """

    def mark(function: Function) -> Function:
        made = Contract(item, policy, owned, budget, function)
        setattr(function, _MARK, made)
        if function.__module__.startswith("core."):
            CONTRACTS[function.__name__] = made
        return hookspec(function)

    return mark


def declared_in(module: ModuleType) -> dict[str, Contract]:
    """The contracts of the functions that a module marks with :func:`contract`, by name."""
    marked = (getattr(value, _MARK, None) for value in vars(module).values())
    return {one.name: one for one in marked if isinstance(one, Contract)}


@contract(Panel)
def patient_panels(ctx: PatientContext) -> list[Panel]:  # type: ignore[empty-body]
    """Panels of the patient workspace, in the slots ``patient.main`` and ``patient.side``.

    Called for each workspace that somebody opens, and again when one of its panels reloads itself. ``ctx.patient`` is
    whose it is; ``ctx.can(permission)`` says what the reader may. A panel whose permission the reader lacks is left
    out, so there is no need to look. Be quick: the work is in the panel's ``view``, which is called only when the
    panel is shown.
    """


@contract(Action)
def patient_actions(ctx: PatientContext) -> list[Action]:  # type: ignore[empty-body]
    """Buttons in the header of the patient workspace.

    Called for each workspace that somebody opens. Those whose permission the reader lacks are left out; the first in
    order is the main button.
    """


@contract(Panel)
def today_panels(ctx: StaffContext) -> list[Panel]:  # type: ignore[empty-body]
    """Panels of the Today page, in the slot ``today.main``: what waits for the practice.

    Called each time that somebody opens Today, and again when one of its panels reloads itself.
    """


@contract(NavItem)
def navigation(ctx: StaffContext) -> list[NavItem]:  # type: ignore[empty-body]
    """Entries of the left rail.

    Called for every page that staff open: a badge that needs a query costs that query each time. Entries whose
    permission the reader lacks are left out.
    """


@contract(TimelineEntry)
def timeline_entries(ctx: PatientContext) -> list[TimelineEntry]:  # type: ignore[empty-body]
    """What happened with a patient, for the timeline; newest 50 are enough.

    Where ``ctx.before`` is set: the newest of those before it. Called when the timeline is shown or one of the page's
    topics is told. Entries have no permission of their own: answer only what ``ctx.can`` allows this reader to see.
    """


@contract(LineDay, budget=2.0)
def call_lines(ctx: LineContext) -> list[LineDay]:  # type: ignore[empty-body]  # a declaration
    """How the lines of this practice's calls were, day by day, since ``ctx.since``: for the platform's operator.

    Called in a scope of the practice that only reads, when the operator opens that page. Figures alone: no name, no
    address, nothing by which a patient could be found.
    """


@contract(owned=True, policy="veto", budget=2.0)
def link_changed(ctx: LinkContext) -> None:
    """A link that this plugin issued was opened, locked, unlocked, cancelled or completed.

    ``ctx.link`` is the link, ``ctx.change`` one of these words. Called in the transaction that changed it, so that
    both are stored or neither: an exception undoes the change. Not called for links of other plugins.
    """


@contract(owned=True, policy="veto", budget=10.0)
def file_processed(ctx: FileContext) -> None:
    """A file that this plugin stored is ready, or was rejected: see ``ctx.file.state``.

    Called by the worker in a transaction of its own, at least once: when it raises, it is tried again later. Not
    called for files of other plugins.
    """


@contract(owned=True, budget=2.0)
def notification_changed(ctx: NotificationContext) -> None:
    """A message that this plugin sent was sent, delivered or given up: see ``ctx.notification.state``.

    Called in the transaction that changed it; what an implementation that raises has written is undone, and the
    message's state is kept. Not called for messages of other plugins.
    """
