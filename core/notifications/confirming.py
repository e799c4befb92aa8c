"""A link that was opened with the right date of birth confirms the number or address that it was sent to."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import select

from core import db
from core.notifications.models import Channel, Notification
from core.patients import Patient, contact_states

_LEFT: Final = ("sending", "sent", "delivered", "failed")
"""States of a message that may be in somebody's hands; what the provider calls lost may have come all the same."""


def link_opened(patient_id: UUID, link_hash: str) -> Channel | None:
    """Note it with the patient, in the current transaction; the channel that was confirmed.

    None when the link went out by two ways and either may have been the one, when the message was for another number
    than the patient's, and when the number was changed since.
    """
    rows = db.session().execute(
        select(Notification.channel, Notification.recipient)
        .where(Notification.patient_id == patient_id, Notification.link_hash == link_hash)
        .where(Notification.state.in_(_LEFT))
        .distinct()
    )
    ways = [(row.channel, row.recipient) for row in rows]
    patient = db.get(Patient, patient_id)
    if len(ways) != 1 or patient is None:
        return None
    channel: Channel = "sms" if ways[0][0] == "sms" else "email"
    if contact_states.address(patient, channel) != ways[0][1]:
        return None
    contact_states.verify(patient, channel, "link")
    return channel
