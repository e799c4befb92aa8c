"""A hook whose annotation is no Python."""

from __future__ import annotations

from typing import Any

from core.plugin_system.hookspecs import contract


@contract()
def x_bad_asks(ctx: Any) -> None:
    """Nobody can be called with it."""


x_bad_asks.__annotations__["ctx"] = "no such ("
