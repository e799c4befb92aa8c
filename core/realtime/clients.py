"""Who is connected to this process: by socket, by topic, by session."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from core.realtime.tickets import Ticket

Room = tuple[UUID, str]
Key = TypeVar("Key")


@dataclass(eq=False, slots=True)
class Client:
    """One socket. It has proved ``bindings`` at connection; it hears nothing before it has a ticket.

    seq: the last event number it was told or claims to know. ready: it was brought up to date and may be sent
    new events. behind: it reads too slowly, or missed some; the pump brings it up to date from ``seq``.
    """

    sid: str
    eio_sid: str
    bindings: frozenset[UUID]
    since: float = field(default_factory=time.monotonic)
    ticket: Ticket | None = None
    expires_at: float = 0.0
    seq: int = 0
    ready: bool = False
    behind: bool = False
    behind_since: float = 0.0

    @property
    def topics(self) -> frozenset[str]:
        return frozenset(self.ticket.topics) if self.ticket else frozenset()


@dataclass(frozen=True, slots=True)
class Presence:
    """Who listens to a topic: how many sockets, and which people as (kind, id)."""

    sockets: int
    actors: frozenset[tuple[str, str]]


class Clients:
    """The clients of this process. ``lock`` is held while events are handed out, so a join falls before or after."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._by_sid: dict[str, Client] = {}
        self._by_room: dict[Room, set[Client]] = defaultdict(set)
        self._by_practice: dict[UUID, set[Client]] = defaultdict(set)
        self._by_binding: dict[UUID, set[Client]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._by_sid)

    def __iter__(self) -> Iterator[Client]:
        with self.lock:
            return iter(list(self._by_sid.values()))

    def get(self, sid: str) -> Client | None:
        return self._by_sid.get(sid)

    def add(self, client: Client) -> None:
        with self.lock:
            self._by_sid[client.sid] = client
            for binding in client.bindings:
                self._by_binding[binding].add(client)

    def remove(self, sid: str) -> None:
        with self.lock:
            client = self._by_sid.pop(sid, None)
            if client is None:
                return
            self.leave(client)
            for binding in client.bindings:
                self._drop(self._by_binding, binding, client)

    def enter(self, client: Client, ticket: Ticket) -> None:
        """Let the client hear the topics of this ticket and no others."""
        with self.lock:
            if client.sid not in self._by_sid:
                return  # it went away while its ticket was being checked
            self.leave(client)
            client.ticket = ticket
            self._by_practice[ticket.practice_id].add(client)
            for topic in ticket.topics:
                self._by_room[ticket.practice_id, topic].add(client)

    def leave(self, client: Client) -> None:
        """Let the client hear nothing."""
        with self.lock:
            if client.ticket is None:
                return
            practice_id = client.ticket.practice_id
            for topic in client.ticket.topics:
                self._drop(self._by_room, (practice_id, topic), client)
            self._drop(self._by_practice, practice_id, client)
            client.ticket, client.ready, client.behind = None, False, False

    def listening(self, practice_id: UUID, topic: str) -> frozenset[Client]:
        with self.lock:
            return frozenset(self._by_room.get((practice_id, topic), ()))

    def of_practice(self, practice_id: UUID) -> frozenset[Client]:
        with self.lock:
            return frozenset(self._by_practice.get(practice_id, ()))

    def of_session(self, binding: UUID) -> frozenset[Client]:
        with self.lock:
            return frozenset(self._by_binding.get(binding, ()))

    def presence(self, practice_id: UUID, topic: str) -> Presence:
        here = self.listening(practice_id, topic)
        actors = {(c.ticket.actor_kind, c.ticket.actor_id) for c in here if c.ticket}
        return Presence(len(here), frozenset(actors))

    @staticmethod
    def _drop(index: dict[Key, set[Client]], key: Key, client: Client) -> None:
        index[key].discard(client)
        if not index[key]:
            del index[key]
