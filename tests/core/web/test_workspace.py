"""The patient workspace: alerts, contact data with consent, messages, and everything that happened."""

from __future__ import annotations

import re
import threading
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import notifications, patients
from core.audit import AuditEntry
from core.notifications import Notification, replies, rules, ways
from core.notifications.errors import ConsentMissing
from core.patients import alerts, contact_states
from core.patients.models import PatientAlert
from core.web import communication
from tests.support.house import House, Visitor
from tests.support.pages import text

PATIENTS = "/p/riverside/patients"


@pytest.fixture
def margaret(house: House) -> UUID:
    return house.patient_id(house.riverside, "Whitfield")


def actions(house: House) -> list[tuple[str, Any]]:
    with house.at(house.riverside, write=False) as session:
        return [
            (one.action, one.detail) for one in session.scalars(select(AuditEntry).order_by(AuditEntry.seq))
        ]


# --- alerts ------------------------------------------------------------------------------------------------------


def test_an_alert_stands_beside_the_name_until_it_is_resolved(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    url = f"{PATIENTS}/{margaret}"
    assert (
        amira.post(f"{url}/alerts", {"text": "  Hard of   hearing ", "level": "warning"}).status_code == 303
    )
    page = text(amira.get(url))
    assert "Warning: Hard of hearing" in page
    assert "Warning: Hard of hearing" in text(amira.get(f"{url}/alerts"))
    with house.at(house.riverside, write=False) as session:
        (alert,) = session.scalars(select(PatientAlert))
        assert (alert.text, alert.level, alert.added_by) == ("Hard of hearing", "warning", "Amira Khan")
    assert amira.post(f"{url}/alerts/{alert.id}/resolve").status_code == 303
    assert "Hard of hearing" not in text(amira.get(f"{url}/alerts"))
    assert "Alert resolved: Hard of hearing" in text(amira.get(f"{url}/timeline"))
    told = [one for one in actions(house) if one[0].startswith("patient.alert")]
    assert told == [("patient.alert_added", None), ("patient.alert_resolved", None)]


@pytest.mark.parametrize(
    ("wrong", "said"), [(" ", "Write what the others must know"), ("x" * 121, "at most 120")]
)
def test_a_wrong_alert_is_said_and_what_was_typed_stays(
    amira: Visitor, margaret: UUID, wrong: str, said: str
) -> None:
    answer = amira.post(f"{PATIENTS}/{margaret}/alerts", {"text": wrong})
    assert answer.status_code == 422
    assert said in text(answer)
    assert wrong.strip() in answer.get_data(as_text=True)


def test_the_same_alert_twice_is_one_and_too_many_are_refused(house: House, margaret: UUID) -> None:
    with house.at(house.riverside):
        first = alerts.add(margaret, "Hard of hearing")
        assert alerts.add(margaret, "hard of HEARING", "warning").id == first.id
        for number in range(alerts.MOST_OPEN - 1):
            alerts.add(margaret, f"Note {number}")
        with pytest.raises(alerts.AlertRefused):
            alerts.add(margaret, "One more")
        assert alerts.open_alerts(margaret)[0].text == "Hard of hearing"  # warnings come first


def test_an_alert_that_is_added_again_is_raised_on_the_trail_and_never_lowered(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    url = f"{PATIENTS}/{margaret}"
    for level in ("note", "warning", "note"):
        amira.post(f"{url}/alerts", {"text": "Hard of hearing", "level": level})
    assert "Warning: Hard of hearing" in text(amira.get(f"{url}/alerts"))
    told = [action for action, _detail in actions(house) if action.startswith("patient.alert")]
    assert told == ["patient.alert_added", "patient.alert_raised"]
    assert "Alert made a warning" in text(amira.get(f"{url}/timeline"))


def test_an_alert_of_another_patient_is_not_found(amira: Visitor, house: House, margaret: UUID) -> None:
    samuel = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside):
        alert_id = alerts.add(samuel, "Hard of hearing").id
    assert amira.post(f"{PATIENTS}/{margaret}/alerts/{alert_id}/resolve").status_code == 404
    with house.at(house.riverside, write=False):
        assert len(alerts.open_alerts(samuel)) == 1


# --- consent and confirmation ------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_what_came_in_while_the_form_was_open_is_not_undone(
    house: House, amira: Visitor, margaret: UUID
) -> None:
    """The patient answers STOP to a text; a form that says "agreed" is open, and saved for the e-mails' sake."""
    with house.at(house.riverside):
        contact_states.set_consent(margaret, "sms", "given")
    url = f"{PATIENTS}/{margaret}/consent"
    page = amira.get(url).get_data(as_text=True)
    seen = {name: re.search(rf'name="{name}_seen" value="([^"]+)"', page) for name in ("sms", "email")}
    form = {f"{name}_seen": unescape(found[1]) for name, found in seen.items() if found}
    form |= {"sms_consent": "given", "email_consent": "refused"}
    assert len(form) == 4
    with house.at(house.riverside):
        contact_states.set_consent(margaret, "sms", "refused", how="reply")
    answer = amira.post(url, form)
    assert answer.status_code == 409
    assert "The record has changed meanwhile" in text(answer)
    again = answer.get_data(as_text=True)
    checked = re.findall(r'name="(\w+)_consent" value="(\w+)"[^>]* checked', again)
    assert checked == [("sms", "refused"), ("email", "refused")], "what came in, and what was typed"
    with house.at(house.riverside, write=False):
        assert contact_states.consent(margaret, "sms") == "refused"
        assert contact_states.consent(margaret, "email") == "unknown", "nothing is saved yet"
    now = {name: re.search(rf'name="{name}_seen" value="([^"]+)"', again) for name in ("sms", "email")}
    fresh = {f"{name}_seen": unescape(found[1]) for name, found in now.items() if found}
    assert amira.post(url, {**form, **fresh, "sms_consent": "refused"}).status_code == 303
    with house.at(house.riverside, write=False):
        assert contact_states.consent(margaret, "email") == "refused"


