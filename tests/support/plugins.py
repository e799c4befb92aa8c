"""Plugins made up for a test."""

from __future__ import annotations

from collections.abc import Callable

from core.plugin_system import Plugin, activation, registry
from core.settings import Settings

Install = Callable[..., None]


def make(name: str, **fields: object) -> Plugin:
    """A plugin with what it must have, and ``fields``."""
    chosen = {
        "name": name,
        "title": name,
        "version": "1.0",
        "api": ">=1,<2",
        "package": "tests.support",
        **fields,
    }
    return Plugin(**chosen)


def installer(settings: Settings) -> Install:
    """A function that installs plugins beside those that are there."""

    def install(*plugins: Plugin) -> None:
        registry.load(settings, plugins)
        activation.forget()

    return install
