"""Rendering with what every fragment of this plugin needs, also where another room renders it (panels)."""

from __future__ import annotations

from typing import Any

from core.sdk import notifications, plugin_static, render, uuid7
from plugins.video_call import guests, wording


def page(template: str, **values: Any) -> str:
    """A page or fragment of this plugin: ``page("index.html", ...)``."""
    return render(
        f"video_call/{template}",
        plugin_static=plugin_static,
        why=notifications.reason,
        new_id=uuid7,
        guest_word=guests.role_word,
        reason_words=wording.reasons(),
        **values,
    )