@pytest.mark.both_databases
@pytest.mark.parametrize(("before", "said"), [(None, "given"), ("given", "unknown")])
def test_a_stop_that_comes_while_the_form_is_saved_stands(
    house: House,
    amira: Visitor,
    margaret: UUID,
    monkeypatch: pytest.MonkeyPatch,
    before: Any,
    said: str,
) -> None:
    if before:
        with house.at(house.riverside):
            contact_states.set_consent(margaret, "sms", before)
    stop = threading.Thread(target=replies.stop, args=("+447700900101", "reply"))
    write = contact_states.set_consent

    def meanwhile(*given: Any, **more: Any) -> bool:
        if threading.current_thread() is not stop and stop.ident is None:
            stop.start()  # the form was compared with the record, and is about to be written
            stop.join(0.3)
        return write(*given, **more)

    monkeypatch.setattr(contact_states, "set_consent", meanwhile)
    assert amira.post(f"{PATIENTS}/{margaret}/consent", {"sms_consent": said}).status_code == 303
    stop.join()
    with house.at(house.riverside, write=False):
        assert contact_states.consent(margaret, "sms") == "refused"
        assert contact_states.refused_by_themselves(margaret, "sms")


def test_without_consent_no_text_is_offered_or_sent_and_the_form_says_why(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    said = {"sms_consent": "refused", "email_consent": "given"}
    assert amira.post(f"{PATIENTS}/{margaret}/consent", said).status_code == 303
    assert "No texts, said on" in text(amira.get(f"{PATIENTS}/{margaret}"))
    form = amira.get(f"/p/riverside/photo_request/patients/{margaret}/new")
    assert "This patient does not want texts" in text(form)
    boxes = re.findall(r'<input[^>]*name="channels"[^>]*>', form.get_data(as_text=True))
    assert ["disabled" in box for box in boxes] == [True, False]
    answer = amira.post(f"/p/riverside/photo_request/patients/{margaret}/new", {"channels": "sms"})
    assert answer.status_code == 422
    assert "This patient does not want texts" in text(answer)
    with house.at(house.riverside, write=False) as session:
        assert list(session.scalars(select(Notification))) == []


@pytest.mark.both_databases
def test_a_practice_may_ask_first(house: House, margaret: UUID) -> None:
    template = notifications.templates.registered()[0]
    filled = dict.fromkeys(template.variables, "x")
    with house.at(house.riverside):
        rules.save({"only_with_consent": True})
        patient = patients.get(margaret)
        assert "Nobody has asked" in ways.to(patient)["sms"].why_not
        with pytest.raises(ConsentMissing):
            notifications.send(template.name, patient=patient, channels=["sms"], variables=filled, key=None)
        contact_states.set_consent(margaret, "sms", "given")
        assert ways.to(patient)["sms"].usable
        assert notifications.send(
            template.name, patient=patient, channels=["sms"], variables=filled, key=None
        )


def test_a_confirmed_number_is_confirmed_until_it_changes(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    url = f"{PATIENTS}/{margaret}"
    assert "Not confirmed yet" in text(amira.get(url))
    form = {"sms_consent": "unknown", "sms_address": "+447700900101", "sms_verified": "1"}
    amira.post(f"{url}/consent", form)
    assert "Confirmed with the patient on" in text(amira.get(url))
    with house.at(house.riverside):
        patients.update(margaret, mobile="+447700900199")
    page = text(amira.get(url))
    assert "Confirmed with the patient on" not in page
    # A form that was open meanwhile speaks of the old number.
    amira.post(f"{url}/consent", form)
    assert "Confirmed with the patient on" not in text(amira.get(url))


def test_the_second_phone_is_confirmed_like_the_first_and_nobody_is_asked_about_consent(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    url = f"{PATIENTS}/{margaret}"
    assert "phone_verified" not in amira.get(f"{url}/consent").get_data(as_text=True), "there is none yet"
    with house.at(house.riverside):
        patients.update(margaret, phone="020 7946 0018")
    assert text(amira.get(url)).count("Not confirmed yet") == 3, "mobile, other phone, e-mail"
    form = amira.get(f"{url}/consent").get_data(as_text=True)
    assert "phone_consent" not in form
    sent = dict(re.findall(r'name="(phone_\w+)" value="([^"]*)"', form))
    assert sent == {"phone_seen": "False", "phone_address": "+442079460018", "phone_verified": "1"}
    assert amira.post(f"{url}/consent", sent).status_code == 303
    assert text(amira.get(url)).count("Confirmed with the patient on") == 1
    assert "Contact data confirmed Other phone · By Amira Khan" in text(amira.get(f"{url}/timeline"))
    assert amira.post(f"{url}/consent", sent).status_code == 409, "a form from before"
    with house.at(house.riverside):
        patients.update(margaret, phone="020 7946 0019")
    assert "Confirmed with the patient on" not in text(amira.get(url))


# --- messages ----------------------------------------------------------------------------------------------------


def written(house: House, margaret: UUID, state: str) -> UUID:
    template = notifications.templates.registered()[0]
    with house.at(house.riverside):
        filled = dict.fromkeys(template.variables, "x")
        (row,) = notifications.send(
            template.name, patient=patients.get(margaret), channels=["sms"], variables=filled, key=None
        )
        row.state, row.last_error = state, "recipient_unreachable" if state != "delivered" else None
        return row.id


def test_each_message_has_its_state_in_words_and_can_be_sent_again(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    failed = written(house, margaret, "failed")
    written(house, margaret, "delivered")
    page = text(amira.get(f"{PATIENTS}/{margaret}/messages"))
    for said in (
        "2 messages",
        "Delivered",
        "Did not arrive",
        "The recipient's phone could not be reached",
        "Send again",
    ):
        assert said in page
    assert page.count("Send again") == 1
    answer = amira.post(f"{PATIENTS}/{margaret}/messages/{failed}/retry", {"back": "log"})
    assert answer.headers["Location"] == f"{PATIENTS}/{margaret}/messages"
    assert "Waiting to be sent" in text(amira.get(answer.headers["Location"]))


def test_the_messages_of_years_are_counted_and_shown_page_by_page(
    amira: Visitor, house: House, margaret: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(communication, "PAGE", 2)
    for state in ("delivered", "delivered", "failed"):
        written(house, margaret, state)
    place = f"{PATIENTS}/{margaret}/messages"
    first, second = text(amira.get(place)), text(amira.get(f"{place}?page=2"))
    assert "3 messages" in first
    assert "3 messages" in second
    assert "Page 2 of 2" in second
    assert (first.count("Delivered"), second.count("Delivered")) == (1, 1)


def test_who_refused_texts_meanwhile_gets_none_again(amira: Visitor, house: House, margaret: UUID) -> None:
    failed = written(house, margaret, "failed")
    with house.at(house.riverside):
        contact_states.set_consent(margaret, "sms", "refused")
    answer = amira.post(f"{PATIENTS}/{margaret}/messages/{failed}/retry")
    assert "does not want texts" in text(amira.get(answer.headers["Location"]))
    with house.at(house.riverside, write=False):
        assert notifications.get(failed).state == "failed"  # type: ignore[union-attr]


def test_a_message_to_somebody_else_is_not_found(amira: Visitor, house: House, margaret: UUID) -> None:
    failed = written(house, margaret, "failed")
    samuel = house.patient_id(house.riverside, "Okafor")
    assert amira.post(f"{PATIENTS}/{samuel}/messages/{failed}/retry").status_code == 404


# --- the timeline ------------------------------------------------------------------------------------------------


def test_the_timeline_tells_what_the_core_did_and_leads_on_page_by_page(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    with house.at(house.riverside):
        for number in range(40):
            patients.update(margaret, phone=f"+4420794600{number:02}")
    url = f"{PATIENTS}/{margaret}/timeline"
    seen, pages = [], 0
    while url:
        answer = amira.get(url)
        pages += 1
        page = answer.get_data(as_text=True)
        seen += re.findall(r'class="timeline-title">(?:<a[^>]*>)?([^<]+)', page)
        found = re.search(r'href="([^"]*/timeline\?before=[^"]+)"[^>]*rel="next"', page)
        url = unescape(found.group(1)) if found else ""
    assert pages == 2
    assert seen.count("Details changed") == 40
    assert seen[-1] == "Record created"


@pytest.mark.parametrize("wrong", ["x", "2020-01-01", "9999-99-99T00:00:00+00:00"])
def test_a_wrong_moment_is_the_newest(amira: Visitor, margaret: UUID, wrong: str) -> None:
    assert "Record created" in text(amira.get(f"{PATIENTS}/{margaret}/timeline?before={wrong}"))
