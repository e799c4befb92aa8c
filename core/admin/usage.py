"""What the practice's messages are and cost: charts by month, drawn by the server, with the same as a table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from babel.dates import format_skeleton
from babel.numbers import format_currency
from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import i18n
from core.admin import conflicts, owners
from core.i18n import _, format_number
from core.notifications import admission, rules, usage
from core.notifications.admission import Usage
from core.notifications.usage import CURRENCIES, MOST_PRICE, Price, Sent
from core.web.pages import render
from core.web.routes import StaffRoutes

PERMISSION: Final = rules.PERMISSION
SPANS: Final = (6, 12, 24)
_HEIGHT: Final = 180

routes = StaffRoutes("core", __name__, name="usage", prefix="/admin/usage")


@dataclass(frozen=True, slots=True)
class Bar:
    """A month of the chart. x, width, and the heights of texts and of e-mails, in units of the drawing."""

    title: str
    short: str
    x: int
    texts: int
    emails: int
    text_height: int
    email_height: int
    parts: int
    cost: str
    cost_height: int


@dataclass(frozen=True, slots=True)
class Costs:
    """The scale of the second chart: what texts cost or, where nobody has said a price, how many parts they have.

    top: what its highest line stands for. budget: the month's, and how high its line is; None: there is none.
    """

    top: str
    budget: str
    budget_height: int | None


@dataclass(frozen=True, slots=True)
class Share:
    """What one owner has sent in all these months."""

    title: str
    icon: str
    texts: int
    emails: int
    parts: int
    cost: str


@routes.get("", permission=PERMISSION)
def index() -> Markup:
    """The chart, the table, and the price."""
    return _page(None, None)


@routes.post("", permission=PERMISSION)
def save() -> ResponseReturnValue:
    """Say what a part of a text costs; an empty field goes back to what the operator says."""
    text, currency = request.form.get("amount", "").strip(), request.form.get("currency", "")
    if conflicts.is_stale(request.form, _stored_price):
        return make_response(_page((text, currency), None, is_stale=True), 409)
    try:
        amount = Decimal(text.replace(",", ".")) if text else None
        usage.set_price(amount, currency)
    except (InvalidOperation, ValueError):
        error = _("Enter a price from 0 to %(most)s, for example 0.045.", most=MOST_PRICE)
        return make_response(_page((text, currency), error), 422)
    flash(_("The price is saved."), "success")
    return redirect(url_for("usage.index"), 303)


def _stored_price() -> object:
    price = usage.price()
    return [str(price.amount), price.currency, price.is_own]


def _page(typed: tuple[str, str] | None, error: str | None, *, is_stale: bool = False) -> Markup:
    asked = request.args.get("months", "")
    span = int(asked) if asked in [str(one) for one in SPANS] else 12
    price, sent, months, budget = usage.price(), usage.sent(span), usage.months(span), admission.usage()
    most = max([sum(one.parts for one in sent if one.month == month) for month in months])
    most = max(most, budget.budget or 0)
    bars, top = _bars(months, sent, price, most)
    kept = (str(price.amount) if price.is_own else "", price.currency)
    amount, currency = typed if typed is not None else kept
    return render(
        "admin/usage.html",
        bars=bars,
        top=top,
        height=_HEIGHT,
        costs=_costs(budget, price, most),
        shares=_shares(sent, price),
        total=_money(price, sum(item.parts for item in sent), is_sum=True),
        spans=[(one, url_for("usage.index", months=one), one == span) for one in SPANS],
        budget=budget,
        price=price,
        price_said=_money(price, 1),
        amount=amount,
        currency=currency,
        currencies=[(code, code) for code in CURRENCIES],
        error=error,
        seen=conflicts.seen(_stored_price(), None if is_stale else request.form),
        is_stale=is_stale,
    )


def _costs(budget: Usage, price: Price, most: int) -> Costs:
    def said(parts: int) -> str:
        return _money(price, parts, is_sum=True) or format_number(parts)

    if not budget.budget:
        return Costs(said(most), "", None)
    return Costs(said(most), said(budget.budget), round(budget.budget * _HEIGHT / most))


def _bars(months: list[str], sent: list[Sent], price: Price, most: int) -> tuple[list[Bar], int]:
    counts = {
        month: {
            channel: sum(item.messages for item in sent if (item.month, item.channel) == (month, channel))
            for channel in ("sms", "email")
        }
        for month in months
    }
    top = max((found["sms"] + found["email"] for found in counts.values()), default=0)
    scale = _HEIGHT / top if top else 0
    bars = []
    for place, month in enumerate(months):
        texts, emails = counts[month]["sms"], counts[month]["email"]
        parts = sum(item.parts for item in sent if item.month == month)
        first = date.fromisoformat(f"{month}-01")
        bars.append(
            Bar(
                title=str(format_skeleton("yMMMM", first, locale=i18n.babel_locale())),
                short=str(format_skeleton("MMM", first, locale=i18n.babel_locale())),
                x=place,
                texts=texts,
                emails=emails,
                text_height=round(texts * scale),
                email_height=round(emails * scale),
                parts=parts,
                cost=_money(price, parts, is_sum=True),
                cost_height=round(parts * _HEIGHT / most) if most else 0,
            )
        )
    return bars, top


def _shares(sent: list[Sent], price: Price) -> list[Share]:
    found = []
    for title, icon, items in owners.grouped(sent, lambda item: item.owner):
        parts = sum(item.parts for item in items)
        found.append(
            Share(
                title,
                icon,
                sum(item.messages for item in items if item.channel == "sms"),
                sum(item.messages for item in items if item.channel == "email"),
                parts,
                _money(price, parts, is_sum=True),
            )
        )
    return found


def _money(price: Price, parts: int, *, is_sum: bool = False) -> str:
    """What so many parts cost, in the reader's way of writing it; empty when nobody has said a price."""
    cost = price.of(parts)
    if cost is None:
        return ""
    # A part costs a fraction of a penny: its own price is written out, sums are rounded.
    return str(
        format_currency(
            cost,
            price.currency,
            locale=i18n.babel_locale(),
            currency_digits=is_sum,
            decimal_quantization=is_sum,
        )
    )
