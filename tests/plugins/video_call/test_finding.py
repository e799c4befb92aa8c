"""The page of consultations when there are many: found by patient, day and state, sorted, paged, taken away."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import select

from core import db, patients
from core.audit import AuditEntry
from core.patients import Patient
from core.web import listing
from plugins.video_call import states
from plugins.video_call.models import Call
from tests.plugins.video_call.conftest import BASE, clinician, make_call
from tests.plugins.video_call.test_staff import shown
from tests.support.house import House, Visitor
from tests.support.pages import text


def find(visitor: Visitor, q: str, **values: Any) -> Any:
    """Search as the page's form does."""
    return visitor.post(f"{BASE}/", {"q": q, **values})


def many(house: House, count: int, state: str = states.READY, **columns: Any) -> None:
    """So many consultations of Margaret Whitfield, a minute apart, the first the eldest."""
    actor, patient_id = clinician(house), house.patient_id(house.riverside, "Whitfield")
    now = db.utcnow()
    with house.at(house.riverside) as session:
        for number in range(count):
            at = now - timedelta(minutes=count - number)
            session.add(
                Call(
                    patient_id=patient_id,
                    state=state,
                    clinician_id=actor.id,
                    clinician_name=f"Clinician {number}",
                    invited_by=actor.id,
                    invited_by_name=actor.name,
                    channels=[],
                    ready_at=at,
                    created_at=at,
                    expires_at=now + timedelta(days=1),
                    **columns,
                )
            )


@pytest.mark.both_databases
def test_whoever_waits_is_on_some_page_also_behind_fifty_others(house: House, amira: Visitor) -> None:
    many(house, 52)
    first = amira.get(f"{BASE}/")
    assert "52 consultations" in text(first)
    assert "Page 1 of 3" in text(first)
    assert text(first).index("Clinician 0") < text(first).index("Clinician 1")
    last = amira.get(f"{BASE}/?page=3")
    assert len(shown(last)) == 2
    assert "Clinician 51" in text(last), "who came last is on the last page"
    assert "Page 3 of 3" in text(amira.get(f"{BASE}/?page=99")), (
        "a page that there is not any more is the last"
    )
    assert "Page 3 of 3" in text(amira.get(f"{BASE}/?show=today&page=3"))
    assert "Clinician 51" in text(amira.get(f"{BASE}/?page=3&fragment=1")), (
        "the page that reloads itself stays"
    )


@pytest.mark.both_databases
def test_who_came_before_midnight_and_is_here_is_of_today(house: House, amira: Visitor) -> None:
    waits = make_call(house, states.READY, family_name="Okafor")
    over = make_call(house, states.ENDED, family_name="Novak")
    late = make_call(house, states.READY, family_name="Whitfield")
    with house.at(house.riverside) as session:
        for made in (waits, over, late):
            call = session.get_one(Call, (house.riverside, made.id))
            call.created_at -= timedelta(days=1)
            if made is over:
                call.ended_at = call.created_at
            if made is late:
                call.expires_at = db.utcnow()
    (name,) = shown(amira.get(f"{BASE}/?show=today"))
    assert name.endswith("Okafor")


@pytest.mark.both_databases
def test_a_consultation_is_found_by_its_patient(house: House, amira: Visitor) -> None:
    make_call(house, states.READY)
    make_call(house, states.ENDED, family_name="Okafor")
    make_call(house, states.SCHEDULED, family_name="Novak", at=db.utcnow() + timedelta(days=7))
    assert set(shown(amira.get(f"{BASE}/?show=all"))) == {
        "Margaret Whitfield",
        "Samuel Okafor",
        "Daniel Novak",
    }
    assert shown(find(amira, "OKAF", show="all")) == ["Samuel Okafor"]
    with house.at(house.riverside, write=False):
        okafor = patients.get(house.patient_id(house.riverside, "Okafor"))
        number, born = okafor.nhs_number, okafor.birth_date.strftime("%d/%m/%Y")
    assert number
    assert shown(find(amira, number, show="all")) == ["Samuel Okafor"]
    assert shown(find(amira, born, show="past")) == ["Samuel Okafor"]
    nobody = text(find(amira, "Nobody", show="all"))
    assert "No consultation fits" in nobody
    assert 'value="OKAF"' in find(amira, "OKAF", show="all").get_data(as_text=True), "what was typed stays"
    with house.at(house.riverside, write=False) as session:
        searched = [e for e in session.scalars(select(AuditEntry)) if e.action == "patient.searched"]
        listed = [e for e in session.scalars(select(AuditEntry)) if e.action == "patients.listed"]
    assert {"results": 0, "part": "video_call.search"} in [entry.detail for entry in searched]
    assert any(okafor.id in entry.shown for entry in listed)


def test_no_name_gets_into_an_address(house: House, amira: Visitor) -> None:
    make_call(house, states.ENDED)
    page = find(amira, "Whitfield", show="past").get_data(as_text=True)
    assert "?q=" not in page
    assert "&amp;q=" not in page
    assert "data-panel-url" not in page.partition('id="consultations"')[2], (
        "what was searched for does not reload"
    )
    without = amira.post(f"{BASE}/", {"q": " ", "show": "past", "since": "2026-01-01", "order": "name"})
    assert without.headers["Location"].endswith("/video_call/?show=past&since=2026-01-01&order=name")
    assert shown(amira.get(f"{BASE}/?show=past&q=Nobody")) == ["Margaret Whitfield"], (
        "an address has no words"
    )


