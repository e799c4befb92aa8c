"""Hand waiting messages to their providers: lease, hand over outside any transaction, store how it went."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from core import audit, db, metrics, settings, tenancy
from core.jobs import backoff
from core.notifications import admission, changes, channels, failover, replies, service
from core.notifications.breaker import Breaker
from core.notifications.channels import (
    Channel,
    NotNow,
    Outgoing,
    Receipt,
    Rejected,
    capture,
    smtp,
    twilio,
)
from core.notifications.masking import mask_links
from core.notifications.models import MAX_ATTEMPTS, Notification
from core.notifications.ways import unwanted
from core.settings import Settings
from core.tenancy import platform

_FIRST_RETRY: Final = timedelta(seconds=5)
_LONGEST_RETRY: Final = timedelta(hours=1)
_WAIT_FOR_CALLBACK: Final = timedelta(seconds=45)
_WAIT_WHILE_OFF: Final = timedelta(minutes=5)
_WAIT_WHILE_SUSPENDED: Final = timedelta(hours=1)  # who takes the practice up again lets them go at once
_SHORTEST_LEASE = 60.0
_STORE_TRIES: Final = 6
_TIDY_BATCH: Final = 200

Change = Callable[[Notification], None]
Result = TypeVar("Result")

log = structlog.get_logger(__name__)


class Postman:
    """Delivers with the channels of some settings; may be shared by threads."""

    def __init__(self, chosen: Settings, ways: Mapping[str, Channel] | None = None) -> None:
        self._ways = dict(ways or channels.for_settings(chosen))
        self._opted_out: set[UUID] = set()
        self._breakers = {name: Breaker() for name in self._ways}
        metrics.BREAKERS.watch(
            "channel", lambda: {name: breaker.state for name, breaker in self._breakers.items()}
        )
        # A conversation with a mail server has about ten turns, each with its own time limit.
        self.lease_seconds = int(max(_SHORTEST_LEASE, 12 * chosen.provider_timeout_seconds))

    def claim(self, limit: int) -> list[tuple[UUID, UUID]]:
        """Lease up to ``limit`` due messages of all practices: (practice id, message id) each."""
        return db.lease_due(Notification, limit, self.lease_seconds, running="sending")

    def renew(self, claimed: list[tuple[UUID, UUID]]) -> None:
        """Hold on to the leases of messages that are being handed over right now."""
        until = db.utcnow() + timedelta(seconds=self.lease_seconds)
        with db.scope(across_practices=True) as session:
            for practice_id, notification_id in claimed:
                session.execute(
                    update(Notification)
                    .where(Notification.practice_id == practice_id, Notification.id == notification_id)
                    .where(Notification.state == "sending")
                    .values(lease_until=until)
                )

    def deliver_due(self, limit: int = 50) -> int:
        """Deliver up to ``limit`` due messages here and now, one after the other; how many there were."""
        done = 0
        while done < limit and (claimed := self.claim(1)):
            self.deliver(*claimed[0])
            done += 1
        return done

    def deliver(self, practice_id: UUID, notification_id: UUID) -> None:
        """Hand one leased message over. Whatever the channel does, the row ends in a state that says it."""
        try:
            message = _patiently(notification_id, partial(self._prepare, practice_id, notification_id))
        except DBAPIError:
            raise  # the database is away: the lease runs out, and the message comes again
        except Exception as error:
            # A fault of ours must not go round with the lease for ever: it is a try like any other.
            log.error(
                "notification.not_prepared", notification=str(notification_id), error=type(error).__name__
            )
            _patiently(
                notification_id, partial(_set_back, practice_id, notification_id, type(error).__name__)
            )
            return
        if message is None:
            return
        with audit.use_origin(message.request_id):
            change, always = self._hand_over(message)
            _patiently(message.id, partial(_store, practice_id, message, change, always=always))
            if message.id in self._opted_out:
                self._opted_out.discard(message.id)
                replies.stop(message.recipient, "provider")

    def _hand_over(self, message: Outgoing) -> tuple[Change, bool]:
        """Ask the channel, and say what that means for the row, and whether it does whoever holds the lease."""
        breaker = self._breakers[message.channel]
        noted = log.bind(notification=str(message.id), channel=message.channel, attempt=message.attempt)
        try:
            receipt = self._ways[message.channel].deliver(message)
        except Rejected as end:
            breaker.well()
            metrics.DELIVERIES.labels(message.channel, "rejected").inc()
            noted.info("notification.rejected", code=end.code, detail=end.detail)
            if end.code == twilio.OPTED_OUT:
                self._opted_out.add(message.id)
            return partial(_refused, code=end.code, detail=end.detail), False
        except NotNow as fault:
            if fault.sick:
                breaker.sick(fault.code)
            metrics.DELIVERIES.labels(message.channel, "not_now").inc()
            noted.warning("notification.not_now", code=fault.code, detail=fault.detail)
            return partial(_try_later, fault=fault), False
        except Exception as error:
            name = type(error).__name__
            metrics.DELIVERIES.labels(message.channel, "broke").inc()
            noted.error("notification.channel_broke", error=name)
            return partial(_try_later, fault=NotNow("internal", name[:80], maybe_taken=True)), False
        breaker.well()
        metrics.DELIVERIES.labels(message.channel, "taken").inc()
        metrics.DELIVERY_SECONDS.labels(message.channel).observe(
            (db.utcnow() - message.written_at).total_seconds()
        )
        return partial(_take_receipt, receipt=receipt), True

    def _prepare(self, practice_id: UUID, notification_id: UUID) -> Outgoing | None:
        """What to hand over, counted by the practice's rules; None when it is not to go now: the row then says why."""
        with tenancy.practice_scope(practice_id):
            try:
                row = service.locked(notification_id)
            except LookupError:
                return None
            if row.state != "sending" or not self._may_go(row):
                return None
            practice = tenancy.current()
            return Outgoing(
                id=row.id,
                attempt=row.attempts,
                channel=row.channel,
                recipient=row.recipient,
                subject=row.subject,
                body=row.body,
                html=row.html,
                language=row.language,
                sender_name=practice.name,
                reply_to=practice.email,
                written_at=row.created_at,
                request_id=row.request_id,
            )

    def _may_go(self, row: Notification) -> bool:
        if tenancy.current().status != platform.ACTIVE:
            _postpone(row, db.utcnow() + _WAIT_WHILE_SUSPENDED, service.HELD)
            return False
        if row.expires_at <= db.utcnow():
            # What kept it from going is a better reason than that the time is over.
            _bury(row, row.last_error or "message_expired", row.error_detail)
            return False
        if row.attempts > row.attempt_limit:
            _bury(
                row, row.last_error or "internal", row.error_detail
            )  # whoever took it died over it, each time
            return False
        if not tenancy.switches.is_on(row.owner):
            _postpone(row, db.utcnow() + _WAIT_WHILE_OFF, "owner_off")
            return False
        if row.patient_id is not None and (missing := unwanted(row.channel, row.patient_id)) is not None:
            _bury(row, missing.reason, None)  # they said no, or the rule came, after it was written
            return False
        breaker = self._breakers[row.channel]
        if pause := breaker.pause():
            row.slot_at = None  # all the turns that passed meanwhile would come at once
            _postpone(row, db.utcnow() + timedelta(seconds=pause), breaker.code)
            return False
        if (hold := admission.admit(row)) is None:
            return True
        breaker.untried()
        if hold.elsewhere and failover.instead_of(row) is not None:
            row.lease_until, row.last_error, row.error_detail = None, hold.code, None
            changes.enter(row, "cancelled")
        else:
            _postpone(row, hold.until, hold.code)
        return False


