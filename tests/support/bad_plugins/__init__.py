"""Plugins that misbehave, each in one way. The platform must stand whatever they do."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from core.plugin_system import Plugin, hookimpl
from core.plugin_system.hookspecs import CONTRACTS
from tests.support.plugins import make


def hooks(**implementations: Callable[[Any], Any]) -> ModuleType:
    """A module of hook implementations: ``hooks(navigation=lambda ctx: [...])``."""
    module = ModuleType("hooks")
    for name, does in implementations.items():

        def implementation(ctx: Any, does: Callable[[Any], Any] = does) -> Any:
            return does(ctx)

        implementation.__name__ = name
        setattr(module, name, hookimpl(implementation))
    return module


def with_hooks(name: str, **implementations: Callable[[Any], Any]) -> Plugin:
    """A plugin that is on and has these hooks."""
    return make(name, default_on=True, hooks=hooks(**implementations))


def in_every_hook(name: str, does: Callable[[Any], Any]) -> Plugin:
    """A plugin that does the same in every hook that there is, also in those that do not exist yet."""
    return with_hooks(name, **dict.fromkeys(CONTRACTS, does))