@pytest.mark.both_databases
def test_days_states_and_order(house: House, amira: Visitor) -> None:
    for family_name, state, days in (
        ("Whitfield", states.ENDED, 3),
        ("Okafor", states.MISSED, 2),
        ("Garnier", states.DECLINED, 1),
        ("Novak", states.INVITED, 0),
    ):
        made = make_call(house, state, family_name=family_name)
        with house.at(house.riverside) as session:
            call = session.get_one(Call, (house.riverside, made.id))
            call.created_at = db.utcnow() - timedelta(days=days)
    newest = ["Daniel Novak", "Élodie Garnier", "Samuel Okafor", "Margaret Whitfield"]
    assert shown(amira.get(f"{BASE}/?show=all")) == newest
    assert shown(amira.get(f"{BASE}/?show=all&order=oldest")) == newest[::-1]
    by_name = shown(amira.get(f"{BASE}/?show=all&order=name"))
    assert by_name == ["Élodie Garnier", "Daniel Novak", "Samuel Okafor", "Margaret Whitfield"]
    until = (db.utcnow() - timedelta(days=2)).date().isoformat()
    assert shown(amira.get(f"{BASE}/?show=all&until={until}")) == newest[2:]
    assert shown(amira.get(f"{BASE}/?show=all&since={until}&until={until}")) == ["Samuel Okafor"]
    for outcome, expected in (
        ("planned", ["Daniel Novak"]),
        ("missed", ["Samuel Okafor"]),
        ("declined", ["Élodie Garnier"]),
        ("open", ["Samuel Okafor", "Margaret Whitfield"]),
        ("now", []),
    ):
        assert shown(amira.get(f"{BASE}/?show=all&outcome={outcome}")) == expected, outcome
    assert shown(amira.get(f"{BASE}/?show=all&since=nonsense&order=nonsense&page=-1")) == newest


@pytest.mark.both_databases
def test_the_list_is_taken_away_as_a_table(
    house: House, helen: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_call(house, states.ENDED)
    make_call(house, states.ENDED, family_name="Okafor")
    with house.at(house.riverside) as session:
        patient = session.scalars(select(Patient).where(Patient.family_name == "Okafor")).one()
        patient.given_names = "=HYPERLINK(1)"
    answer = helen.post(f"{BASE}/", {"q": "okafor", "show": "past", "action": "csv"})
    assert answer.mimetype == "text/csv"
    assert 'filename="consultations.csv"' in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    assert [(row["Family name"], row["First names"], row["State"]) for row in rows] == [
        ("Okafor", "'=HYPERLINK(1)", "Ended")
    ]
    with house.at(house.riverside, write=False) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "patients.exported")).one()
    assert entry.shown == (patient.id,) or list(entry.shown) == [patient.id]
    monkeypatch.setattr(listing, "MOST_ROWS", 1)
    refused = helen.post(f"{BASE}/", {"show": "past", "action": "csv"}, follow_redirects=True)
    assert "A table has at most 1 lines" in text(refused)


@pytest.mark.both_databases
def test_what_ran_out_is_past_at_once_and_missed_in_the_table(house: House, helen: Visitor) -> None:
    make_call(house, states.ENDED)
    made = make_call(house, states.INVITED, family_name="Okafor")
    with house.at(house.riverside) as session:
        session.get_one(Call, (house.riverside, made.id)).expires_at = db.utcnow()
    assert shown(helen.get(f"{BASE}/")) == []
    past = helen.get(f"{BASE}/?show=past")
    assert shown(past) == ["Samuel Okafor", "Margaret Whitfield"], "what ended last is first"
    assert "Patient did not come" in text(past)
    assert "Samuel Okafor" in shown(helen.get(f"{BASE}/?show=past&outcome=open"))
    answer = helen.post(f"{BASE}/", {"show": "past", "outcome": "missed", "action": "csv"})
    (row,) = csv.DictReader(StringIO(answer.get_data(as_text=True).removeprefix("\ufeff")))
    assert (row["Family name"], row["State"]) == ("Okafor", "Missed")
    assert row["Ended"]


def test_restricted_records_are_marked_and_in_no_table(house: House, helen: Visitor) -> None:
    make_call(house, states.ENDED)
    make_call(house, states.ENDED, family_name="Okafor")
    with house.at(house.riverside) as session:
        session.scalars(select(Patient).where(Patient.family_name == "Whitfield")).one().restricted = True
    assert "Restricted record: you are asked why you need it" in text(helen.get(f"{BASE}/?show=past"))
    answer = helen.post(f"{BASE}/", {"show": "past", "action": "csv"})
    assert "consultations-without-1-restricted.csv" in answer.headers["Content-Disposition"]
    assert "Whitfield" not in answer.get_data(as_text=True)
    assert "Okafor" in answer.get_data(as_text=True)


def test_who_may_not_export_sees_no_button_and_gets_no_table(house: House, amira: Visitor) -> None:
    make_call(house, states.ENDED)
    assert "Export as CSV" not in text(amira.get(f"{BASE}/?show=past"))
    answer = amira.post(f"{BASE}/", {"show": "past", "action": "csv"})
    assert answer.status_code == 403
    assert "Export all that is held about a patient" in text(answer)
