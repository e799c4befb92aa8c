"""Emergency access: outside one's role, for a reason, for an hour, marked, told and looked at."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update

from core import audit, db
from core.audit import AuditEntry
from core.notifications import InboxItem, Notification
from core.patients import Patient
from core.security import emergency, roles
from core.security.models import EmergencyAccess
from core.tenancy import PRACTICE_ADMIN, Membership
from tests.support.house import House, Visitor
from tests.support.photos import a_request_with_photos

Visit = Callable[[], Visitor]
REASON = "The patient is at the desk with chest pain"


@pytest.fixture
def ill(house: House) -> UUID:
    """Margaret Whitfield, whose record is restricted."""
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        emergency.set_restricted(patient_id, True)
    return patient_id


def signed_in(visitor: Visit, username: str) -> Visitor:
    browser = visitor()
    assert browser.sign_in(username).status_code == 303
    return browser


def by_form(browser: Visitor, url: str, sent: dict[str, Any]) -> Any:
    """As a page's form sends it: the token is one of its fields."""
    return browser.client.post(url, data={**sent, "csrf_token": browser._token()})


def actions(house: House, patient_id: UUID) -> list[str]:
    with house.at(house.riverside, write=False) as session:
        query = select(AuditEntry.action).where(AuditEntry.patient_id == patient_id)
        return list(session.scalars(query.order_by(AuditEntry.seq)))


@pytest.mark.both_databases
def test_a_restricted_record_opens_for_a_reason_and_for_an_hour(
    house: House, visitor: Visit, ill: UUID
) -> None:
    amira = signed_in(visitor, "amira")
    path, ask = f"/p/riverside/patients/{ill}", f"/p/riverside/emergency/{ill}"
    refused = amira.get(path)
    assert (refused.status_code, refused.location) == (302, ask)
    assert "Margaret" not in refused.get_data(as_text=True)
    page = amira.get(ask).get_data(as_text=True)
    assert "Margaret" not in page
    assert "Helen Price" in page
    assert "patient.viewed" not in actions(house, ill)
    for reason in ("", "urgent", " . " * 5, "x" * 401):
        assert amira.post(ask, {"reason": reason}).status_code == 422
    assert amira.post(ask, {"reason": REASON}).location == path
    shown = amira.get(path).get_data(as_text=True)
    assert "Emergency access until" in shown
    assert REASON in shown
    assert actions(house, ill)[-2:] == ["emergency.opened", "patient.viewed"]
    tom = signed_in(visitor, "tom")
    assert tom.get(path).location == ask, "it is open for one person"
    with house.at(house.riverside) as session:
        session.execute(update(EmergencyAccess).values(ends_at=db.utcnow()))
    assert amira.get(path).location == ask
    assert audit.verify(house.riverside).intact


def test_the_administrators_are_told_and_look_at_it(house: House, visitor: Visit, ill: UUID) -> None:
    amira = signed_in(visitor, "amira")
    amira.post(f"/p/riverside/emergency/{ill}", {"reason": REASON})
    with house.at(house.riverside, write=False) as session:
        (letter,) = session.scalars(
            select(Notification).where(Notification.template == "core.emergency_access")
        )
        assert letter.recipient == "helen@riverside.example.com"
        assert "Whitfield" not in letter.body
        assert REASON not in letter.body
        (item,) = session.scalars(select(InboxItem))
        assert (item.permission, item.title_values) == ("core.oversee", {"name": "Amira Khan"})
        access_id = session.scalars(select(EmergencyAccess.id)).one()
    assert amira.get("/p/riverside/oversight").status_code == 403
    helen = signed_in(visitor, "helen")
    page = helen.get("/p/riverside/oversight").get_data(as_text=True)
    for words in (REASON, "Amira Khan", "Margaret Whitfield", "I have looked at it"):
        assert words in page
    assert helen.post(f"/p/riverside/oversight/{uuid4()}/review").status_code == 404
    helen.post(f"/p/riverside/oversight/{access_id}/review", {"note": "Spoke to her"})
    page = helen.get("/p/riverside/oversight").get_data(as_text=True)
    assert "Looked at by Helen Price" in page
    assert "Spoke to her" in page
    assert "emergency.reviewed" in actions(house, ill)


