"""The mailbox: signals stay until their receiver says that they arrived, for a minute."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select

from core.sdk import SocketRefused, db, utcnow, uuid7
from plugins.video_call import said
from plugins.video_call.models import Participant, Signal

KEPT_FOR: Final = timedelta(seconds=60)
_MOST: Final = 300


def put(sender: Participant, receiver: Participant, signal: said.Signal) -> dict[str, Any]:
    """Keep a signal, and answer it as its receiver reads it. Raises SocketRefused for a mailbox that is full."""
    waiting = db.session().scalar(
        select(func.count()).select_from(Signal).where(Signal.receiver_id == receiver.id)
    )
    if (waiting or 0) >= _MOST:
        raise SocketRefused("full")
    kept = Signal(
        id=uuid7(),
        call_id=sender.call_id,
        sender_id=sender.id,
        receiver_id=receiver.id,
        client_id=signal.client_id,
        generation=signal.generation,
        kind=signal.kind,
        body={"number": signal.number, "to_client": signal.to_client, "said": said.plain(signal.body)},
        created_at=utcnow(),
    )
    db.session().add(kept)
    return _written(kept)


def of(receiver: Participant) -> list[dict[str, Any]]:
    """What waits for the page that speaks for them now, from pages that still do, in the order in which it came."""
    found = db.session().scalars(
        select(Signal)
        .join(
            Participant,
            (Participant.id == Signal.sender_id) & (Participant.practice_id == Signal.practice_id),
        )
        .where(Participant.client_id == Signal.client_id)
        .where(Signal.receiver_id == receiver.id, Signal.created_at > utcnow() - KEPT_FOR)
        .order_by(Signal.created_at, Signal.id)
    )
    return [_written(signal) for signal in found if signal.body.get("to_client") == receiver.client_id]


def take(receiver: Participant, ids: list[UUID]) -> None:
    """These have arrived."""
    db.session().execute(delete(Signal).where(Signal.receiver_id == receiver.id, Signal.id.in_(ids)))


def empty(receiver: Participant) -> None:
    """Nothing that was meant for an older page is of use to a new one."""
    db.session().execute(delete(Signal).where(Signal.receiver_id == receiver.id))


def sweep() -> None:
    """Drop what nobody fetched in time."""
    db.session().execute(delete(Signal).where(Signal.created_at <= utcnow() - KEPT_FOR))


def _written(signal: Signal) -> dict[str, Any]:
    return {
        "id": str(signal.id),
        "from": str(signal.sender_id),
        "client_id": signal.client_id,
        "to_client": signal.body["to_client"],
        "generation": signal.generation,
        "number": signal.body["number"],
        "kind": signal.kind,
        "body": signal.body["said"],
    }
