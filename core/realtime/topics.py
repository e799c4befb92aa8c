"""The shapes of topics, event types and ids: narrow on purpose, so that no clinical word fits in."""

from __future__ import annotations

import re
from uuid import UUID

Id = UUID | str | int

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\.[a-z][a-z0-9_]{0,39}")
_TOPIC = re.compile(
    _NAME.pattern + r"(?::(?:[0-9]{1,18}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))?"
)
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SLUG = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


class BadEvent(ValueError):
    """A topic, a type or an id has a shape that events do not take."""


def topic(name: str, id: UUID | int | None = None) -> str:
    """``"photo_request.request:<uuid>"``, or the practice-wide ``"photo_request.request"`` without an id.

    Raises BadEvent unless ``name`` is "<owner>.<thing>".
    """
    if not _NAME.fullmatch(name):
        raise BadEvent(f"{name!r} is no '<owner>.<thing>'")
    return name if id is None else f"{name}:{id}"


def owner_of(topic: str) -> str:
    """The plugin (or "core") that a topic or a name like it belongs to: the part before the first dot."""
    return topic.partition(".")[0]


def is_topic(text: object) -> bool:
    """Has this the shape of a topic?"""
    return isinstance(text, str) and _TOPIC.fullmatch(text) is not None


def checked(topic: str, type: str, ids: dict[str, Id]) -> dict[str, str | int]:
    """The ids as they are stored (UUIDs as text). Raises BadEvent for any shape that could carry free text."""
    if not is_topic(topic):
        raise BadEvent(f"{topic!r} is no topic")
    if not _WORD.fullmatch(type):
        raise BadEvent(f"{type!r} is no event type")
    if len(ids) > 8:
        raise BadEvent("an event carries at most 8 ids")
    return {key: _checked_id(key, value) for key, value in ids.items()}


def _checked_id(key: str, value: Id) -> str | int:
    if not _WORD.fullmatch(key):
        raise BadEvent(f"{key!r} is no name of an id")
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return value
    if isinstance(value, str) and _SLUG.fullmatch(value):
        return value
    # The value itself stays out of the message: it may be just what must not be in a log.
    raise BadEvent(f"the id {key!r} is neither a UUID, nor a number, nor a short slug")
