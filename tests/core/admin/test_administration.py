"""The way into the administration, usage and cost, exports."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update

from core import db, patients, spreadsheets
from core.audit import AuditEntry
from core.notifications import Notification, admission, rules, usage
from core.notifications.models import MessageMeter
from core.patients import exports
from core.security import emergency
from core.security.models import SignInSession
from tests.support.house import House, Visitor

ADMIN = "/p/riverside/admin"


def send(house: House, practice: str, channel: str, days_ago: int, segments: int = 1) -> None:
    at = db.utcnow() - timedelta(days=days_ago)
    with house.at(getattr(house, practice)) as session:
        session.add(
            Notification(
                channel=channel,
                template="photo_request.invitation",
                recipient="+447700900102",
                language="en",
                body="Hello",
                segments=segments if channel == "sms" else None,
                state="delivered",
                due_at=at,
                expires_at=at + timedelta(days=2),
                sent_at=at,
            )
        )


def test_only_who_may_gets_in(grace: Visitor) -> None:
    for path in ("", "/usage", "/exports", "/exports/patients.csv"):
        assert grace.get(ADMIN + path).status_code == 403, path


def test_the_way_in_says_how_things_stand(helen: Visitor, house: House) -> None:
    with house.at(house.riverside):
        rules.save({"monthly_segments": 10})
    page = helen.get(ADMIN).get_data(as_text=True)
    assert "4 people without a second factor" in page
    assert "Still missing: opening hours" in page
    assert "Budget for texts: 0% used" in page
    assert "7 days, locked after 5 wrong dates of birth" in page
    assert "Every message arrived" in page
    for path in (
        "staff",
        "roles",
        "practice",
        "templates",
        "retention",
        "links",
        "usage",
        "exports",
        "plugins",
    ):
        assert f'href="{ADMIN}/{path}"' in page


@pytest.mark.both_databases
def test_usage_counts_by_month_channel_and_owner(house: House) -> None:
    for days, channel, segments in (
        (0, "sms", 2),
        (0, "sms", 1),
        (0, "email", 1),
        (45, "sms", 1),
        (800, "sms", 9),
    ):
        send(house, "riverside", channel, days, segments)
    send(house, "lumiere", "sms", 0, 5)
    with house.at(house.riverside, write=False):
        found, months = usage.sent(6), usage.months(6)
    assert len(months) == 6
    now = [
        (item.channel, item.owner, item.messages, item.parts) for item in found if item.month == months[-1]
    ]
    assert now == [("email", "photo_request", 1, 0), ("sms", "photo_request", 2, 3)]
    assert sum(item.messages for item in found) == 4


def test_the_chart_has_a_table_and_a_price(helen: Visitor, house: House) -> None:
    send(house, "riverside", "sms", 0, 3)
    assert "Total cost" not in helen.get(f"{ADMIN}/usage").get_data(as_text=True)
    assert helen.post(f"{ADMIN}/usage", {"amount": "0,05", "currency": "GBP"}).status_code == 303
    page = helen.get(f"{ADMIN}/usage?months=6").get_data(as_text=True)
    assert '<svg class="chart"' in page
    assert "Total cost of texts: £0.15" in page
    assert "The same as a table" in page
    with house.at(house.riverside, write=False):
        assert usage.price().amount == Decimal("0.05")
    helen.post(f"{ADMIN}/usage", {"amount": "", "currency": "GBP"})
    with house.at(house.riverside, write=False):
        assert usage.price().amount is None


@pytest.mark.parametrize(
    ("used", "said"),
    [(3, ""), (4, "The budget for texts is nearly used up"), (5, "The budget for texts is used up")],
)
def test_the_page_about_cost_shows_the_budget_and_warns(
    helen: Visitor, house: House, used: int, said: str
) -> None:
    send(house, "riverside", "sms", 0, used)
    with house.at(house.riverside) as session:
        rules.save({"monthly_segments": 5})
        usage.set_price(Decimal("0.10"), "GBP")
        session.add(MessageMeter(channel="sms", month=admission.usage().month, segments=used))
    page = helen.get(f"{ADMIN}/usage").get_data(as_text=True)
    assert f"{used} of 5 parts of texts used this month" in page
    assert "Budget of a month: £0.50" in page
    [(low, high)] = re.findall(r'class="chart-limit"[^>]* y1="([0-9]+)" y2="([0-9]+)"', page)
    assert low == high == "12", "the budget is the highest line, as nothing is above it"
    costs = page.partition('id="costs-chart-title"')[2].partition("</svg>")[0]
    assert f'height="{round(used * 36)}"' in costs
    assert "Cost of texts by month. The same as a table follows." in costs
    for words in ("The budget for texts is nearly used up", "The budget for texts is used up"):
        assert (words in page) == (words == said)


def test_where_nobody_has_said_a_price_the_chart_is_of_parts(helen: Visitor, house: House) -> None:
    send(house, "riverside", "sms", 0, 8)
    send(house, "riverside", "sms", 40, 4)
    page = helen.get(f"{ADMIN}/usage").get_data(as_text=True)
    assert "Parts of texts by month" in page
    assert "No budget is set" in page
    assert "chart-limit" not in page
    costs = page.partition('id="costs-chart-title"')[2].partition("</svg>")[0]
    assert 'height="180"' in costs
    assert 'height="90"' in costs


@pytest.mark.parametrize(
    ("amount", "currency"), [("-1", "GBP"), ("101", "GBP"), ("dear", "GBP"), ("NaN", "GBP"), ("1", "BTC")]
)
def test_what_is_no_price(helen: Visitor, house: House, amount: str, currency: str) -> None:
    answer = helen.post(f"{ADMIN}/usage", {"amount": amount, "currency": currency})
    assert answer.status_code == 422
    assert f'value="{amount}"' in answer.get_data(as_text=True)
    with house.at(house.riverside, write=False):
        assert not usage.price().is_own


@pytest.mark.both_databases
def test_the_list_of_patients_is_whole_and_only_ours(helen: Visitor, house: House) -> None:
    with house.at(house.riverside, write=False):
        number = patients.count(inactive=True)
    answer = helen.get(f"{ADMIN}/exports/patients.csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert len(rows) == number
    okafor = next(row for row in rows if row["Family name"] == "Okafor")
    assert (okafor["Date of birth"], okafor["Mobile phone"]) == ("1987-11-02", "+447700900102")
    assert okafor["NHS number"]
    assert not any(row["Family name"] == "Benali" for row in rows)
    assert "Table of patients exported" in helen.get(f"{ADMIN}/audit").get_data(as_text=True)


def export_entries(house: House) -> list[AuditEntry]:
    with house.at(house.riverside, write=False) as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == "patients.exported")))


@pytest.mark.both_databases
def test_the_table_is_without_closed_records_and_on_everybodys_trail(helen: Visitor, house: House) -> None:
    margaret, okafor = (house.patient_id(house.riverside, name) for name in ("Whitfield", "Okafor"))
    with house.at(house.riverside):
        emergency.set_restricted(margaret, True)
    answer = helen.get(f"{ADMIN}/exports/patients.csv")
    assert "Whitfield" not in answer.text
    assert "Okafor" in answer.text
    assert "patients-riverside-without-1-restricted.csv" in answer.headers["Content-Disposition"]
    assert "1 restricted record is not in the table." in helen.get(f"{ADMIN}/exports").text
    shown = {one for entry in export_entries(house) for one in entry.shown}
    assert okafor in shown
    assert margaret not in shown
    assert "Table of patients exported" in helen.get(f"{ADMIN}/audit?patient={okafor}").text
    helen.post(f"/p/riverside/emergency/{margaret}", {"reason": "She asked for a copy of our list"})
    assert "Whitfield" in helen.get(f"{ADMIN}/exports/patients.csv").text
    assert margaret in {one for entry in export_entries(house) for one in entry.shown}


def test_the_table_is_for_who_has_lately_shown_who_they_are(helen: Visitor, house: House) -> None:
    with db.scope() as session:
        session.execute(update(SignInSession).values(proven_at=None))
    asked = helen.get(f"{ADMIN}/exports/patients.csv")
    assert asked.location == f"/account/confirm?next={ADMIN}/exports"
    assert export_entries(house) == []


def test_no_transaction_is_open_while_the_table_is_on_its_way(
    helen: Visitor, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "_BATCH", 2)
    with house.at(house.riverside, write=False):
        everybody, _restricted = exports.everybody()
    seen = [(line, db.in_scope()) for line in exports.lines(house.riverside, everybody)]
    assert len(seen) == len(everybody) + 1
    assert not any(is_open for _line, is_open in seen)


def test_an_import_understands_what_was_exported(house: House) -> None:
    from core.patients import import_columns

    layout = import_columns.find(",".join(exports.header()))
    known = [field for field in layout.fields if field]
    assert len(known) == len(exports.header()) - 1, "all but whether they are still patients"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("-2", "-2"),
        ("-2+3", "'-2+3"),
        ("+1-1", "'+1-1"),
        ("+447700900102", "+447700900102"),
        ("Ann", "Ann"),
    ],
)
def test_no_cell_is_a_formula(text: str, cell: str) -> None:
    assert spreadsheets.harmless(text) == cell
