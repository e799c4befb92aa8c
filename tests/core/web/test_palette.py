"""What the palette finds on the server, and the page of everything under the bell."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from core.audit import AuditEntry
from core.notifications import inbox
from tests.support.house import House, Visitor
from tests.support.pages import text

FIND = "/p/riverside/palette"
INBOX = "/p/riverside/bell/all"


def test_one_hit_comes_with_what_can_be_done_and_leaves_an_entry(amira: Visitor, house: House) -> None:
    found = amira.post(FIND, {"q": "whitfield"})
    assert "Send photo request Margaret Whitfield" in text(found)
    assert "Whitfield, Margaret" in text(found)
    patient_id = house.patient_id(house.riverside, "Whitfield")
    assert f'data-url="/p/riverside/patients/{patient_id}"' in found.get_data(as_text=True)
    with house.at(house.riverside, write=False) as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "patient.searched"))
        assert entry.shown == [patient_id]


def test_several_hits_are_listed_and_none_offers_to_add_one(amira: Visitor) -> None:
    several = text(amira.post(FIND, {"q": "ra"}))
    assert "Raman, Priya" in several
    assert "Rahman-Clarke, Aisha" in several
    assert text(amira.post(FIND, {"q": "nobodyatall"})).startswith("Add patient")
    assert text(amira.post(FIND, {"q": "x"})) == ""


def test_who_may_not_see_patients_finds_none(visitor: Callable[[], Visitor]) -> None:
    nadia = visitor()
    nadia.sign_in("nadia")
    assert nadia.post(FIND, {"q": "whitfield"}).status_code == 404


def test_every_page_carries_palette_and_shortcuts_in_the_readers_language(amira: Visitor) -> None:
    page = amira.get("/p/riverside/").get_data(as_text=True)
    assert 'role="combobox"' in page
    assert 'id="shortcuts"' in page


def test_the_inbox_pages_and_filters(amira: Visitor, house: House) -> None:
    assert "Nothing yet" in text(amira.get(INBOX))
    with house.at(house.riverside):
        for number in range(35):
            inbox.notify(
                f"Item number {number}.", url="/patients", permission="core.work", key=f"item-{number}"
            )
    first = amira.get(INBOX)
    assert len(re.findall("bell-item-text", first.get_data(as_text=True).partition("<main")[2])) == 30
    assert "Item number 34." in text(first)
    assert "Page 1 of 2" in text(first)
    assert "Item number 0." in text(amira.get(f"{INBOX}?page=2"))
    amira.post("/p/riverside/bell/read")
    assert "Nothing new" in text(amira.get(f"{INBOX}?show=new"))
    assert "<html" not in amira.get(INBOX, headers={"X-Panel": "1"}).get_data(as_text=True)


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "99999999", "²"])
def test_a_wrong_page_is_answered_all_the_same(amira: Visitor, wrong: str) -> None:
    assert amira.get(f"{INBOX}?page={wrong}").status_code == 200
