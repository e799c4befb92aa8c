"""Rendering with what every fragment of this plugin needs, also where another room renders it (panels)."""

from __future__ import annotations

from typing import Any

from core.sdk import notifications, plugin_static, render, uuid7


def page(template: str, **values: Any) -> str:
    """A page or fragment of this plugin: ``page("new.html", ...)``."""
    return render(
        f"photo_request/{template}",
        plugin_static=plugin_static,
        reason=notifications.reason,
        new_id=uuid7,
        **values,
    )
