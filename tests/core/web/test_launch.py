"""From the clinical system: the door, the choice, the patient; and the toolbar that follows."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from core.audit import AuditEntry
from core.patients import Patient, active
from core.security.models import SignInSession
from tests.support.house import House, Visitor
from tests.support.pages import text

DOOR = "/p/riverside/launch"
OPEN = "/p/riverside/launch/open"
MARGARET = {"nhs_number": "999 000 0018", "system": "EMIS Web"}


@pytest.fixture
def margaret(house: House) -> UUID:
    return house.patient_id(house.riverside, "Whitfield")


def trail(house: House, action: str) -> list[AuditEntry]:
    with house.at(house.riverside, write=False) as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


def user_id(house: House) -> int:
    with house.at(house.riverside, write=False) as session:
        return session.scalars(select(SignInSession.user_id).order_by(SignInSession.id.desc())).first() or 0


# --- the door ----------------------------------------------------------------------------------------------------


def test_the_door_is_the_same_for_every_practice_and_says_where_to_sign_in(
    visitor: Callable[[], Visitor],
) -> None:
    for slug in ("riverside", "no-such-practice"):
        page = visitor().get(f"/p/{slug}/launch").get_data(as_text=True)
        assert f'data-sign-in="/login?next=/p/{slug}/launch"' in page


def test_signed_in_the_door_leads_on(amira: Visitor) -> None:
    page = amira.get(DOOR).get_data(as_text=True)
    assert "data-sign-in" not in page
    assert f'action="{OPEN}"' in page


def test_the_script_that_clears_the_address_runs_before_anything_else_is_loaded(amira: Visitor) -> None:
    head = amira.get(DOOR).get_data(as_text=True).partition("<head>")[2]
    first = re.search(r"<(script|link|img|style)\b[^>]*>", head)
    assert first is not None
    assert "js/launch.js" in first.group()
    assert 'type="module"' not in first.group()


def test_a_form_of_another_site_is_handed_over_without_touching_the_session(
    visitor: Callable[[], Visitor],
) -> None:
    browser = visitor()
    answer = browser.client.post(
        DOOR,
        data={**MARGARET, "family_name": "</script><b>", "csrf_token": "x", "unknown": "left aside"},
        headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://emis.example"},
        buffered=True,
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert '"nhs_number": "999 000 0018"' in page
    assert "</script><b>" not in page
    assert "left aside" not in page
    assert answer.headers["Cache-Control"] == "no-store"


def test_inside_the_practice_a_form_of_another_site_is_refused(amira: Visitor, margaret: UUID) -> None:
    for place in (OPEN, "/p/riverside/launch/choose", "/p/riverside/toolbar/patient"):
        answer = amira.post(
            place, {**MARGARET, "patient_id": str(margaret)}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert answer.status_code == 400


def test_who_is_not_signed_in_or_works_elsewhere_opens_nothing(
    visitor: Callable[[], Visitor], house: House
) -> None:
    assert visitor().post(OPEN, MARGARET).status_code == 401
    nadia = visitor()
    nadia.sign_in("nadia")
    assert nadia.post(OPEN, MARGARET).status_code == 404
    assert trail(house, "patient.launched") == []


# --- the patient -------------------------------------------------------------------------------------------------


def test_the_number_opens_the_patient_and_the_trail_names_the_launch(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    answer = amira.post(OPEN, MARGARET)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/p/riverside/patients/{margaret}"
    (entry,) = trail(house, "patient.launched")
    assert entry.patient_id == margaret
    assert entry.detail == {"by": "nhs_number", "system": "EMIS Web", "action": ""}


@pytest.mark.parametrize("action", ["photo_request", "photo_request.send"])
def test_the_action_is_preselected(amira: Visitor, margaret: UUID, action: str) -> None:
    answer = amira.post(OPEN, {**MARGARET, "action": action})
    assert answer.headers["Location"] == f"/p/riverside/photo_request/patients/{margaret}/new"


def test_an_action_that_is_not_offered_opens_the_record_and_says_so(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    house.switch(house.riverside, "photo_request", on=False)
    answer = amira.post(OPEN, {**MARGARET, "action": "photo_request"})
    assert answer.headers["Location"] == f"/p/riverside/patients/{margaret}"
    assert "What the clinical system asked for is not offered" in text(amira.get(answer.headers["Location"]))


def test_the_address_never_holds_what_identifies(amira: Visitor) -> None:
    for typed in (MARGARET, {"birth_date": "14/03/1951", "name": "Margaret Whitfield"}):
        place = amira.post(OPEN, typed).headers["Location"]
        assert not re.search(r"999|Whitfield|1951", place)


# --- the choice --------------------------------------------------------------------------------------------------


def test_an_unknown_patient_can_be_added_with_what_is_known(amira: Visitor, house: House) -> None:
    typed = {
        "nhs_number": "9434765919",
        "birth_date": "1990-02-01",
        "name": "LEY, Ada",
        "action": "photo_request",
    }
    answer = amira.post(OPEN, typed)
    assert answer.status_code == 404
    assert "Nobody at this practice has these details" in text(answer)
    page = answer.get_data(as_text=True)
    assert 'name="family_name" value="LEY"' in page
    known = {
        "nhs_number": "9434765919",
        "birth_date": "01/02/1990",
        "family_name": "LEY",
        "given_names": "Ada",
    }
    answer = amira.post("/p/riverside/launch/add", {**known, "action": "photo_request"})
    form = answer.get_data(as_text=True)
    assert 'value="LEY"' in form
    assert 'name="then" value="photo_request"' in form
    made = amira.post(
        "/p/riverside/patients/new",
        {"given_names": "Ada", "family_name": "Ley", "birth_date": "01/02/1990", "then": "photo_request"},
    )
    patient_id = house.patient_id(house.riverside, "Ley")
    assert made.headers["Location"] == f"/p/riverside/patients/{patient_id}/actions/photo_request"
    then = amira.get(made.headers["Location"])
    assert then.headers["Location"] == f"/p/riverside/photo_request/patients/{patient_id}/new"


def test_a_contradiction_is_shown_and_chosen_by_a_person(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    answer = amira.post(OPEN, {**MARGARET, "birth_date": "15/03/1951"})
    assert answer.status_code == 409
    assert "do not all belong to the same patient" in text(answer)
    assert "Whitfield, Margaret" in text(answer)
    assert trail(house, "patient.launched") == []
    (unclear,) = trail(house, "launch.unclear")
    assert unclear.detail == {"doubt": "contradiction", "by": "birth_date, nhs_number", "system": "EMIS Web"}
    assert margaret in {one for entry in trail(house, "patients.listed") for one in entry.shown}
    chosen = amira.post(
        "/p/riverside/launch/choose", {"patient_id": str(margaret), "action": "photo_request"}
    )
    assert chosen.headers["Location"].endswith(f"/{margaret}/new")
    (entry,) = trail(house, "patient.launched")
    assert entry.detail == {"by": "choice", "action": "photo_request"}


def test_nothing_that_was_sent_is_on_the_trail(amira: Visitor, house: House) -> None:
    amira.post(
        OPEN, {"nhs_number": "9434765919", "name": "Ada Ley", "system": "<b>Ada Ley</b>", "action": "Ada Ley"}
    )
    with house.at(house.riverside, write=False) as session:
        details = [str(entry.detail) for entry in session.scalars(select(AuditEntry))]
    assert not [one for one in details if "Ley" in one or "9434765919" in one]


@pytest.mark.parametrize("wrong", ["", "x", "0192a000-0000-7000-8000-000000000000"])
def test_a_choice_of_nobody_is_not_found(amira: Visitor, wrong: str) -> None:
    assert amira.post("/p/riverside/launch/choose", {"patient_id": wrong}).status_code == 404


def test_a_number_that_is_none_is_said_and_nothing_is_guessed(amira: Visitor) -> None:
    answer = amira.post(OPEN, {"nhs_number": "1234"})
    assert answer.status_code == 409
    assert "An NHS number has 10 digits" in text(answer)


# --- the toolbar -------------------------------------------------------------------------------------------------


def test_the_toolbar_shows_the_patient_of_the_last_launch(amira: Visitor, margaret: UUID) -> None:
    assert "No patient" in text(amira.get("/p/riverside/toolbar"))
    amira.post(OPEN, MARGARET)
    page = amira.get("/p/riverside/toolbar").get_data(as_text=True)
    assert "Margaret Whitfield" in page
    assert 'aria-label="Send photo request"' in page
    assert page.count('target="careroom"') >= 3
    assert "data-ticket=" in page


def test_the_toolbar_follows_a_workspace_and_is_cleared(amira: Visitor, house: House) -> None:
    samuel = house.patient_id(house.riverside, "Okafor")
    assert amira.post("/p/riverside/toolbar/patient", {"patient_id": str(samuel)}).status_code == 204
    assert "Samuel Okafor" in text(amira.get("/p/riverside/toolbar/patient"))
    assert amira.post("/p/riverside/toolbar/clear").status_code == 204
    assert "Samuel Okafor" not in text(amira.get("/p/riverside/toolbar/patient"))


def test_everybody_has_a_toolbar_of_their_own(amira: Visitor, visitor: Callable[[], Visitor]) -> None:
    amira.post(OPEN, MARGARET)
    tom = visitor()
    tom.sign_in("grace")
    assert "No patient" in text(tom.get("/p/riverside/toolbar"))


def test_seeing_the_toolbar_leaves_an_entry(amira: Visitor, house: House, margaret: UUID) -> None:
    amira.post(OPEN, MARGARET)
    amira.get("/p/riverside/toolbar/patient")
    assert [one.detail for one in trail(house, "patient.viewed")] == [{"part": "toolbar.panel"}]


def test_a_patient_who_is_gone_is_nobodys_current_one(amira: Visitor, house: House, margaret: UUID) -> None:
    amira.post(OPEN, MARGARET)
    with house.at(house.riverside) as session:
        session.delete(session.get_one(Patient, (house.riverside, margaret)))
    with house.at(house.riverside, write=False):
        assert active.current(user_id(house)) is None
    assert "No patient" in text(amira.get("/p/riverside/toolbar"))
