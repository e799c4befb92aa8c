"""The page of photo requests when there are many: found by patient and day, sorted, paged, taken away."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import select

from core import db
from core.audit import AuditEntry
from core.patients import Patient
from plugins.photo_request.models import Request
from tests.plugins.photo_request.conftest import ask
from tests.support.house import House, Visitor
from tests.support.pages import text

BASE = "/p/riverside/photo_request/"


def shown(page: Any) -> list[str]:
    """The patients that a list shows, in its order."""
    return re.findall(
        r'class="pr-person">.*?/requests/[0-9a-f-]+">([^<]+)<', page.get_data(as_text=True), re.S
    )


@pytest.mark.both_databases
def test_requests_are_found_sorted_and_paged(house: House, amira: Visitor) -> None:
    for days, family_name in enumerate(("Whitfield", "Okafor", "Garnier")):
        sent = ask(house, house.riverside, family_name)
        with house.at(house.riverside) as session:
            asked = session.get_one(Request, (house.riverside, sent.id))
            asked.created_at = db.utcnow() - timedelta(days=days)
    newest = ["Margaret Whitfield", "Samuel Okafor", "Élodie Garnier"]
    assert shown(amira.get(f"{BASE}?show=waiting")) == newest
    assert shown(amira.get(f"{BASE}?show=waiting&order=oldest")) == newest[::-1]
    assert shown(amira.get(f"{BASE}?show=all&order=name")) == [newest[2], newest[1], newest[0]]
    day = (db.utcnow() - timedelta(days=1)).date().isoformat()
    assert shown(amira.get(f"{BASE}?show=all&since={day}&until={day}")) == ["Samuel Okafor"]
    found = amira.post(BASE, {"q": "garn", "show": "waiting"})
    assert shown(found) == ["Élodie Garnier"]
    assert "1 request" in text(found)
    nobody = text(amira.post(BASE, {"q": "nobody", "show": "waiting"}))
    assert "No photo request fits" in nobody
    assert "Look among all requests" in nobody
    assert (
        amira.post(BASE, {"show": "waiting", "order": "name"})
        .headers["Location"]
        .endswith("/photo_request/?show=waiting&order=name")
    )
    with house.at(house.riverside, write=False) as session:
        searched = session.scalars(select(AuditEntry).where(AuditEntry.action == "patient.searched")).all()
    assert [entry.detail["results"] for entry in searched if entry.detail] == [1, 0]


def test_a_search_is_paged_by_its_form(house: House, amira: Visitor) -> None:
    for _ in range(26):
        ask(house, house.riverside, "Okafor")
    first = amira.post(BASE, {"q": "okafor", "show": "waiting"})
    assert "Page 1 of 2" in text(first)
    assert 'name="page" value="2" form="requests"' in first.get_data(as_text=True)
    assert len(shown(amira.post(BASE, {"q": "okafor", "show": "waiting", "page": "2"}))) == 1
    assert len(shown(amira.post(BASE, {"q": "okafor", "show": "waiting", "page": "9"}))) == 1


def test_the_table_leaves_restricted_records_out(house: House, helen: Visitor, amira: Visitor) -> None:
    ask(house, house.riverside, "Okafor")
    ask(house, house.riverside, "Whitfield")
    with house.at(house.riverside) as session:
        session.scalars(select(Patient).where(Patient.family_name == "Whitfield")).one().restricted = True
    answer = helen.post(BASE, {"show": "waiting", "action": "csv"})
    assert "photo-requests-without-1-restricted.csv" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [(row["Family name"], row["State"], row["Photos"]) for row in rows] == [
        ("Okafor", "Sent, not opened", "0")
    ]
    nothing = helen.post(BASE, {"show": "done", "action": "csv"}, follow_redirects=True)
    assert "There is nothing to put into a table." in text(nothing)
    assert amira.post(BASE, {"show": "waiting", "action": "csv"}).status_code == 403
