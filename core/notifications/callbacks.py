"""What a provider reports after it took a message. Reports come twice, late, and in any order."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select

from core import db, tenancy
from core.notifications import changes, failover, replies, service
from core.notifications.channels.twilio import NAME as TWILIO
from core.notifications.channels.twilio import OPTED_OUT, UNDELIVERED
from core.notifications.delivery import mask
from core.notifications.models import Notification

# How far along each of Twilio's states is; a report never moves a message back, and an end is an end.
_RANK: Final[dict[str, int]] = {"accepted": 1, "scheduled": 1, "queued": 1, "sending": 2, "sent": 3}
_ARRIVED: Final = frozenset({"delivered", "read"})
_LOST: Final = frozenset({"failed", "undelivered", "canceled"})

log = structlog.get_logger(__name__)


def twilio_reports(
    sid: str, status: str, error_code: int | None, *, notification_id: UUID | None, attempt: int | None
) -> bool:
    """Note a report of Twilio's; False when it is about no message of ours or tells nothing new.

    notification_id, attempt: from the callback's address. With them a report counts even when it overtakes the
    answer to the handing over, or when that answer was lost.
    """
    place = _find(sid, notification_id)
    if place is None:
        return False
    with tenancy.practice_scope(place[0]):
        try:
            row = service.locked(place[1])
        except LookupError:
            return False
        if row.provider_id != sid:
            if row.provider_id is not None or attempt != row.attempts or not _may_be_about(row, status):
                return False  # of an earlier try, which no longer counts
            row.provider, row.provider_id = TWILIO, sid
        told, number = _apply(row, status, error_code), row.recipient
        opted_out = told and row.last_error == OPTED_OUT
    if opted_out:
        replies.stop(number, "provider")
    return told


def _may_be_about(row: Notification, status: str) -> bool:
    # The answer to the last handing over was lost, and we gave up: that it arrived is news all the same.
    return row.is_waiting or (row.state == "dead" and status in _ARRIVED)


def _find(sid: str, notification_id: UUID | None) -> tuple[UUID, UUID] | None:
    which = Notification.id == notification_id if notification_id else Notification.provider_id == sid
    with db.scope(write=False, across_practices=True) as session:
        found = session.execute(
            select(Notification.practice_id, Notification.id).where(which, Notification.channel == "sms")
        ).first()
    return (found.practice_id, found.id) if found else None


def _apply(row: Notification, status: str, error_code: int | None) -> bool:
    before = row.provider_state or ""
    if before in _ARRIVED or before in _LOST:
        return False
    if status not in _ARRIVED and status not in _LOST and _RANK.get(status, 0) <= _RANK.get(before, 0):
        return False
    now = db.utcnow()
    row.provider_state, row.lease_until = status, None
    row.sent_at = row.sent_at or now
    if status in _ARRIVED:
        row.delivered_at = now
        row.last_error = row.error_detail = None
        mask(row)
        failover.withdraw(row)
        changes.enter(row, "delivered")
    elif status in _LOST:
        row.last_error = UNDELIVERED.get(error_code or 0, "provider_unknown")
        row.error_detail = str(error_code) if error_code else None
        log.info(
            "notification.undelivered", notification=str(row.id), code=row.last_error, detail=row.error_detail
        )
        changes.enter(row, "failed")
        failover.consider(row)
    elif row.is_waiting:
        row.last_error = row.error_detail = None
        changes.enter(row, "sent")
    return True
