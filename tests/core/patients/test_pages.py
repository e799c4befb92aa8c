"""The staff pages about patients, as a browser without scripts meets them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select

from core import audit, db, patients
from core.plugin_system import Panel, activation
from core.plugin_system.contexts import PatientContext
from core.web import workspace
from tests.support.house import House, Visitor

Visitors = Callable[[], Visitor]
PATIENTS = "/p/riverside/patients"
DETAILS = {
    "given_names": "Zoë",
    "family_name": "O'Brien",
    "birth_date": "12/03/1980",
    "mobile": "07700 900123",
}


def page(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.get_data(as_text=True)[:500]
    return html.unescape(answer.get_data(as_text=True))


@contextmanager
def queries() -> Iterator[list[str]]:
    """The statements that reach the database inside the block."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        seen.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)


# --- list and search ---------------------------------------------------------------------------------------------


def test_the_list_names_everybody_and_leads_to_the_record(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    text = page(amira.get(PATIENTS))
    assert "Okafor, Samuel" in text
    assert f'href="{PATIENTS}/{patient_id}"' in text
    assert "7 patients" in text


def test_a_search_posts_and_answers_whole_page_or_results_alone(amira: Visitor) -> None:
    whole = page(amira.post(PATIENTS, {"q": "okaf"}))
    alone = page(amira.post(PATIENTS, {"q": "okaf"}, headers={"X-Fragment": "1"}))
    for text in (whole, alone):
        assert "1 patient found" in text
        assert "Okafor" in text
        assert "Whitfield" not in text
    assert "<html" in whole
    assert "<html" not in alone
    assert 'name="q" type="search" value="okaf"' in whole


def test_a_search_without_result_says_what_to_try(amira: Visitor) -> None:
    assert "No patient fits" in page(amira.post(PATIENTS, {"q": "<script>alert(1)</script>"}))
    assert "<script>alert(1)" not in amira.post(PATIENTS, {"q": "<script>alert(1)</script>"}).get_data(
        as_text=True
    )


def test_pages_lead_through_all_and_wrong_numbers_to_an_end(house: House, amira: Visitor) -> None:
    with house.at(house.riverside):
        for number in range(30):
            patients.create(
                given_names="Ann", family_name=f"Zz{chr(97 + number % 26)}", birth_date="1/1/1980"
            )
    first, second = page(amira.get(PATIENTS)), page(amira.post(PATIENTS, {"page": "2"}))
    rows = re.compile(rf'href="{PATIENTS}/([0-9a-f-]{{36}})"')
    assert "Page 1 of 2" in first
    assert len({*rows.findall(first), *rows.findall(second)}) == 37
    for wrong in ("0", "-1", "99999", "x", "²", "9" * 30):
        assert "of 2" in page(amira.post(PATIENTS, {"page": wrong}))


def test_the_list_asks_no_question_per_row(house: House, amira: Visitor) -> None:
    page(amira.get(PATIENTS))
    with queries() as few:
        page(amira.get(PATIENTS))
    with house.at(house.riverside):
        for number in range(18):
            patients.create(
                given_names="Ann",
                family_name=f"Zz{chr(97 + number)}",
                birth_date="1/1/1980",
                local_id=f"Z{number}",
            )
    with queries() as many:
        assert page(amira.get(PATIENTS)).count("patient-row-name") == 25
    assert len(many) == len(few)


def test_an_empty_practice_is_told_how_to_begin(house: House, visitor: Visitors) -> None:
    with house.at(house.riverside) as session:
        for patient in session.scalars(select(patients.Patient)):
            patient.active = False
    helen = visitor()
    helen.sign_in("helen")
    assert "Import a list" in page(helen.get(PATIENTS))


# --- the workspace -----------------------------------------------------------------------------------------------


def test_the_workspace_shows_who_how_to_reach_them_and_what_is_missing(house: House, amira: Visitor) -> None:
    with house.at(house.riverside):
        made = patients.create(**DETAILS, nhs_number="4010232137")
    text = page(amira.get(f"{PATIENTS}/{made.id}"))
    for shown in (
        "Zoë O'Brien",
        "12 March 1980",
        "401 023 2137",
        "07700 900123",
        "No e-mail address",
    ):
        assert shown in text
    assert "Record created" in page(amira.get(f"{PATIENTS}/{made.id}/panels/core/timeline"))
    assert 'data-panel="core.timeline"' in text
    assert f'data-panel-url="{PATIENTS}/{made.id}/panels/core/contact"' in text
    assert 'data-topics="core.patient:' in text


def test_another_practices_patient_does_not_exist(house: House, amira: Visitor) -> None:
    theirs = house.patient_id(house.lumiere, "Benali")
    for patient_id in (theirs, uuid4()):
        for path in ("", "/edit", "/panels/core/contact", "/panels/photo_request/photos"):
            text = page(amira.get(f"{PATIENTS}/{patient_id}{path}"), 404)
            assert "Benali" not in text
        for path in ("/edit", "/active"):
            page(amira.post(f"{PATIENTS}/{patient_id}{path}", {**DETAILS, "version": "1"}), 404)
    page(amira.get(f"/p/lumiere/patients/{theirs}"), 404)
    assert "Benali" not in page(amira.post(PATIENTS, {"q": "benali"})).replace('value="benali"', "")


def test_reading_a_record_is_on_the_trail(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    page(amira.get(f"{PATIENTS}/{patient_id}"))
    page(amira.get(f"{PATIENTS}/{patient_id}/panels/core/contact"))
    with house.at(house.riverside, write=False) as session:
        entries = session.scalars(
            select(audit.AuditEntry)
            .where(audit.AuditEntry.patient_id == patient_id, audit.AuditEntry.action == "patient.viewed")
            .order_by(audit.AuditEntry.seq)
        ).all()
    assert [(entry.actor_name, entry.detail) for entry in entries] == [
        ("Amira Khan", None),
        ("Amira Khan", {"part": "core.contact"}),
    ]


def broken(ctx: PatientContext) -> str:
    raise RuntimeError("boom")


def broken_statement(ctx: PatientContext) -> str:
    db.session().execute(select(patients.Patient).where(patients.Patient.id == "no uuid"))  # type: ignore[arg-type]
    return "never"


def markup_as_text(ctx: PatientContext) -> str:
    return "<b>plain text</b>"


@pytest.mark.both_databases
def test_a_panel_that_breaks_leaves_the_page_whole(
    house: House, amira: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    own = workspace.panels

    def with_broken(ctx: PatientContext, offered: Any) -> list[Panel]:
        made = [
            Panel("patient.main", name, name.title(), view, workspace.PERMISSION, order=order)
            for order, (name, view) in enumerate(
                {"broken": broken, "statement": broken_statement, "text": markup_as_text}.items()
            )
        ]
        return [*made, *own(ctx, offered)]

    monkeypatch.setattr(workspace, "panels", with_broken)
    answer = amira.get(f"{PATIENTS}/{patient_id}")
    assert "&lt;b&gt;plain text&lt;/b&gt;" in answer.get_data(as_text=True)
    text = page(answer)
    assert text.count("This part cannot be shown just now") == 2
    assert "boom" not in text
    for whole in ("Samuel Okafor", "Timeline", "Contact"):
        assert whole in text
    with house.at(house.riverside, write=False) as session:
        seen = select(audit.AuditEntry).where(audit.AuditEntry.patient_id == patient_id)
        assert "patient.viewed" in [entry.action for entry in session.scalars(seen)]


def test_a_panel_alone_is_gone_with_its_plugin_and_closed_without_permission(
    house: House, amira: Visitor, visitor: Visitors, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    photos = f"{PATIENTS}/{patient_id}/panels/photo_request/photos"
    assert "Photos" in page(amira.get(photos))
    assert "<html" not in page(amira.get(photos))
    page(amira.get(f"{PATIENTS}/{patient_id}/panels/photo_request/nothing"), 404)
    page(amira.get(f"{PATIENTS}/{patient_id}/panels/nobody/photos"), 404)
    page(amira.get("/p/riverside/panels/photo_request/nothing"), 404)
    own = workspace.panels

    def with_closed(ctx: PatientContext, offered: Any) -> list[Panel]:
        return [Panel("patient.side", "closed", "Closed", markup_as_text, "core.operate"), *own(ctx, offered)]

    monkeypatch.setattr(workspace, "panels", with_closed)
    page(amira.get(f"{PATIENTS}/{patient_id}/panels/core/closed"), 403)
    assert "plain text" not in page(amira.get(f"{PATIENTS}/{patient_id}"))
    with house.at(house.riverside):
        for plugin in ("photo_request", "video_call"):
            activation.disable(plugin)
    page(amira.get(photos), 404)
    text = page(amira.get(f"{PATIENTS}/{patient_id}"))
    assert "photo_request" not in text
    assert "Timeline" in text


def test_a_former_patient_is_marked_and_can_come_back(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    assert amira.post(f"{PATIENTS}/{patient_id}/active", {"active": "0"}).status_code == 303
    assert "No longer a patient here" in page(amira.get(f"{PATIENTS}/{patient_id}"))
    assert "Okafor" not in page(amira.get(PATIENTS))
    assert "Okafor" in page(amira.post(PATIENTS, {"inactive": "1"}))
    amira.post(f"{PATIENTS}/{patient_id}/active", {"active": "1"})
    assert "Okafor" in page(amira.get(PATIENTS))


# --- the form ------------------------------------------------------------------------------------------------------


def test_a_patient_is_added_and_opened(amira: Visitor) -> None:
    answer = amira.post(f"{PATIENTS}/new", DETAILS)
    assert answer.status_code == 303
    text = page(amira.get(answer.headers["Location"]))
    assert "Zoë O'Brien was added." in text
    assert 'href="tel:+447700900123">07700 900123' in text


def test_wrong_values_are_named_and_nothing_typed_is_lost(house: House, amira: Visitor) -> None:
    typed = {**DETAILS, "birth_date": "31/02/1980", "email": "zoe@", "nhs_number": "123", "phone": "never"}
    text = page(amira.post(f"{PATIENTS}/new", typed), 422)
    for value in typed.values():
        assert f'value="{value}"' in text
    for sentence in (
        "This date does not exist.",
        "This is not an e-mail address.",
        "An NHS number has 10 digits",
        "not a phone number",
    ):
        assert text.count(sentence) == 2  # at the top and at the field
    assert 'href="#field-birth_date"' in text
    with house.at(house.riverside, write=False):
        assert patients.search("obrien") == []


def test_the_same_person_is_asked_about_once(amira: Visitor) -> None:
    amira.post(f"{PATIENTS}/new", DETAILS)
    again = {**DETAILS, "given_names": "ZOE", "mobile": ""}
    assert "Is this the same person?" in page(amira.post(f"{PATIENTS}/new", again), 409)
    assert amira.post(f"{PATIENTS}/new", {**again, "anyway": "1"}).status_code == 303


def test_a_number_that_is_taken_leads_to_its_holder(house: House, amira: Visitor) -> None:
    with house.at(house.riverside):
        holder = patients.create(
            given_names="Ann", family_name="Lee", birth_date="1/1/1990", nhs_number="4010232137"
        )
    text = page(amira.post(f"{PATIENTS}/new", {**DETAILS, "nhs_number": "401 023 2137"}), 422)
    assert "already has this NHS number" in text
    assert f'href="{PATIENTS}/{holder.id}"' in text


def saved_form(amira: Visitor, patient_id: UUID) -> dict[str, str]:
    text = page(amira.get(f"{PATIENTS}/{patient_id}/edit"))
    form = text[text.index('<form class="form patient-form') :]
    fields = dict(re.findall(r'<input class="input[^>]* name="(\w+)"[^>]* value="([^"]*)"', form))
    fields |= dict(re.findall(r'<input type="hidden" name="(version)" value="(\d+)"', form))
    chosen = re.findall(r'<select[^>]* name="(\w+)".*?<option value="([^"]*)" selected', form, re.S)
    return fields | dict(chosen)


def test_the_form_shows_what_is_recorded_and_saving_it_changes_nothing(house: House, amira: Visitor) -> None:
    with house.at(house.riverside):
        made = patients.create(
            **DETAILS, sex="female", language="fr", nhs_number="4010232137", email="zoe@example.com"
        )
    form = saved_form(amira, made.id)
    assert form["mobile"] == "07700 900123"
    assert (form["birth_date"], form["sex"], form["language"]) == ("12/03/1980", "female", "fr")
    assert amira.post(f"{PATIENTS}/{made.id}/edit", form).status_code == 303
    with house.at(house.riverside, write=False):
        assert patients.get(made.id).version == 1


def test_two_people_editing_see_each_other(house: House, amira: Visitor) -> None:
    with house.at(house.riverside):
        made = patients.create(**DETAILS)
    mine = saved_form(amira, made.id)
    with house.at(house.riverside):
        patients.update(made.id, mobile="07700 900999")
    mine["email"] = "mine@example.com"
    text = page(amira.post(f"{PATIENTS}/{made.id}/edit", mine), 409)
    assert "Mobile is now recorded as: 07700 900999" in text
    assert 'value="mine@example.com"' in text
    with house.at(house.riverside, write=False):
        assert patients.get(made.id).email is None
    again = dict(mine, version=re.search(r'name="version" value="(\d+)"', text)[1])  # type: ignore[index]
    assert amira.post(f"{PATIENTS}/{made.id}/edit", again).status_code == 303


# --- Today -----------------------------------------------------------------------------------------------------------


def test_today_greets_and_shows_what_plugins_bring(house: House, amira: Visitor) -> None:
    text = page(amira.get("/p/riverside/"))
    assert re.search(r"Good (morning|afternoon|evening), Amira", text)
    assert 'data-panel="photo_request.photos_today"' in text
    assert "Photo requests" in page(amira.get("/p/riverside/panels/photo_request/photos_today"))
    with house.at(house.riverside):
        activation.disable("photo_request")
    text = page(amira.get("/p/riverside/"))
    assert "Nothing waits for the practice" in text
    assert "photo_request" not in text
    page(amira.get("/p/riverside/panels/photo_request/photos_today"), 404)
