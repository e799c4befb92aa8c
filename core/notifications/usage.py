"""What messages a practice has sent, by month, and what its texts have cost.

The price of a part of a text is the practice's (in its profile), else the operator's (in the settings).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import case, func, literal, select

from core import audit, db, settings, tenancy
from core.i18n import _l
from core.notifications.models import Notification

CURRENCIES: Final = ("GBP", "EUR", "CHF", "USD")
MOST_PRICE: Final = Decimal(100)
_KEY: Final = "text_price"

audit.describe({"messages.price_changed": _l("Price of a text changed")})


@dataclass(frozen=True, slots=True)
class Price:
    """Of one part of a text. amount: in units of the currency ("0.045" pounds); None: nobody has said."""

    amount: Decimal | None
    currency: str
    is_own: bool

    def of(self, parts: int) -> Decimal | None:
        """What so many parts cost."""
        return None if self.amount is None else self.amount * parts


@dataclass(frozen=True, slots=True)
class Sent:
    """Messages of a month ("2026-11"), channel and owner that a provider took. parts: of texts."""

    month: str
    channel: str
    owner: str
    messages: int
    parts: int


def price() -> Price:
    """What a part of a text costs the current practice."""
    chosen, usual = tenancy.current().profile.get(_KEY), settings.current()
    if isinstance(chosen, dict) and chosen.get("currency") in CURRENCIES:
        try:
            return Price(Decimal(str(chosen["amount"])), chosen["currency"], True)
        except (InvalidOperation, KeyError):
            pass
    currency = "GBP" if tenancy.current().country == "GB" else "EUR"
    return Price(usual.text_part_price, usual.text_price_currency or currency, False)


def set_price(amount: Decimal | None, currency: str) -> None:
    """Say what a part costs from now on, and for what was sent; None: as the operator says. Raises ValueError."""
    if currency not in CURRENCIES or (amount is not None and not 0 <= amount <= MOST_PRICE):
        raise ValueError("no price")
    practice = tenancy.held()
    kept = {name: value for name, value in practice.profile.items() if name != _KEY}
    if amount is not None:
        kept[_KEY] = {"amount": str(amount), "currency": currency}
    practice.profile = kept
    audit.record("messages.price_changed", detail={"amount": str(amount), "currency": currency})


def months(count: int) -> list[str]:
    """The last so many months by the practice's calendar, the present one last."""
    here = db.utcnow().astimezone(ZoneInfo(tenancy.current().time_zone))
    year, month = here.year, here.month
    found = []
    for _number in range(count):
        found.append(f"{year:04}-{month:02}")
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return found[::-1]


def sent(count: int) -> list[Sent]:
    """What was handed over in the last so many months. One query."""
    wanted = months(count)
    begins = {month: _first_moment(month) for month in wanted}
    # The newest month whose beginning is not after it: no database's own functions for dates and zones.
    month = case(
        *((Notification.sent_at >= begins[one], literal(one)) for one in reversed(wanted)), else_=literal("")
    ).label("month")
    query = (
        select(
            month,
            Notification.channel,
            Notification.template,
            func.count(Notification.id),
            func.sum(func.coalesce(Notification.segments, 1)),
        )
        .where(Notification.sent_at >= begins[wanted[0]])
        .group_by("month", Notification.channel, Notification.template)
    )
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for at, channel, template, messages, parts in db.session().execute(query):
        key = (at, channel, tenancy.switches.owner_of(template))
        before = found.get(key, (0, 0))
        of_texts = int(parts) if channel == "sms" else 0
        found[key] = (before[0] + messages, before[1] + of_texts)
    return [Sent(*key, *numbers) for key, numbers in sorted(found.items())]


def _first_moment(month: str) -> datetime:
    year, number = (int(part) for part in month.split("-"))
    return datetime(year, number, 1, tzinfo=ZoneInfo(tenancy.current().time_zone))