def mask_old(_payload: dict[str, object]) -> None:
    """Sweep: make the links in messages unreadable that nobody will send again."""
    now = db.utcnow()
    with db.scope(across_practices=True) as session:
        old = (
            select(Notification)
            .where(Notification.state.not_in(("queued", "sending")), Notification.expires_at < now)
            .where(Notification.masked_at.is_(None))
        )
        if settings.current().is_open_house:
            old = old.where(Notification.provider.is_distinct_from(capture.NAME))  # read at /dev/outbox
        rows = session.scalars(old.order_by(Notification.expires_at).limit(_TIDY_BATCH))
        for row in rows:
            mask(row)


def _patiently(notification_id: UUID, act: Callable[[], Result]) -> Result:
    """Do it again when the database is away for a moment.

    Between a provider's yes and our note of it lies the window in which a crash would send twice, and giving up there
    would open it wide.
    """
    for tried in range(1, _STORE_TRIES + 1):
        try:
            return act()
        except DBAPIError as error:
            log.error(
                "notification.store_failed", notification=str(notification_id), error=type(error).__name__
            )
            if tried == _STORE_TRIES:
                raise
            time.sleep(0.2 * tried)
    raise AssertionError("unreachable")


def _store(practice_id: UUID, message: Outgoing, change: Change, *, always: bool = False) -> None:
    """Apply a change to the message's row, if our lease is still the one that counts (or ``always``)."""
    with tenancy.practice_scope(practice_id):
        try:
            row = service.locked(message.id)
        except LookupError:
            return  # the patient was deleted meanwhile, and the messages too
        if always or (row.state == "sending" and row.attempts == message.attempt):
            change(row)


