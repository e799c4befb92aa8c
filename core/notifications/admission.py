"""May this message go now? The practice's quiet hours, budget and throttle, looked at just before the hand-over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from core import db, tenancy
from core.i18n import _, _l, format_number, ngettext
from core.notifications import inbox, rules
from core.notifications.models import MessageMeter, Notification
from core.notifications.rules import MessageRules

WARN_AT: Final = 0.8
_LOOK_AT_BUDGET_AGAIN: Final = timedelta(minutes=15)
_PAGE: Final = "/messages"


@dataclass(frozen=True, slots=True)
class Hold:
    """Not now. code: of ``reasons``; elsewhere: the rules say that an e-mail should go instead."""

    until: datetime
    code: str
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """What texts cost in the current month, in segments. budget: None when there is no limit."""

    month: str
    used: int
    budget: int | None

    @property
    def is_spent(self) -> bool:
        return self.budget is not None and self.used >= self.budget

    @property
    def is_nearly_spent(self) -> bool:
        """Or spent."""
        return self.budget is not None and self.used >= WARN_AT * self.budget

    @property
    def in_words(self) -> str:
        """How much, and of how much."""
        if self.budget is None:
            return ngettext(
                "%(num)d part of a text sent this month", "%(num)d parts of texts sent this month", self.used
            )
        return _(
            "%(used)s of %(budget)s parts of texts used this month",
            used=format_number(self.used),
            budget=format_number(self.budget),
        )


def admit(row: Notification) -> Hold | None:
    """None: hand it over, it is counted. Else what it waits for. In the transaction that holds the row."""
    now, own, practice = db.utcnow(), rules.load(), tenancy.current()
    if not row.urgent and (until := own.quiet_until(row.channel, now, practice.time_zone)) is not None:
        row.slot_at = None
        return Hold(until, "quiet_hours")
    meter = _meter(row.channel)
    if row.channel == "sms":
        _turn_month(meter, now)
        if own.monthly_segments is not None and meter.segments + _size(row) > own.monthly_segments:
            _say_spent(meter.month, own.monthly_segments)
            return Hold(now + _LOOK_AT_BUDGET_AGAIN, "budget_spent", elsewhere=own.budget_spent == "email")
    if row.slot_at is None:
        row.slot_at = _take_slot(meter, own.a_minute(row.channel), now)
    if row.slot_at > now and not row.urgent:
        return Hold(row.slot_at, "throttled")
    row.slot_at = None  # another try needs another turn
    if row.channel == "sms":
        meter.segments += _size(row)
        row.charged_month = meter.month
        _warn(meter, own)
    return None


def give_back(row: Notification) -> None:
    """The provider did not take it: it costs nothing."""
    if row.charged_month is None:
        return
    meter = _meter(row.channel)
    if meter.month == row.charged_month:
        meter.segments = max(0, meter.segments - _size(row))
    row.charged_month = None


def usage() -> Usage:
    """What the current practice's texts have cost this month."""
    month = _month(db.utcnow())
    meter = db.session().scalar(select(MessageMeter).where(MessageMeter.channel == "sms"))
    used = meter.segments if meter is not None and meter.month == month else 0
    return Usage(month, used, rules.load().monthly_segments)


def _size(row: Notification) -> int:
    return row.segments or 1


def _month(now: datetime) -> str:
    return now.astimezone(ZoneInfo(tenancy.current().time_zone)).strftime("%Y-%m")


def _turn_month(meter: MessageMeter, now: datetime) -> None:
    if meter.month != (month := _month(now)):
        meter.month, meter.segments = month, 0


def _take_slot(meter: MessageMeter, a_minute: int, now: datetime) -> datetime:
    """A token bucket that hands out turns in the future too, so that each message asks once.

    Half of the minute's number may go at once; the gap is such that no minute ever has more than the number.
    """
    burst = (a_minute + 1) // 2
    gap = timedelta(seconds=60 / (a_minute - burst + 1))
    full_at = max(meter.next_at or now, now)
    meter.next_at = full_at + gap
    return max(now, full_at - gap * (burst - 1))


def _meter(channel: str) -> MessageMeter:
    """The practice's meter, held until this transaction ends."""
    session = db.session()
    wanted = (
        select(MessageMeter)
        .where(MessageMeter.channel == channel)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if (found := session.scalar(wanted)) is not None:
        return found
    try:
        with db.savepoint():
            session.add(MessageMeter(channel=channel))
            session.flush()
    except IntegrityError:
        pass  # another worker was quicker
    return session.scalars(wanted).one()


def _warn(meter: MessageMeter, own: MessageRules) -> None:
    if own.monthly_segments is None or meter.segments < WARN_AT * own.monthly_segments:
        return
    inbox.notify(
        _l("Four fifths of this month's budget for texts are used"),
        body=_l("When it is used up, texts stop."),
        url=_PAGE,
        permission=rules.PERMISSION,
        icon="alert-triangle",
        key=f"texts-budget-warning:{meter.month}:{own.monthly_segments}",
    )


def _say_spent(month: str, budget: int) -> None:
    inbox.notify(
        _l("The budget for texts is used up: texts no longer go"),
        body=_l("Raise the budget, or wait for the new month."),
        url=_PAGE,
        permission=rules.PERMISSION,
        icon="alert-triangle",
        key=f"texts-budget-spent:{month}:{budget}",
    )
