"""A plugin that publishes hooks and a slot for others, and one that fills them."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from uuid import UUID

from core.plugin_system import Panel, Plugin, hookimpl
from core.plugin_system.hookspecs import contract
from core.plugin_system.slots import Slot
from core.sdk import NotFound, StaffRoutes, ask, render_slot, uuid7
from tests.support.plugins import make

GONE = UUID(int=0)


@dataclass(frozen=True, slots=True)
class VisitContext:
    """A visit, for the plugins that have something to say about it."""

    id: UUID


@contract(str)
def x_host_greetings(ctx: VisitContext) -> list[str]:  # type: ignore[empty-body]
    """What to say to the visitor."""


@contract(Panel)
def x_host_panels(ctx: VisitContext) -> list[Panel]:  # type: ignore[empty-body]
    """Panels beside a visit."""


@contract(policy="required")
def x_host_ending(ctx: VisitContext) -> None:
    """A visit ends."""


def restore(id: UUID) -> VisitContext:
    if id == GONE:
        raise NotFound
    return VisitContext(id)


def host(**fields: object) -> Plugin:
    """Its page shows the panels that others put beside a visit."""
    routes = StaffRoutes("x_host", __name__)

    @routes.get("/visit", permission="core.work")
    def visit() -> str:
        ctx = VisitContext(uuid7())
        return "; ".join(ask("x_host_greetings", ctx)) + render_slot("x_host.side", ctx, subject_id=ctx.id)

    published = ModuleType("hookspecs")
    for function in (x_host_greetings, x_host_panels, x_host_ending):
        setattr(published, function.__name__, function)
    chosen = {
        "default_on": True,
        "hookspecs": published,
        "routes": (routes,),
        "slots": (
            Slot("x_host.side", "Beside the visit", VisitContext, "For glancing at.", restore=restore),
        ),
        **fields,
    }
    return make("x_host", **chosen)


def guest(*, lazy: bool = False, **fields: object) -> Plugin:
    """Fills what the host publishes, where it is there."""
    hooks = ModuleType("hooks")

    @hookimpl
    def x_host_greetings(ctx: VisitContext) -> list[str]:
        return ["Hello from the guest"]

    @hookimpl
    def x_host_panels(ctx: VisitContext) -> list[Panel]:
        return [
            Panel(
                "x_host.side",
                "note",
                "Note",
                lambda ctx: f"<b>{ctx.id}</b>",
                "core.work",
                ["x_guest.note"],
                lazy=lazy,
            )
        ]

    @hookimpl
    def x_host_ending(ctx: VisitContext) -> None:
        raise RuntimeError("not now")

    for function in (x_host_greetings, x_host_panels, x_host_ending):
        setattr(hooks, function.__name__, function)
    return make("x_guest", **{"default_on": True, "uses": ("x_host",), "hooks": hooks, **fields})
