"""A message changed its state: tell the pages that show it, and whoever in the house listens."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy import inspect

from core import db
from core.notifications.models import Notification, State
from core.realtime import events

Listener = Callable[[Notification], None]

TOPIC = "core.notification"
TROUBLE_TOPIC = "core.messages"
"""For the whole practice: a message is in trouble, or out of it."""

_listeners: list[Listener] = []
log = structlog.get_logger(__name__)


def on_changed(listener: Listener) -> None:
    """Call ``listener(notification)`` whenever a message changes its state.

    Called in the transaction that changed it, in a savepoint of its own: what it writes commits with the change, and
    when it raises, its own writes are undone and the change stands. It must not wait for anything.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def remove_listener(listener: Listener) -> None:
    """Stop calling it."""
    if listener in _listeners:
        _listeners.remove(listener)


def enter(notification: Notification, state: State) -> None:
    """Put a message into a state, and tell."""
    notification.state = state
    tell(notification)


def tell(notification: Notification) -> None:
    """Publish the state that a message is in: ids only, on the topic of what it is about (else of its patient)."""
    troubled = _is_troubled(notification)
    db.session().flush()
    about = notification.subject_id or notification.patient_id
    if about is not None:
        events.publish(events.topic(TOPIC, about), notification.state, notification=notification.id)
    if troubled:
        events.publish(TROUBLE_TOPIC, notification.state, notification=notification.id)
    for listener in _listeners:
        try:
            with db.savepoint():
                listener(notification)
        except Exception as error:
            log.error(
                "notification.listener_failed", notification=str(notification.id), error=type(error).__name__
            )


def _is_troubled(notification: Notification) -> bool:
    """Does it wait or end for a reason, or has the reason just gone?"""
    gone = inspect(notification).attrs.last_error.history.deleted
    return notification.last_error is not None or any(gone or ())