def test_every_way_into_a_restricted_record_is_closed(house: House, visitor: Visit) -> None:
    ids = a_request_with_photos(house, house.riverside)
    with house.at(house.riverside):
        emergency.set_restricted(ids["patient_id"], True)
    amira = signed_in(visitor, "amira")
    asked = f"/p/riverside/emergency/{ids['patient_id']}"
    for path in (
        f"patients/{ids['patient_id']}",
        f"patients/{ids['patient_id']}/edit",
        f"photo_request/requests/{ids['request_id']}",
        f"photo_request/photos/{ids['photo_id']}",
    ):
        assert amira.get(f"/p/riverside/{path}").location == asked, path
    before = actions(house, ids["patient_id"])
    assert (
        amira.post(f"/p/riverside/patients/{ids['patient_id']}/edit", {"family_name": "X"}).status_code == 403
    )
    assert amira.post(f"/p/riverside/photo_request/requests/{ids['request_id']}/cancel").status_code == 403
    assert actions(house, ids["patient_id"]) == before, "and nothing was done"


def test_a_form_about_a_closed_record_keeps_what_was_typed(house: House, visitor: Visit, ill: UUID) -> None:
    amira = signed_in(visitor, "amira")
    url = f"/p/riverside/patients/{ill}/edit"
    refused = by_form(amira, url, {"family_name": "Half-typed"})
    assert refused.status_code == 403
    assert refused.mimetype == "text/html"
    assert 'value="Half-typed"' in refused.text
    assert f'action="{url}"' in refused.text
    assert f'href="/p/riverside/emergency/{ill}"' in refused.text
    assert "Margaret" not in refused.text
    by_script = amira.post(url, {"family_name": "X"})
    assert by_script.get_json()["error"]["code"] == "restricted"
    several = {"patient": [str(ill), str(house.patient_id(house.riverside, "Okafor"))], "action": "leave"}
    bulk = by_form(amira, "/p/riverside/patients/several", several)
    assert bulk.status_code == 403
    assert bulk.text.count('name="patient"') == 2
    with house.at(house.riverside, write=False) as session:
        assert all(session.scalars(select(Patient.active))), "nobody was taken off the list"


@pytest.mark.both_databases
def test_a_clinical_system_leads_to_the_reason_and_on_to_what_it_asked_for(
    house: House, visitor: Visit, ill: UUID
) -> None:
    amira = signed_in(visitor, "amira")
    chosen = {"patient_id": str(ill), "action": "photo_request"}
    asked = by_form(amira, "/p/riverside/launch/choose", chosen)
    assert (asked.status_code, asked.location) == (
        303,
        f"/p/riverside/emergency/{ill}?action=photo_request",
    )
    assert 'name="action" value="photo_request"' in amira.get(asked.location).text
    ask = f"/p/riverside/emergency/{ill}"
    assert 'value="photo_request"' in amira.post(ask, {"reason": "", "action": "photo_request"}).text
    opened = amira.post(ask, {"reason": REASON, "action": "photo_request"})
    assert opened.location == f"/p/riverside/patients/{ill}/actions/photo_request"
    assert f"photo_request/patients/{ill}" in amira.get(opened.location).location


def test_an_overseer_reads_what_was_done_without_opening_the_record(
    house: House, visitor: Visit, ill: UUID
) -> None:
    signed_in(visitor, "amira").post(f"/p/riverside/emergency/{ill}", {"reason": REASON})
    helen = signed_in(visitor, "helen")
    overview = helen.get("/p/riverside/oversight").text
    assert f'href="/p/riverside/admin/audit?patient={ill}"' in overview
    shown = helen.get(f"/p/riverside/admin/audit?patient={ill}")
    assert shown.status_code == 200
    assert REASON in shown.text
    assert f"…{str(ill)[-6:]}" in shown.text
    assert "Margaret" not in shown.text
    helen.post(f"/p/riverside/emergency/{ill}", {"reason": REASON})
    assert "Margaret" in helen.get(f"/p/riverside/admin/audit?patient={ill}").text


