"""Messages that plugins take straight from sockets: signalling, drawing, typing. Neither Flask nor Socket.IO here.

An event that is data by nature and gone in a moment goes this way. Whatever must be kept is published
(:mod:`core.realtime.events`) instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.orm import Session

from core import db
from core.realtime.clients import Presence
from core.realtime.topics import owner_of, topic


class NotHeardHere(PermissionError):
    """A handler wanted to send on a topic that neither the client's ticket nor the event's ``sends`` names."""


class SocketRefused(Exception):
    """A handler does not take this message: dropped and counted by ``reason``, a word for the page's script."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Sender(Protocol):
    """What a context needs of the bus."""

    def emit(
        self, practice_id: UUID, topic: str, name: str, data: Any, *, skip_sid: str | None = None
    ) -> None: ...

    def presence(self, practice_id: UUID, topic: str) -> Presence: ...


class ScopeFor(Protocol):
    """Opens the database scope that a handler asks for."""

    def __call__(
        self, context: SocketContext, *, write: bool, durable: bool
    ) -> AbstractContextManager[Session]: ...


@dataclass(frozen=True, slots=True)
class SocketContext:
    """Who sent the message, and the ways to answer. It holds no session: ask for :meth:`scope` when needed."""

    practice_id: UUID
    actor_kind: str
    actor_id: str
    topics: frozenset[str]
    sid: str
    _sender: Sender
    _scope: ScopeFor
    sends: tuple[str, ...] = ()

    def emit(self, topic: str, name: str, data: BaseModel | dict[str, Any], *, to_self: bool = False) -> None:
        """Send ``name`` with ``data`` to everyone else on ``topic``: one of the ticket's, or one of a thing
        (``"<owner>.<thing>:<id>"``) that the event ``sends`` to. Raises NotHeardHere for any other.
        """
        thing, _, id = topic.partition(":")
        if topic not in self.topics and not (id and thing in self.sends):
            raise NotHeardHere(topic)
        plain = data.model_dump(mode="json") if isinstance(data, BaseModel) else data
        self._sender.emit(self.practice_id, topic, name, plain, skip_sid=None if to_self else self.sid)

    def presence(self, topic: str) -> Presence:
        """Who is on ``topic`` now, as far as this process knows. Raises NotHeardHere for a foreign topic."""
        if topic not in self.topics:
            raise NotHeardHere(topic)
        return self._sender.presence(self.practice_id, topic)

    def scope(self, *, write: bool = True, durable: bool = True) -> AbstractContextManager[Session]:
        """A database scope for this practice and person (:func:`core.db.scope`). Leave it before you send."""
        return self._scope(self, write=write, durable=durable)


def plain_scope(context: SocketContext, *, write: bool, durable: bool) -> AbstractContextManager[Session]:
    """The scope of a context where the application gives no richer one (with the audit's actor and so on)."""
    return db.scope(context.practice_id, write=write, durable=durable)


Handler = Callable[[SocketContext, Any], dict[str, Any] | None]


@dataclass(frozen=True, slots=True)
class SocketEvent:
    """A message of a plugin. ``name`` is "<owner>.<thing>"; ``rate`` messages a second, ``burst`` at once.

    handler(context, message) runs once the message fits ``schema``; what it returns (a plain dict) is the
    sender's answer. It must be quick: the sender's next message waits for it. It raises SocketRefused for
    what it does not take.
    sends: things of the same owner, as "<owner>.<thing>", to whose topics it may send although the sender hears
    none of them. Whom it sends to is the handler's to check.
    """

    name: str
    schema: type[BaseModel]
    handler: Handler
    max_bytes: int = 8 * 1024
    rate: float = 20
    burst: float = 40
    sends: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        topic(self.name)  # the shape of a name is the shape of a topic's
        for thing in self.sends:
            if owner_of(topic(thing)) != self.owner:
                raise ValueError(f"{self.name} sends to {thing}, which is not its owner's")

    @property
    def owner(self) -> str:
        return owner_of(self.name)


class SocketEvents:
    """The socket events of all plugins, by name."""

    def __init__(self, events: Iterable[SocketEvent] = ()) -> None:
        self._by_name: dict[str, SocketEvent] = {}
        for event in events:
            self.add(event)

    def add(self, event: SocketEvent) -> None:
        """Raises ValueError when the name is taken."""
        if event.name in self._by_name:
            raise ValueError(f"two socket events are called {event.name}")
        self._by_name[event.name] = event

    def get(self, name: str) -> SocketEvent | None:
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[SocketEvent]:
        return iter(self._by_name.values())
