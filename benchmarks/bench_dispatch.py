"""What calling hooks costs over the hooks' own work: 50 plugins installed, 25 on, beside a loop over a cached tuple.

- a hook that five of the 25 answer, as on a page; and one that all 25 answer, for one implementation of it;
- a hook that nobody who is on answers.

The peer is the least that anybody could do: a loop over the functions that adds up what they answer.
"""

import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from benchmarks.measure import Row, cpu_of_calls, in_child, side_by_side

INSTALLED: Final = 50
ON: Final = 25
SOME: Final = 5
CALLS: Final = 20_000
MOST: Final = 3.0  # microseconds over the work itself
MOST_FOR_NOBODY: Final = 0.2

HOOKS: Final = {"some": "patient_actions", "all": "navigation", "nobody": "timeline_entries"}


def ours(which: str) -> float:
    """Microseconds of one call."""
    return _measured(which, lambda call, ctx, _functions: partial(call, HOOKS[which], ctx))


def peer(which: str) -> float:
    """Microseconds of the same work in a loop."""
    return _measured(which, lambda _call, ctx, functions: partial(_loop, functions, ctx))


def _loop(functions: tuple[Callable[[Any], list[Any]], ...], ctx: Any) -> list[Any]:
    answers: list[Any] = []
    for function in functions:
        answers += function(ctx)
    return answers


Made = Callable[[Callable[..., Any], Any, tuple[Callable[[Any], list[Any]], ...]], Callable[[], Any]]


def _measured(which: str, make: Made) -> float:
    from core import tenancy
    from core.plugin_system import StaffContext, activation, call, registry, wiring
    from tests.support import house
    from tests.support.databases import SqliteTemplate, settings_for

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with SqliteTemplate(folder, seeded=True).copy(folder) as url:
            from core import db, settings

            chosen = settings.configure(settings_for(url, folder, strict_hooks=False))
            db.configure(chosen)
            wiring.start(chosen)
            place = house.make(chosen).riverside
            with tenancy.practice_scope(place):
                for plugin in registry:  # the real ones would do real work
                    activation.disable(plugin.name)
            registry.load(chosen, [_plugin(number) for number in range(INSTALLED)])
            with tenancy.practice_scope(place, write=False):
                ctx = StaffContext(tenancy.current(), 1, frozenset())
                functions = tuple(
                    plugin.hooks.__dict__[HOOKS[which]]
                    for plugin in registry
                    if plugin.default_on and plugin.hooks is not None and hasattr(plugin.hooks, HOOKS[which])
                    if plugin.name.startswith("x_")
                )
                assert len(functions) == {"some": SOME, "all": ON, "nobody": 0}[which]
                spent = cpu_of_calls(make(call, ctx, functions), CALLS)
            db.dispose()
            return spent * 1e6


def _plugin(number: int) -> Any:
    """The first 25 are on. Five of them answer one hook, all of them another; those that are off answer a third."""
    from core.plugin_system import Action, NavItem, hookimpl
    from tests.support.plugins import make

    hooks, on = ModuleType("hooks"), number < ON
    item = NavItem(f"x_{number}", "Bench", "puzzle", "/", "core.work")
    action = Action(f"x_{number}", "Bench", "puzzle", "/", "core.work")

    def navigation(ctx: Any) -> list[Any]:
        return [item]

    def patient_actions(ctx: Any) -> list[Any]:
        return [action]

    def timeline_entries(ctx: Any) -> list[Any]:
        return []

    chosen = [navigation, *([patient_actions] if number < SOME else [])] if on else [timeline_entries]
    for function in chosen:
        setattr(hooks, function.__name__, hookimpl(function))
    return make(f"x_{number:02}", hooks=hooks, default_on=on)


def rows() -> Iterable[Row]:
    for which, name, share, most in (
        ("some", f"a hook that {SOME} of {ON} answer", 1, MOST),
        ("all", f"each of {ON} answers", ON, MOST),
        ("nobody", "a hook that nobody answers", 1, MOST_FOR_NOBODY),
    ):
        cost, floor = side_by_side(partial(in_child, ours, which), partial(in_child, peer, which))
        cost, floor = cost / share, floor / share
        over = f"{cost - floor:.2f} µs over the work itself, at most {most} allowed"
        yield Row(name, cost, "a loop over a tuple", floor, "µs", (floor + most) / floor, over)
