"""The page of the audit trail."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, text

from core import audit, db, demo, patients
from core.audit import Actor, AuditEntry
from core.security import members, users
from core.tenancy import PRACTICE_ADMIN, Practice
from core.web import audit_words
from tests.support.databases import as_owner
from tests.support.house import House, Visitor

PLACE = "/p/riverside/admin/audit"


@pytest.fixture
def helen(house: House, visitor: Callable[[], Visitor]) -> Visitor:
    """The practice's administrator, after a day of work."""
    patient_id = house.patient_id(house.riverside, "Whitfield")
    audit.set_origin(request_id="r" * 32, address="192.0.2.7")
    with house.at(house.riverside), audit.use_actor(Actor("staff", "4711", "Amira Khan")):
        audit.record("patient.viewed", patient_id=patient_id, reason="<Emergency>")
    with house.at(house.riverside), audit.use_actor(Actor("patient", "x", "patient")):
        for _ in range(60):
            audit.record("link.used")
    audit.clear_context()
    somebody = visitor()
    somebody.sign_in("helen")
    return somebody


def test_it_shows_who_did_what_from_where_and_hides_names_from_those_who_may_not_find_patients(
    house: House, helen: Visitor, visitor: Callable[[], Visitor]
) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    assert "Whitfield" in helen.get(f"{PLACE}?action=patient.viewed").get_data(as_text=True)
    with db.scope() as session:
        practice = session.get_one(Practice, house.riverside)
        made = users.create_user("ruth", "ruth@example.org", "Ruth", "Bell", demo.PASSWORD)
        users.add_membership(practice, made, PRACTICE_ADMIN)
    ruth = visitor()
    ruth.sign_in("ruth")
    page = ruth.get(f"{PLACE}?action=patient.viewed").get_data(as_text=True)
    assert "Amira Khan" in page
    assert "192.0.2.7" in page
    assert "&lt;Emergency&gt;" in page
    assert f"…{str(patient_id)[-6:]}" in page
    assert "Whitfield" not in page
    assert "Page behind a link used<" not in in_table(page)
    with house.at(house.riverside, write=False) as session:
        newest = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
    assert newest.action == "audit.read", "reading the trail is noted in it"


def in_table(page: str) -> str:
    return page.partition("<table")[2]


def test_it_pages_and_filters(house: House, helen: Visitor) -> None:
    first = helen.get(f"{PLACE}?person=patient").get_data(as_text=True)
    assert in_table(first).count("Page behind a link used") == 50
    before = first.partition("before=")[2].partition('"')[0]
    second = helen.get(f"{PLACE}?person=patient&before={before}").get_data(as_text=True)
    assert in_table(second).count("Page behind a link used") == 10
    patient_id = house.patient_id(house.riverside, "Whitfield")
    only = helen.get(f"{PLACE}?patient={patient_id}").get_data(as_text=True)
    assert in_table(only).count("Record seen") == 1
    assert "No entry fits" in helen.get(f"{PLACE}?until=2001-01-01").get_data(as_text=True)
    assert helen.get(f"{PLACE}?since=nonsense&before=x&patient=y&person=%00").status_code == 200


@pytest.mark.both_databases
def test_whoever_works_here_no_longer_is_still_found_by_what_they_did(house: House, helen: Visitor) -> None:
    margaret = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside) as session:
        user = session.scalars(select(User).where(User.username == "tom")).one()
        tom, operator = Actor("staff", str(user.id), user.get_full_name()), Actor("staff", "90210", "Bo Ss")
        for actor in (tom, operator):
            with audit.use_actor(actor):
                audit.record("patient.viewed", patient_id=margaret)
    assert f'<option value="{tom.id}">{tom.name}<' in helen.get(PLACE).get_data(as_text=True)
    with house.at(house.riverside):
        members.remove(int(tom.id))
    page = helen.get(PLACE).get_data(as_text=True)
    assert f'<option value="{tom.id}">{tom.name} (not on the staff)<' in page
    assert '<option value="90210">Bo Ss (not on the staff)<' in page
    (led,) = set(re.findall(rf'href="({PLACE}\?person={tom.id})" aria-label="Entries by', page))
    only = helen.get(led).get_data(as_text=True)
    assert in_table(only).count("<tr>") == 2, "the heads of the columns, and what Tom did"
    assert "Record seen" in in_table(only)