def _set_back(practice_id: UUID, notification_id: UUID, fault: str) -> None:
    with tenancy.practice_scope(practice_id):
        row = service.locked(notification_id)
        if row.state == "sending":
            _try_later(row, NotNow("internal", fault[:80]))


def _take_receipt(row: Notification, receipt: Receipt) -> None:
    now = db.utcnow()
    if row.provider_id == receipt.provider_id and not row.is_waiting:
        return  # a callback overtook the answer: it knows more than the receipt does
    row.lease_until = row.last_error = row.error_detail = None
    row.sent_at = row.sent_at or now
    row.provider = receipt.provider
    row.provider_id, row.provider_state = receipt.provider_id, receipt.provider_state
    if receipt.state == "delivered":
        row.delivered_at = now
    if receipt.provider == smtp.NAME:
        mask(row)  # nothing more will be heard of it
    changes.enter(row, receipt.state)


def mask(row: Notification) -> None:
    """Keep the text without its keys. It cannot be sent again after this."""
    row.body, row.html, row.masked_at = mask_links(row.body), None, db.utcnow()
    row.variables = None


def _refused(row: Notification, code: str, detail: str | None) -> None:
    admission.give_back(row)
    _bury(row, code, detail)


def _bury(row: Notification, code: str, detail: str | None) -> None:
    row.lease_until, row.last_error, row.error_detail = None, code, detail
    changes.enter(row, "dead")
    failover.consider(row)


def _postpone(row: Notification, until: datetime, code: str | None) -> None:
    """Not handed over at all, so it is no attempt."""
    row.state, row.lease_until, row.due_at = "queued", None, until
    row.attempts -= 1
    if code is not None and row.last_error != code:
        row.last_error, row.error_detail = code, None
        changes.tell(row)


def _try_later(row: Notification, fault: NotNow) -> None:
    if not fault.maybe_taken:
        admission.give_back(row)
    next_at = _next_try(row, fault)
    if row.attempts >= row.attempt_limit or next_at >= row.expires_at:
        _bury(row, fault.code, fault.detail)
        return
    row.lease_until, row.due_at = None, next_at
    row.last_error, row.error_detail = fault.code, fault.detail
    changes.enter(row, "queued")


def _next_try(row: Notification, fault: NotNow) -> datetime:
    tried = row.attempts - (row.attempt_limit - MAX_ATTEMPTS)  # in this round
    delay = backoff.delay(tried, first=_FIRST_RETRY, longest=_LONGEST_RETRY)
    if fault.maybe_taken and row.channel == "sms":
        delay = max(delay, _WAIT_FOR_CALLBACK)
    if fault.after is not None:
        delay = max(delay, fault.after)
    return db.utcnow() + delay
