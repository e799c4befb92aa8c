"""The live part of one web process: checks who may hear what, and joins the other parts of the bus.

Events go straight to ``socketio.server``: Flask's request context for each event would cost more than the
handling itself. A handler of ours may block (it reads the database) for its own client only, since each
client has a thread or a greenlet.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

import socketio
from engineio import packet as engine_packet
from flask_socketio import SocketIO
from pydantic import ValidationError
from socketio import packet

from core import db
from core.realtime import tickets, wakes
from core.realtime.clients import Client, Clients, Presence
from core.realtime.drivers import screen
from core.realtime.pump import Pump
from core.realtime.screening import Bucket, Drops, Limits, event_name
from core.realtime.socket_events import ScopeFor, SocketContext, SocketEvent, SocketEvents, SocketRefused
from core.realtime.topics import owner_of

log = logging.getLogger(__name__)

Credentials = Callable[[dict[str, Any]], Iterable[str]]
Allowed = Callable[[str, UUID], bool]
Answer = dict[str, Any]

_JOIN = "join"
_JOIN_BYTES = 48 * 1024


class Bus:
    """The live part of one web process. Made by :func:`create_socketio`."""

    def __init__(
        self, socketio: SocketIO, credentials: Credentials, events: SocketEvents, allowed: Allowed,
        scope_for: ScopeFor, limits: Limits,
    ) -> None:  # fmt: skip
        self.socketio = socketio
        self.server: socketio.Server = socketio.server
        self.clients = Clients()
        self.drops = Drops()
        self.limits = limits
        self.events = events
        self._credentials, self._allowed, self._scope_for = credentials, allowed, scope_for
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._strangers: dict[str, float] = {}
        self._on_stop: list[Callable[[], None]] = []
        self._subscriber: Any = None
        self.pump = Pump(self.clients, self, limits, allowed, self._wakes_arrive)
        self._attach()

    # --- set-up and end

    def _attach(self) -> None:
        screen(self.server, self.limits, self.drops)
        self._parse = self.server.eio.handlers["message"]
        self.server.eio.on("message", self._on_packet)
        self.server.on("connect", self._on_connect)
        self.server.on("disconnect", self._on_disconnect)
        self.server.on(_JOIN, self._on_join)
        for event in self.events:
            self.server.on(event.name, self._handler(event))
        self._on_stop.append(wakes.subscribe(self.pump.wake))

    def hear_wakes(self, url: str, *, ignore_origin: str) -> None:
        """Hear through Redis of the commits of other processes."""
        from core.realtime.redis_wakes import RedisSubscriber

        self._subscriber = RedisSubscriber(url, self.pump.wake, self.pump.look, ignore_origin=ignore_origin)
        self._on_stop.append(self._subscriber.stop)

    def _wakes_arrive(self) -> bool:
        return self._subscriber is not None and bool(self._subscriber.connected)

    def _start(self) -> None:
        self.pump.start()
        if self._subscriber is not None:
            self._subscriber.start()

    def stop(self) -> None:
        """Cut every client off, who will come back to another process, and stop the threads."""
        self.pump.stop()
        for undo in self._on_stop:
            undo()
        for eio_sid in list(self.server.eio.sockets):
            self._cut(eio_sid)

    # --- what comes in

    def _on_packet(self, eio_sid: str, data: str | bytes) -> None:
        """Every Socket.IO packet, unparsed: only what has a handler and is in its limits is parsed."""
        if not isinstance(data, str):
            self.drops["binary"] += 1
            return
        if data[:1] == "2":
            name = event_name(data)
            if name is None:
                self.drops["malformed"] += 1
                return
            event = self.events.get(name)
            if event is None and name != _JOIN:
                self.drops["unknown"] += 1
                return
            if len(data) > (event.max_bytes if event else _JOIN_BYTES):
                self.drops["huge"] += 1
                return
            if event and not self._bucket(eio_sid, event).take():
                self.drops["too_many"] += 1
                return
        elif data[:1] not in ("0", "1") or len(data) > 1024:
            self.drops["malformed"] += 1
            return
        try:
            self._parse(eio_sid, data)
        except (ValueError, TypeError, LookupError, AttributeError):
            # Our handlers let nothing out, so this is the library tripping over what it parsed.
            self.drops["malformed"] += 1

    def _bucket(self, eio_sid: str, event: SocketEvent) -> Bucket:
        key = (eio_sid, event.name)
        if key not in self._buckets:
            self._buckets[key] = Bucket(event.rate, event.burst)
        return self._buckets[key]

    def _on_connect(self, sid: str, environ: dict[str, Any], _auth: Any = None) -> bool:
        try:
            bindings = frozenset(tickets.binding(proved) for proved in self._credentials(environ))
        except Exception:
            log.exception("credentials of a socket could not be read")
            bindings = frozenset()
        crowded = any(len(self.clients.of_session(b)) >= self.limits.sockets_per_session for b in bindings)
        if not bindings or crowded or len(self.clients) >= self.limits.sockets:
            self.drops["crowded" if bindings else "stranger"] += 1
            return False
        eio_sid = self.server.manager.eio_sid_from_sid(sid, "/")
        # The request's environment (cookies, sockets, Flask's parts) is no longer needed: it is most of the memory.
        self.server.environ[eio_sid] = {}
        self.clients.add(Client(sid, eio_sid, bindings))
        self._start()
        return True

    def _on_disconnect(self, sid: str, _reason: str = "") -> None:
        client = self.clients.get(sid)
        self.clients.remove(sid)
        if client is not None:
            for event in self.events:
                self._buckets.pop((client.eio_sid, event.name), None)

    def _on_join(self, sid: str, said: Any = None, *_rest: Any) -> Answer:
        """``{ticket, seq}`` -> ``{ok: true}``, after an ``events`` message with what was missed since seq.

        seq null means "from now on". A refusal is ``{ok: false, reason}``: expired, forged, foreign, ended.
        """
        client = self.clients.get(sid)
        if client is None or not isinstance(said, dict):
            return self._refuse("malformed")
        seq = said.get("seq")
        if not (seq is None or (type(seq) is int and 0 <= seq < 2**53)):
            return self._refuse("malformed")
        try:
            ticket = self._check(client, said.get("ticket"))
        except tickets.TicketRefused as refusal:
            return self._refuse(refusal.reason)
        except Exception:
            log.exception("a ticket could not be checked")
            return self._refuse("busy")
        before = client.ticket
        if before and before.practice_id == ticket.practice_id and client.ready and seq is not None:
            seq = max(seq, client.seq)  # what is on its way to the client is not sent again
        self._enter(client, ticket)
        try:
            self.pump.bring_up_to_date(client, seq)
        except Exception:
            log.exception("a client could not be brought up to date")
            self._leave(client)
            return self._refuse("busy")
        return {"ok": True}

    def _refuse(self, reason: str) -> Answer:
        self.drops[f"join_{reason}"] += 1
        return {"ok": False, "reason": reason}

    def _check(self, client: Client, token: Any) -> tickets.Ticket:
        if not isinstance(token, str):
            raise tickets.TicketForged
        ticket = tickets.read(token)
        if ticket.binding not in client.bindings:
            raise tickets.TicketForeign
        with db.scope(ticket.practice_id, write=False):
            tickets.check_not_ended(ticket)
        heard = [t for t in ticket.topics if self._allowed(owner_of(t), ticket.practice_id)]
        return replace(ticket, topics=tuple(heard))

    def _enter(self, client: Client, ticket: tickets.Ticket) -> None:
        self._leave(client)
        self.clients.enter(client, ticket)
        age = time.time() - ticket.issued_at.timestamp()
        client.expires_at = time.monotonic() + tickets.LIFETIME.total_seconds() - age
        for name in ticket.topics:
            # Rooms serve the plugins' own messages, which may come from another process; events need none.
            self.server.enter_room(client.sid, _room(ticket.practice_id, name))

    def _leave(self, client: Client) -> None:
        if client.ticket is not None:
            for name in client.ticket.topics:
                self.server.leave_room(client.sid, _room(client.ticket.practice_id, name))
        self.clients.leave(client)

    def _handler(self, event: SocketEvent) -> Callable[..., Answer]:
        def handle(sid: str, said: Any = None, *_rest: Any) -> Answer:
            client = self.clients.get(sid)
            ticket = client.ticket if client else None
            if client is None or ticket is None or client.expires_at < time.monotonic():
                return self._drop("refused")
            if not self._allowed(event.owner, ticket.practice_id):
                return self._drop("off")
            try:
                message = event.schema.model_validate(said)
            except ValidationError:
                return self._drop("malformed")
            context = SocketContext(
                ticket.practice_id, ticket.actor_kind, ticket.actor_id, client.topics, sid, self,
                self._scope_for, event.sends,
            )  # fmt: skip
            try:
                return {"ok": True, "answer": event.handler(context, message)}
            except SocketRefused as refusal:
                return self._drop(refusal.reason)
            except Exception:
                log.exception("the socket event %s failed", event.name)
                return self._drop("failed")
            finally:
                # A green client with much to say must not keep the hub: its next message is there already.
                self.server.sleep(0)

        return handle

    def _drop(self, reason: str) -> Answer:
        self.drops[reason] += 1
        return {"ok": False, "reason": reason}

    # --- what goes out

    def emit(
        self, practice_id: UUID, topic: str, name: str, data: Any, *, skip_sid: str | None = None
    ) -> None:
        """Send a plugin's message to everyone on the topic, in all processes; lost on those who are away."""
        self.server.emit(name, data, room=_room(practice_id, topic), skip_sid=skip_sid)

    def presence(self, practice_id: UUID, topic: str) -> Presence:
        """Who listens to the topic, as far as this process knows."""
        return self.clients.presence(practice_id, topic)

    def send(self, clients: Iterable[Client], message: dict[str, Any]) -> None:
        encoded = self.server.packet_class(packet.EVENT, namespace="/", data=["events", message]).encode()
        framed = engine_packet.Packet(engine_packet.MESSAGE, encoded)
        for client in clients:
            self.server.eio.send_packet(client.eio_sid, framed)

    def waiting(self, client: Client) -> int:
        socket = self.server.eio.sockets.get(client.eio_sid)
        return int(socket.queue.qsize()) if socket else 0

    def close(self, client: Client, reason: str) -> None:
        self.drops[f"closed_{reason}"] += 1
        self._cut(client.eio_sid)

    def _cut(self, eio_sid: str) -> None:
        socket = self.server.eio.sockets.get(eio_sid)
        if socket is not None:
            # Waiting for its queue to drain would let one dead client hold the pump.
            socket.close(wait=False, reason=self.server.reason.SERVER_DISCONNECT)

    def tidy(self) -> None:
        """Cut off who never joined, whose ticket ran out, and who lets messages pile up."""
        now = time.monotonic()
        joined = {client.eio_sid for client in self.clients if client.ticket is not None}
        # Engine.IO forgets closed sockets a little later.
        opened = [eio_sid for eio_sid, socket in list(self.server.eio.sockets.items()) if not socket.closed]
        strangers = {eio_sid: now for eio_sid in opened if eio_sid not in joined}
        self._strangers = strangers | {s: t for s, t in self._strangers.items() if s in strangers}
        for eio_sid, since in self._strangers.items():
            if now - since > self.limits.join_seconds:
                self.drops["closed_never_joined"] += 1
                self._cut(eio_sid)
        for client in self.clients:
            if client.ticket is not None and client.expires_at < now:
                self.close(client, "expired")
            elif self.waiting(client) > self.limits.queued_most:
                self.close(client, "slow")


def _room(practice_id: UUID, topic: str) -> str:
    return f"{practice_id}/{topic}"
