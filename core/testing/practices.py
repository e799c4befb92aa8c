"""What a plugin's test sees of its two practices: where the plugin is on, what was sent, what was published."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import realtime
from core.notifications import Notification
from core.testing.house import House

LINK = re.compile(r"/l/[a-z2-7]{32}")


@dataclass(frozen=True, slots=True)
class Practices:
    """Riverside (``here``), where the plugin is on, and Lumière (``elsewhere``), where it is off."""

    house: House
    plugin: str

    @property
    def here(self) -> UUID:
        return self.house.riverside

    @property
    def elsewhere(self) -> UUID:
        return self.house.lumiere

    def at(self, practice_id: UUID | None = None, *, write: bool = True) -> AbstractContextManager[Session]:
        """A scope of a practice; of the one where the plugin is on when none is named."""
        return self.house.at(practice_id or self.here, write=write)

    def switch(self, *, on: bool, at: UUID | None = None) -> None:
        """Switch the plugin, as an admin does."""
        self.house.switch(at or self.here, self.plugin, on=on)


@dataclass(frozen=True, slots=True)
class Outbox:
    """The messages that the plugin sent in the practice where it is on, the newest first."""

    practices: Practices

    def __iter__(self) -> Iterator[Notification]:
        return iter(self.messages())

    def __len__(self) -> int:
        return len(self.messages())

    def messages(self, template: str = "") -> list[Notification]:
        """All of them, or those of one template."""
        prefix = template or f"{self.practices.plugin}."
        with self.practices.at(write=False) as session:
            query = select(Notification).where(Notification.template.startswith(prefix))
            found = session.scalars(query.order_by(Notification.created_at.desc(), Notification.id.desc()))
            return list(found)

    def link(self) -> str:
        """The newest link that a patient was sent ("/l/<token>"). Fails when there is none."""
        for message in self.messages():
            if found := LINK.search(message.body):
                return found.group()
        raise AssertionError("no message holds a link")


@dataclass(slots=True)
class Events:
    """What was published in the practice where the plugin is on, since the test began."""

    practices: Practices
    _seen: int = field(default=0)

    def __post_init__(self) -> None:
        with self.practices.at(write=False):
            self._seen = realtime.last_seq()

    def all(self) -> list[tuple[str, str]]:
        """Each as (topic, type), in the order of the commits."""
        with self.practices.at(write=False):
            return [(event.topic, event.type) for event in realtime.events_since(self._seen, limit=10_000)]

    def of(self, topic: str) -> list[str]:
        """The types of the events of one topic."""
        return [type for name, type in self.all() if name == topic]