@pytest.mark.both_databases
def test_accesses_are_found_by_person_patient_and_day_and_taken_away(
    house: House, visitor: Visit, ill: UUID
) -> None:
    other = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside):
        emergency.set_restricted(other, True)
    amira, tom, helen = (signed_in(visitor, name) for name in ("amira", "tom", "helen"))
    amira.post(f"/p/riverside/emergency/{ill}", {"reason": "Amira needs it for the referral"})
    tom.post(f"/p/riverside/emergency/{other}", {"reason": "Tom needs it for the letter"})
    place = "/p/riverside/oversight"

    def reasons(asked: str) -> list[str]:
        found = re.findall(r'oversight-reason">(\w+)', helen.get(f"{place}?{asked}").text)
        return sorted(found)

    page = helen.get(place).text
    (person,) = re.findall(r'<option value="(\d+)">Amira Khan<', page)
    assert f'href="{place}?patient={other}"' in page
    assert reasons("") == ["Amira", "Tom"]
    assert reasons(f"person={person}") == ["Amira"]
    assert reasons(f"patient={other}") == ["Tom"]
    assert reasons("since=2199-01-01") == []
    assert "No entry fits" in helen.get(f"{place}?until=2001-01-01").text
    helen.post(f"/p/riverside/emergency/{other}", {"reason": REASON})
    answer = helen.get(f"{place}/export.csv?person={person}")
    (row,) = csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig")))
    assert (row["Who"], row["Reason"]) == ("Amira Khan", "Amira needs it for the referral")
    assert row["Patient"] == "", "Helen has not opened this record"
    everything = helen.get(f"{place}/export.csv").get_data(as_text=True)
    assert "Samuel Okafor" in everything
    assert "Whitfield" not in everything
    assert amira.get(f"{place}/export.csv").status_code == 403


@pytest.mark.both_databases
def test_who_is_told_and_who_is_named_go_by_the_right_and_not_by_the_role(
    house: House, visitor: Visit, ill: UUID
) -> None:
    """A practice's own role with the right to oversee; and one that manages staff."""
    with house.at(house.riverside) as session:
        key = roles.make("Data protection", "", ["core.oversee", "core.manage_staff"])
        tom = session.scalars(select(User).where(User.username == "tom")).one()
        session.add(Membership(practice_id=house.riverside, user_id=tom.id, role=key))
    amira = signed_in(visitor, "amira")
    ask = f"/p/riverside/emergency/{ill}"
    name = tom.get_full_name()
    assert name in amira.get(ask).text
    assert name in amira.get("/p/riverside/admin/plugins").text, "who can give a right"
    amira.post(ask, {"reason": REASON})
    helen = signed_in(visitor, "helen")
    helen.post(ask, {"reason": REASON})
    with house.at(house.riverside, write=False) as session:
        written = select(Notification.recipient).where(Notification.template == "core.emergency_access")
        assert {"helen@riverside.example.com", tom.email} == set(session.scalars(written))
        own = session.scalars(
            select(EmergencyAccess.id).where(EmergencyAccess.user_name == "Helen Price")
        ).one()
    assert helen.post(f"/p/riverside/oversight/{own}/review").status_code == 409, "there is another now"


def test_a_restricted_record_has_a_lock_with_words_in_lists_and_searches(
    house: House, visitor: Visit, ill: UUID
) -> None:
    amira, helen = signed_in(visitor, "amira"), signed_in(visitor, "helen")
    closed, restricted = "Restricted record: you are asked why you need it", "Restricted record"

    def marks(browser: Visitor, asked: dict[str, str], path: str = "patients") -> list[str]:
        answer = browser.post(f"/p/riverside/{path}", asked)
        assert answer.status_code == 200
        return re.findall(r'class="restricted-mark" title="([^"]+)"><svg', answer.get_data(as_text=True))

    assert marks(amira, {}) == [closed], "the list has one restricted record"
    assert marks(amira, {"q": "Whitfield"}) == [closed]
    assert marks(amira, {"q": "Whitfield"}, "palette") == [closed]
    assert "Send photo request" not in amira.post("/p/riverside/palette", {"q": "Whitfield"}).text
    assert marks(amira, {"q": "Okafor"}) == []
    assert marks(helen, {"q": "Whitfield"}) == [closed], "an administrator is asked like anybody else"
    amira.post(f"/p/riverside/emergency/{ill}", {"reason": REASON})
    assert marks(amira, {"q": "Whitfield"}) == [restricted], "it is open for her now"
    assert "Send photo request" in amira.post("/p/riverside/palette", {"q": "Whitfield"}).text


