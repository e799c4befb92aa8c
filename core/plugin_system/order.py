"""The order of plugins: always the same for the same plugins."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.plugin_system.manifest import Plugin
from core.plugin_system.refusals import Refusal


def in_order(found: Mapping[str, Plugin], refuse: Callable[[Refusal], None]) -> list[Plugin]:
    """What a plugin requires or uses first, then the lower priority, then the name.

    Whatever requires something that is not there, or stands in a circle, is refused; who only uses it comes in.
    """
    done: dict[str, Plugin] = {}
    waiting = dict(sorted(found.items(), key=lambda item: (item[1].priority, item[0])))
    while waiting:
        ready = next((plugin for plugin in waiting.values() if _is_ready(plugin, done, waiting)), None)
        if ready is not None:
            done[ready.name] = waiting.pop(ready.name)
            continue
        for refusal in _stuck(done, waiting):
            refuse(refusal)
            del waiting[refusal.name]
    return list(done.values())


def _is_ready(plugin: Plugin, done: Mapping[str, Plugin], waiting: Mapping[str, Plugin]) -> bool:
    return all(name in done for name in plugin.requires) and not any(name in waiting for name in plugin.uses)


def _stuck(done: Mapping[str, Plugin], waiting: Mapping[str, Plugin]) -> list[Refusal]:
    """Those that can never come in: they miss a requirement, or, when none does, stand in a circle."""
    lacking = []
    for plugin in waiting.values():
        missing = tuple(name for name in plugin.requires if name not in done and name not in waiting)
        if missing:
            lacking.append(Refusal(plugin.name, f"requires {', '.join(missing)}", "requires", missing))
    if lacking:
        return lacking
    return [
        Refusal(plugin.name, "its requirements form a circle", "circle", _held_up_by(plugin, waiting))
        for plugin in waiting.values()
        if plugin.name in _needs(plugin, waiting)
    ]


def _held_up_by(plugin: Plugin, waiting: Mapping[str, Plugin]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in (*plugin.requires, *plugin.uses) if name in waiting))


def _needs(plugin: Plugin, waiting: Mapping[str, Plugin]) -> set[str]:
    """All that a plugin waits for, and what that waits for in turn; itself among them: it stands in a circle."""
    found: set[str] = set()
    paths = [plugin.name]
    while paths:
        fresh = set(_held_up_by(waiting[paths.pop()], waiting)) - found
        found |= fresh
        paths += fresh
    return found
