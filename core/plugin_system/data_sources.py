"""Answers for the plugins' data: the hooks of every installed plugin, on or off, each held to its contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from core.patient_data import Source, sources
from core.plugin_system import data_hookspecs
from core.plugin_system.hookspecs import declared_in
from core.plugin_system.registry import registry


class WrongAnswer(TypeError):
    """A data hook answered something else than a list of what its contract says."""


def start() -> None:
    """Let the rooms below ask for plugins' data here."""
    sources.answered_by(installed, refused)


def installed() -> list[Source]:
    """A source for each plugin of this process, in their order."""
    return [_source(plugin.name, plugin.title, plugin.version) for plugin in registry]


def refused() -> list[str]:
    """The plugins that were found and not taken. One that only bears the name of another is not missed."""
    return sorted({refusal.name for refusal in registry.refused} - set(registry.plugins))


def _source(name: str, title: Any, version: str) -> Source:
    hooks = {hook: _implementation(hook, name) for hook in declared_in(data_hookspecs)}
    return Source(name, title, version, **hooks)


def _implementation(hook: str, plugin: str) -> Callable[[Any], list[Any]] | None:
    item = declared_in(data_hookspecs)[hook].item
    found = [
        one.function
        for one in getattr(registry.manager.hook, hook).get_hookimpls()
        if one.plugin_name == plugin
    ]
    if not found or item is None:
        return None

    def ask(ctx: Any) -> list[Any]:
        answer = found[0](ctx=ctx)
        if not isinstance(answer, list) or not all(isinstance(one, item) for one in answer):
            raise WrongAnswer(f"{hook} must answer a list of {item.__name__}")
        return answer

    return ask