def test_whoever_has_no_right_to_patients_opens_one_and_no_more(house: House, visitor: Visit) -> None:
    with db.scope() as session:
        session.delete(
            session.scalars(
                select(Membership).where(
                    Membership.practice_id == house.riverside,
                    Membership.role == "clinician",
                    Membership.user_id == 4,
                )
            ).one()
        )
    helen = signed_in(visitor, "helen")
    first = house.patient_id(house.riverside, "Whitfield")
    second = house.patient_id(house.riverside, "Okafor")
    assert helen.get("/p/riverside/patients").status_code == 403
    ask = f"/p/riverside/emergency/{first}"
    assert helen.get(f"/p/riverside/patients/{first}").location == ask
    assert "outside your role" in helen.get(ask).get_data(as_text=True)
    helen.post(ask, {"reason": REASON})
    assert "Emergency access until" in helen.get(f"/p/riverside/patients/{first}").get_data(as_text=True)
    assert helen.get(f"/p/riverside/patients/{second}").status_code == 302
    assert helen.get("/p/riverside/patients").status_code == 403
    assert helen.post(f"/p/riverside/patients/{first}/edit", {"family_name": "X"}).status_code == 403


def test_a_record_is_restricted_and_lifted_by_those_who_have_access(house: House, visitor: Visit) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    amira, grace = signed_in(visitor, "amira"), signed_in(visitor, "grace")
    switch = f"/p/riverside/emergency/{patient_id}/restrict"
    assert grace.post(switch, {"restricted": "1"}).status_code == 403
    assert amira.post(switch, {"restricted": "1"}).status_code == 303
    assert amira.post(switch, {"restricted": "0"}).status_code == 403, "not without having opened it"
    amira.post(f"/p/riverside/emergency/{patient_id}", {"reason": REASON})
    assert amira.post(switch, {"restricted": "0"}).status_code == 303
    assert grace.get(f"/p/riverside/patients/{patient_id}").status_code == 200
    assert {"patient.restricted", "patient.unrestricted"} <= set(actions(house, patient_id))


def test_unknown_and_foreign_records_do_not_exist(house: House, visitor: Visit) -> None:
    amira = signed_in(visitor, "amira")
    foreign = house.patient_id(house.lumiere, "Benali")
    for patient_id in (foreign, uuid4()):
        assert amira.get(f"/p/riverside/emergency/{patient_id}").status_code == 404
        assert amira.post(f"/p/riverside/emergency/{patient_id}", {"reason": REASON}).status_code == 404


def test_nobody_looks_at_their_own_access_where_another_can(house: House, visitor: Visit, ill: UUID) -> None:
    from core import tenancy
    from core.security import add_membership

    with db.scope() as session:
        tom = session.scalars(select(User).where(User.username == "tom")).one()
        add_membership(tenancy.find_by_slug("riverside"), tom, PRACTICE_ADMIN)
    helen = signed_in(visitor, "helen")
    helen.post(f"/p/riverside/emergency/{ill}", {"reason": REASON})
    with house.at(house.riverside, write=False) as session:
        access = session.scalars(select(EmergencyAccess)).one()
        assert access.ends_at - access.started_at == timedelta(hours=1)
    assert helen.post(f"/p/riverside/oversight/{access.id}/review").status_code == 409
    assert signed_in(visitor, "tom").post(f"/p/riverside/oversight/{access.id}/review").status_code == 303


def test_a_practice_without_restricted_records_notices_nothing(house: House, visitor: Visit) -> None:
    amira = signed_in(visitor, "amira")
    patient_id = house.patient_id(house.riverside, "Whitfield")
    page = amira.get(f"/p/riverside/patients/{patient_id}")
    assert page.status_code == 200
    assert "Emergency access" not in page.get_data(as_text=True)
    with house.at(house.riverside, write=False) as session:
        assert not session.get_one(Patient, (house.riverside, patient_id)).restricted
