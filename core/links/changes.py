"""Telling the rest of the house that a link changed: the trail, the bus, and those who asked to be called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from core import audit
from core.links.models import Link
from core.realtime import end_session, events

LinkChange = Literal["opened", "locked", "unlocked", "cancelled", "completed"]
Listener = Callable[[Link, str], None]

LOCKS_TOPIC = "core.links"
"""For the whole practice: a link was locked, or is no longer."""

_listeners: list[Listener] = []


def on_changed(listener: Listener) -> None:
    """Call ``listener(link, change)`` within the transaction of each change. Registering it twice does nothing."""
    if listener not in _listeners:
        _listeners.append(listener)


def note(link: Link, action: str, **detail: Any) -> None:
    """Write an action on this link into the trail."""
    audit.record(
        f"link.{action}",
        patient_id=link.patient_id,
        subject=("core_link", link.id),
        detail={"purpose": link.purpose, **detail},
    )


def tell(link: Link, change: LinkChange) -> None:
    """Note the change, publish it, and call the listeners."""
    note(link, change)
    events.publish(events.topic("core.link", link.id), change, link_id=link.id)
    if link.locked_at is not None or change == "unlocked":
        events.publish(LOCKS_TOPIC, change, link_id=link.id)
    if change in ("locked", "cancelled"):
        end_session(f"link:{link.id}")  # whoever is inside hears nothing more
    for listener in _listeners:
        listener(link, change)
