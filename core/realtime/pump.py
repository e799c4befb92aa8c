"""Hands stored events to the clients of this process, each once and in order.

One thread a process (a greenlet under eventlet and gevent). Woken by commits here, by Redis, or by its own look
at the heads, it reads what is new in the practices that have clients here and sends each client its part.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import select

from core import db
from core.realtime import events
from core.realtime.clients import Client, Clients
from core.realtime.models import Event, EventHead
from core.realtime.screening import Limits
from core.realtime.topics import owner_of

log = logging.getLogger(__name__)

# How long an event of another process may go unnoticed: without Redis, and as a safety net beside it.
LOOK_SECONDS = 0.25
LOOK_SECONDS_WITH_WAKES = 2.0
_CHUNK = 500


class Line(Protocol):
    """What the pump needs of the sockets."""

    def send(self, clients: Iterable[Client], message: dict[str, Any]) -> None:
        """Queue an ``events`` message for these clients; never blocks."""

    def waiting(self, client: Client) -> int:
        """How many messages the client has not taken yet."""

    def close(self, client: Client, reason: str) -> None:
        """Cut the client off; it may come back."""

    def tidy(self) -> None:
        """Called every few seconds."""


def message(seq: int, missed: Iterable[Event] = (), *, reset: bool = False) -> dict[str, Any]:
    """The ``events`` message. seq: what the client has seen once it has handled it."""
    told = [{"seq": e.seq, "topic": e.topic, "type": e.type, "ids": e.ids} for e in missed]
    return {"seq": seq, "events": told, "reset": True} if reset else {"seq": seq, "events": told}


class Pump:
    """See the module. ``allowed(owner, practice_id)``: is the plugin that the event belongs to on?"""

    def __init__(
        self,
        clients: Clients,
        line: Line,
        limits: Limits,
        allowed: Callable[[str, UUID], bool],
        wakes_arrive: Callable[[], bool],
    ) -> None:
        self._clients, self._line, self._limits = clients, line, limits
        self._allowed = allowed
        self._wakes_arrive = wakes_arrive
        self._cursors: dict[UUID, int] = {}
        self._woken: set[UUID] = set()
        self._woken_lock = threading.Lock()
        self._signal = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._next_look = self._next_tidy = 0.0

    def start(self) -> None:
        """Begin, unless begun. Called with the first client, so a process without any runs no thread."""
        with self._clients.lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="careroom-pump", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._signal.set()

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def wake(self, practice_id: UUID, seq: int) -> None:
        """The practice has events up to ``seq``. Returns at once."""
        if self._cursors.get(practice_id, seq) < seq:
            self._mark(practice_id)

    def look(self) -> None:
        """Look at the heads now: wakes may have been lost."""
        self._next_look = 0.0
        self._signal.set()

    def _mark(self, practice_id: UUID) -> None:
        with self._woken_lock:
            self._woken.add(practice_id)
        self._signal.set()

    def bring_up_to_date(self, client: Client, seq: int | None) -> None:
        """Send the client what it missed since ``seq`` (None: nothing) and all that comes from now on."""
        ticket = client.ticket
        if ticket is None:
            return
        practice_id, topics = ticket.practice_id, ticket.topics
        with db.scope(practice_id, write=False):
            missed = events.catch_up(seq, topics) if seq is not None else events.CatchUp(events.last_seq())
        with self._clients.lock:
            if client.ticket is not ticket:
                return  # it went away meanwhile
            self._line.send([client], message(missed.seq, missed.events, reset=missed.reset))
            client.seq, client.ready = missed.seq, True
            # Events that the pump handed out between the reading above and this line passed this client by.
            client.behind = self._cursors.get(practice_id, 0) > missed.seq
            client.behind_since = time.monotonic()
            is_first = practice_id not in self._cursors
            self._cursors.setdefault(practice_id, missed.seq)
        if is_first or client.behind:
            # The wakes of a practice that nobody here listened to were not heard: look once.
            self._mark(practice_id)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._signal.wait(LOOK_SECONDS)
            self._signal.clear()
            try:
                self._round()
            except Exception:
                # The database may be away for a while; what is missed now is found at the next look.
                log.exception("the event pump stumbled")
                self._stopping.wait(1.0)

    def _round(self) -> None:
        now = time.monotonic()
        with self._woken_lock:
            woken, self._woken = self._woken, set()
        self._forget_empty_practices()
        if now >= self._next_look and self._cursors:
            self._next_look = now + (LOOK_SECONDS_WITH_WAKES if self._wakes_arrive() else LOOK_SECONDS)
            woken |= self._moved()
        for practice_id in woken & self._cursors.keys():
            while self._hand_out(practice_id, self._cursors[practice_id]):
                pass
        self._serve_the_slow(now)
        if now >= self._next_tidy:
            self._next_tidy = now + 2.0
            self._line.tidy()

    def _forget_empty_practices(self) -> None:
        with self._clients.lock:
            for practice_id in [p for p in self._cursors if not self._clients.of_practice(p)]:
                del self._cursors[practice_id]

    def _moved(self) -> set[UUID]:
        """Practices whose head is not where this process has read to."""
        cursors = dict(self._cursors)
        with db.scope(write=False, across_practices=True) as session:
            heads = session.execute(
                select(EventHead.practice_id, EventHead.last_seq).where(EventHead.practice_id.in_(cursors))
            )
            return {practice_id for practice_id, seq in heads if cursors[practice_id] != seq}

    def _hand_out(self, practice_id: UUID, cursor: int) -> bool:
        """Send what is above the cursor, a chunk at most. Is there more?"""
        with db.scope(practice_id, write=False):
            new = events.events_since(cursor, limit=_CHUNK)
            head = new[-1].seq if new else events.last_seq()
            told = self._of_allowed(new, practice_id)
        with self._clients.lock:
            if self._cursors.get(practice_id) != cursor:
                return False  # the practice's last client left meanwhile, or another came first
            self._cursors[practice_id] = head
            if new[0].seq != cursor + 1 if new else head != cursor:
                # Swept before this process came to it, or the database was restored: each client asks anew.
                for client in self._clients.of_practice(practice_id):
                    client.behind, client.behind_since = True, time.monotonic()
            else:
                self._send(practice_id, told)
        self._end_sessions(new)
        return len(new) == _CHUNK

    def _of_allowed(self, events: Iterable[Event], practice_id: UUID) -> list[Event]:
        """Those whose plugins are on; each plugin is asked after once, in the scope that is open."""
        by_owner = [(owner_of(event.topic), event) for event in events]
        on = {owner for owner in {owner for owner, _ in by_owner} if self._allowed(owner, practice_id)}
        return [event for owner, event in by_owner if owner in on]

    def _send(self, practice_id: UUID, told: Sequence[Event]) -> None:
        """One message a client, encoded once for all clients that get the same events."""
        parts: dict[Client, list[Event]] = defaultdict(list)
        for event in told:
            for client in self._clients.listening(practice_id, event.topic):
                if client.ready and not client.behind and event.seq > client.seq:
                    parts[client].append(event)
        groups: dict[tuple[int, ...], list[Client]] = defaultdict(list)
        for client, part in parts.items():
            if self._line.waiting(client) >= self._limits.queued:
                client.behind, client.behind_since = True, time.monotonic()
                continue
            client.seq = part[-1].seq
            groups[tuple(event.seq for event in part)].append(client)
        for members in groups.values():
            part = parts[members[0]]
            self._line.send(members, message(part[-1].seq, part))

    def _end_sessions(self, new: Sequence[Event]) -> None:
        for event in new:
            name, _, binding = event.topic.partition(":")
            if name == "core.session" and binding:
                for client in self._clients.of_session(UUID(binding)):
                    self._line.close(client, "ended")

    def _serve_the_slow(self, now: float) -> None:
        for client in self._clients:
            if not client.behind or client.ticket is None:
                continue
            if self._line.waiting(client) == 0:
                self._catch_up(client)
            elif now - client.behind_since > self._limits.slow_seconds:
                self._line.close(client, "slow")

    def _catch_up(self, client: Client) -> None:
        ticket = client.ticket
        if ticket is None:
            return
        with db.scope(ticket.practice_id, write=False):
            missed = events.catch_up(client.seq, ticket.topics)
            kept = self._of_allowed(latest(missed.events), ticket.practice_id)
        with self._clients.lock:
            if client.ticket is not ticket:
                return
            if kept or missed.reset:
                self._line.send([client], message(missed.seq, kept, reset=missed.reset))
            client.seq = missed.seq
            client.behind = self._cursors.get(ticket.practice_id, 0) > missed.seq


def latest(missed: Iterable[Event]) -> list[Event]:
    """Without the repetitions: of events that say the same, only the last. A slow reader needs no more."""
    kept = {(e.topic, e.type, tuple(sorted(e.ids.items()))): e for e in missed}
    return sorted(kept.values(), key=lambda event: event.seq)
