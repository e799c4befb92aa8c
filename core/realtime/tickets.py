"""Tickets: which topics a page may hear, signed, short-lived, and good only in the browser that got the page.

A page gets one when it is rendered. It is bound to the browser's session (or to the patient's link) by a keyed
hash, so a ticket that leaks from a page is of no use elsewhere. While the page is open it asks for a new
one; then, and at each connection, it is checked again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from sqlalchemy import select

from core import db, settings
from core.realtime.events import publish
from core.realtime.models import Event
from core.realtime.topics import BadEvent, is_topic, owner_of, topic

LIFETIME = timedelta(minutes=10)
# A laptop that slept over lunch, or over the weekend, renews its page's ticket if its session still lives.
RENEWABLE_FOR = timedelta(days=3)
_ENDED = "ended"


class TicketRefused(Exception):
    """This ticket opens nothing. ``reason`` is a word for the page's script, never a secret."""

    reason = "refused"


class TicketForged(TicketRefused):
    """It is not ours, or not whole."""

    reason = "forged"


class TicketExpired(TicketRefused):
    """It was ours; the page asks for a new one."""

    reason = "expired"


class TicketForeign(TicketRefused):
    """It was given to another session, person or practice."""

    reason = "foreign"


class TicketEnded(TicketRefused):
    """The session signed out, or the link was cancelled or locked, after it was issued."""

    reason = "ended"


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says. ``binding`` stands for the session; ``grant`` for the rights it was issued under."""

    practice_id: UUID
    topics: tuple[str, ...]
    actor_kind: str
    actor_id: str
    binding: UUID
    grant: str
    issued_at: datetime


def every_owner(_owner: str) -> bool:
    """Every plugin may be heard: the answer where there is nobody to ask."""
    return True


def _serializer() -> URLSafeTimedSerializer:
    secret = settings.current().secret_key.get_secret_value()
    return URLSafeTimedSerializer(secret, salt="careroom.realtime.ticket")


def binding(session_id: str) -> UUID:
    """What stands for a session in tickets and topics: 128 bits of a keyed hash, in the shape of a UUID."""
    secret = settings.current().secret_key.get_secret_value().encode()
    digest = hmac.new(b"careroom.realtime.binding:" + secret, session_id.encode(), hashlib.sha256).digest()
    return UUID(bytes=digest[:16])


def issue(topics: Iterable[str], *, actor_kind: str, actor_id: str, session_id: str, grant: str = "") -> str:
    """A ticket for the current practice and these topics.

    session_id: what the browser proves at connection: its session's random id, or "link:<id>" of a patient.
    grant: any word for the person's rights now (a hash of roles and plugins); renewal needs the same.
    Raises BadEvent for what is no topic, db.NoPractice.
    """
    wanted = sorted(set(topics))
    for name in wanted:
        if not is_topic(name):
            raise BadEvent(f"{name!r} is no topic")
    return _serializer().dumps(
        {
            "p": db.practice_id().hex,
            "t": wanted,
            "k": actor_kind,
            "a": actor_id,
            "b": binding(session_id).hex,
            "g": grant,
        }
    )


def read(token: str, *, lifetime: timedelta = LIFETIME) -> Ticket:
    """What the ticket says. Raises TicketExpired, TicketForged."""
    try:
        said, issued_at = _serializer().loads(
            token, max_age=int(lifetime.total_seconds()), return_timestamp=True
        )
        return Ticket(
            practice_id=UUID(hex=said["p"]),
            topics=tuple(said["t"]),
            actor_kind=said["k"],
            actor_id=said["a"],
            binding=UUID(hex=said["b"]),
            grant=said["g"],
            issued_at=issued_at,
        )
    except SignatureExpired as error:
        raise TicketExpired from error
    except (BadData, KeyError, TypeError, ValueError) as error:
        raise TicketForged from error


def renew(
    token: str,
    *,
    actor_kind: str,
    actor_id: str,
    session_id: str,
    grant: str = "",
    may_hear: Callable[[str], bool] = every_owner,
) -> str:
    """A fresh ticket for an old one, for whoever asks now: it must be the same person with the same rights.

    may_hear: is this plugin (the owner of a topic) still on? Topics of one that is off are left out.
    Raises TicketRefused.
    """
    old = read(token, lifetime=RENEWABLE_FOR)
    asks = (db.practice_id(), actor_kind, actor_id, binding(session_id), grant)
    if asks != (old.practice_id, old.actor_kind, old.actor_id, old.binding, old.grant):
        raise TicketForeign
    check_not_ended(old)
    topics = [name for name in old.topics if may_hear(owner_of(name))]
    return issue(topics, actor_kind=actor_kind, actor_id=actor_id, session_id=session_id, grant=grant)


def end_session(session_id: str) -> None:
    """Close this session's sockets in the current practice and void its tickets, when this transaction commits.

    Call it at sign-out, and for "link:<id>" when a link is cancelled or locked.
    """
    publish(session_topic(binding(session_id)), _ENDED)


def session_topic(binding: UUID) -> str:
    """The topic on which the end of a session is told."""
    return topic("core.session", binding)


def check_not_ended(ticket: Ticket) -> None:
    """Raises TicketEnded when the session ended after the ticket was issued. Needs a scope of its practice."""
    ended = (
        select(Event.id)
        .where(Event.topic == session_topic(ticket.binding), Event.created_at >= ticket.issued_at)
        .limit(1)
    )
    if db.session().scalar(ended) is not None:
        raise TicketEnded