def test_the_export_holds_every_entry_that_fits(house: House, helen: Visitor) -> None:
    answer = helen.get(f"{PLACE}/export.csv?person=patient")
    assert 'filename="audit-riverside.csv"' in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [row["Code of what was done"] for row in rows] == ["link.used"] * 60
    assert {row["What was done"] for row in rows} == {"Page behind a link used"}


def test_the_button_says_whether_the_trail_is_whole(house: House, helen: Visitor) -> None:
    assert helen.post(f"{PLACE}/verify").status_code == 303
    assert "The trail is whole" in helen.get(PLACE).get_data(as_text=True)
    with as_owner() as connection:
        connection.execute(text("UPDATE core_audit_entry SET action = 'x.y' WHERE actor_id = '4711'"))
    helen.post(f"{PLACE}/verify")
    assert "was tampered with" in helen.get(PLACE).get_data(as_text=True)


def test_a_receptionist_may_not_read_it(house: House, visitor: Callable[[], Visitor]) -> None:
    grace = visitor()
    grace.sign_in("grace")
    for path in (PLACE, f"{PLACE}/export.csv"):
        assert grace.get(path).status_code == 403
    assert grace.post(f"{PLACE}/verify").status_code == 403
    assert PLACE not in grace.get("/p/riverside/").get_data(as_text=True)


def test_another_practices_patient_shows_nothing(house: House, helen: Visitor) -> None:
    foreign = db.uuid7()
    with house.at(house.lumiere):
        audit.record("patient.viewed", patient_id=foreign)
    assert "No entry fits" in helen.get(f"{PLACE}?patient={foreign}").get_data(as_text=True)


@pytest.mark.both_databases
def test_a_patient_is_chosen_by_a_search_and_no_name_is_in_an_address(house: House, helen: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    assert "data-patient-search" in helen.get(PLACE).get_data(as_text=True)
    one = helen.post(f"{PLACE}/patient?action=patient.viewed&before=5", {"q": "whitf"})
    assert one.status_code == 303
    assert one.headers["Location"].endswith(f"/admin/audit?patient={patient_id}&action=patient.viewed")
    page = helen.get(one.headers["Location"]).get_data(as_text=True)
    assert "Only entries about Margaret Whitfield" in page
    with house.at(house.riverside):
        patients.create(given_names="Aaron", family_name="Whitfield", birth_date="01/02/1990")
    several = helen.post(f"{PLACE}/patient", {"q": "whitf"}).get_data(as_text=True)
    assert several.count('class="patient-row"') > 1
    assert f'href="{PLACE}?patient=' in several
    part = helen.post(f"{PLACE}/patient", {"q": "margaret"}, headers={"X-Fragment": "1"}).get_data(
        as_text=True
    )
    assert "<html" not in part
    assert "Whitfield, Margaret" in part
    assert "No patient fits" in helen.post(f"{PLACE}/patient", {"q": "nobody"}).get_data(as_text=True)


def test_who_may_not_find_patients_finds_one_by_the_whole_number_alone(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    with db.scope() as session:
        practice = session.get_one(Practice, house.riverside)
        made = users.create_user("ruth", "ruth@example.org", "Ruth", "Bell", demo.PASSWORD)
        users.add_membership(practice, made, PRACTICE_ADMIN)
    patient_id = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside, write=False):
        number = patients.get(patient_id).nhs_number
    assert number
    ruth = visitor()
    ruth.sign_in("ruth")
    found = ruth.post(f"{PLACE}/patient", {"q": number})
    assert found.headers["Location"].endswith(f"?patient={patient_id}")
    assert "Okafor" not in ruth.get(found.headers["Location"]).get_data(as_text=True)
    for tried in ("Okafor", number[:6]):
        page = ruth.post(f"{PLACE}/patient", {"q": tried}).get_data(as_text=True)
        assert "No patient has this number." in page
        assert "patient-row" not in page


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("video_call.index", "Video consultations"),
        ("video_call_patient.start", "Video consultations"),
        ("today.index", "Today"),
        ("gone.index", "gone.index"),
    ],
)
def test_where_something_was_seen_is_said_in_words(house: House, part: str, words: str) -> None:
    assert audit_words.place(part, audit_words.titles()) == words
