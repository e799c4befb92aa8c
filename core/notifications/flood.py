"""Nobody is flooded: how many messages a person, a number or an address may get in an hour and in a day.

A patient is counted within the practice. A number or address is counted across all practices, by its keyed hash, so
that the same mailbox cannot be flooded from several, and no practice learns who writes to it.
Counted in the database: a restart forgives nobody.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from core import db, settings
from core.notifications.errors import TooManyMessages
from core.notifications.models import Notification, RecipientLog

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


def check(addresses: dict[str, str], patient_id: UUID | None) -> None:
    """May these addresses (channel -> address) get one more message each? Raises TooManyMessages.

    Transactions that run at the same moment do not see each other: so many more can slip through, once.
    """
    chosen = settings.current()
    if not chosen.rate_limits:
        return
    session, now = db.session(), db.utcnow()
    for most, span in (
        (chosen.messages_per_recipient_hour, _HOUR),
        (chosen.messages_per_recipient_day, _DAY),
    ):
        since = now - span
        for channel, address in addresses.items():
            _compare(
                list(
                    session.scalars(
                        select(RecipientLog.at)
                        .where(
                            RecipientLog.recipient_hash == _hash(channel, address), RecipientLog.at > since
                        )
                        .order_by(RecipientLog.at.desc())
                        .limit(most)
                    )
                ),
                most,
                span,
            )
        if patient_id is not None:
            # Text and e-mail of one occasion are two messages and one disturbance.
            both = most * 2
            _compare(
                list(
                    session.scalars(
                        select(Notification.created_at)
                        .where(Notification.patient_id == patient_id, Notification.created_at > since)
                        .order_by(Notification.created_at.desc())
                        .limit(both)
                    )
                ),
                both,
                span,
            )


def note(channel: str, address: str) -> None:
    """Count a message to this address, in the transaction that writes it."""
    db.session().add(RecipientLog(recipient_hash=_hash(channel, address)))


def forget_old(_payload: dict[str, object]) -> None:
    """Sweep: what is older than a day counts no more."""
    with db.scope(across_practices=True) as session:
        session.execute(delete(RecipientLog).where(RecipientLog.at < db.utcnow() - _DAY))


def _compare(times: list[datetime], most: int, span: timedelta) -> None:
    if len(times) >= most:
        raise TooManyMessages(times[-1] + span)


def _hash(channel: str, address: str) -> str:
    # Keyed: the few billion telephone numbers there are would be found by trying them all.
    key = settings.current().secret_key.get_secret_value().encode()
    text = f"recipient:{channel}:{address.strip().lower()}"
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
