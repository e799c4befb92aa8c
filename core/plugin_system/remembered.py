"""What a process remembers of practices: which plugins are on, and their stored settings.

Bounded, and shared: ten thousand practices with forty different choices keep forty sets, not ten thousand.
Whether what is remembered still holds is the caller's to ask; here it is only kept.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Hashable, Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar
from uuid import UUID

PRACTICES: Final = 20_000
SETTINGS: Final = 2_000
_SHARED: Final = 2_000

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Bounded(Generic[Key, Value]):
    """A mapping that forgets what came first when it is full. Reading takes no lock."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[Key, Value] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: Key) -> Value | None:
        return self._held.get(key)

    def put(self, key: Key, value: Value) -> Value:
        with self._lock:
            self._held.pop(key, None)
            while len(self._held) >= self._limit:
                del self._held[next(iter(self._held))]
            self._held[key] = value
        return value

    def clear(self) -> None:
        with self._lock:
            self._held.clear()


class Stored(NamedTuple):
    """A plugin's settings as its row has them, and of which version they are."""

    version: int
    values: Mapping[str, Any]


Settings = Mapping[str, Stored]
NO_SETTINGS: Final[Settings] = MappingProxyType({})


class Sets(NamedTuple):
    """The plugins that are on, as they were at this version of the practice, in this country."""

    version: int
    country: str
    on: frozenset[str]


class _Kept(NamedTuple):
    version: int
    settings: Settings


_sets: Bounded[UUID, Sets] = Bounded(PRACTICES)
_settings: Bounded[UUID, _Kept] = Bounded(SETTINGS)
_same_sets: Bounded[frozenset[str], frozenset[str]] = Bounded(_SHARED)
_same_settings: Bounded[bytes, Settings] = Bounded(_SHARED)


def clear() -> None:
    """Forget everything."""
    for held in (_sets, _settings, _same_sets, _same_settings):
        held.clear()


def sets_of(practice_id: UUID) -> Sets | None:
    return _sets.get(practice_id)


def settings_of(practice_id: UUID, version: int) -> Settings | None:
    """The stored settings of a practice, if this is the version that is remembered."""
    kept = _settings.get(practice_id)
    return kept.settings if kept is not None and kept.version == version else None


def keep_sets(practice_id: UUID, version: int, country: str, on: frozenset[str]) -> None:
    _sets.put(practice_id, Sets(version, country, on))


def keep_settings(practice_id: UUID, version: int, settings: Settings) -> None:
    _settings.put(practice_id, _Kept(version, settings))


def shared_set(on: frozenset[str]) -> frozenset[str]:
    """The one object that stands for this set."""
    return _same_sets.get(on) or _same_sets.put(on, on)


def shared_settings(settings: Settings) -> Settings:
    """The one object that stands for settings of this content. Secrets are in it as they are stored: sealed."""
    if not settings:
        return NO_SETTINGS
    text = json.dumps({name: list(stored) for name, stored in settings.items()}, sort_keys=True)
    digest = blake2b(text.encode(), digest_size=16).digest()
    return _same_settings.get(digest) or _same_settings.put(digest, settings)
