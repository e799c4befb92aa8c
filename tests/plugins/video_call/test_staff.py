"""What the practice sees and does: lists, the steps behind their buttons, the page after a call, and who may not."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from core import db, notifications
from core.audit import AuditEntry
from plugins.video_call import service, states
from plugins.video_call.models import Call, Participant
from tests.plugins.video_call.conftest import BASE, Handset, Made, make_call
from tests.support.forms import forms_of
from tests.support.house import House, Visitor
from tests.support.pages import text


def as_script(visitor: Visitor, url: str, data: Any = None) -> Any:
    """POST as the call's page does."""
    return visitor.post(url, data, headers={"Accept": "application/json"})


def shown(page: Any) -> list[str]:
    """The patients that a list shows, in its order."""
    return re.findall(
        r'class="vc-person">.*?/patients/[0-9a-f-]+">([^<]+)<', page.get_data(as_text=True), re.S
    )


def test_the_list_puts_first_who_is_ready(house: House, amira: Visitor) -> None:
    make_call(house, states.INVITED, family_name="Whitfield")
    make_call(house, states.IN_CALL, family_name="Okafor")
    make_call(house, states.READY, family_name="Garnier")
    soon = db.utcnow() + timedelta(minutes=5)  # of today, unless it is about to end
    make_call(house, states.SCHEDULED, family_name="Novak", at=soon)
    make_call(house, states.ENDED, family_name="Rahman-Clarke")
    page = amira.get(f"{BASE}/")
    assert shown(page) == ["Élodie Garnier", "Samuel Okafor", "Margaret Whitfield", "Daniel Novak"]
    words = text(page)
    for word in ("Patient is ready", "In the call", "Waiting for patient", "Planned"):
        assert word in words
    html = page.get_data(as_text=True)
    assert 'state-success" data-state="ready"' in html, "green"
    assert 'state-warning" data-state="invited"' in html, "gold"
    assert 'data-topics="video_call.call"' in html
    assert "<html" not in amira.get(f"{BASE}/?fragment=1").get_data(as_text=True)
    assert set(shown(amira.get(f"{BASE}/?show=today"))) == {
        "Élodie Garnier", "Samuel Okafor", "Margaret Whitfield", "Daniel Novak", "Aisha Rahman-Clarke",
    }  # fmt: skip
    assert shown(amira.get(f"{BASE}/?show=past")) == ["Aisha Rahman-Clarke"]
    assert amira.get(f"{BASE}/?show=nonsense").status_code == 404
    rail = text(amira.get("/p/riverside/"))
    assert "Consultations 1" in rail
    assert "Patient is ready" in rail, "the card of Today"


def test_lists_are_filtered(house: House, amira: Visitor, visitor: Callable[[], Visitor]) -> None:
    held, missed = make_call(house, states.ENDED), make_call(house, states.MISSED, family_name="Okafor")
    make_call(house, states.READY, family_name="Garnier")
    amira.post(f"{BASE}/calls/{held.id}/finish", {"outcome": "completed", "notes": "All well."})
    assert shown(amira.get(f"{BASE}/?show=past&outcome=completed")) == ["Margaret Whitfield"]
    assert shown(amira.get(f"{BASE}/?show=past&outcome=open")) == ["Samuel Okafor"]
    amira.post(f"{BASE}/calls/{missed.id}/finish", {"outcome": "unsuccessful", "reason": "no_show"})
    assert shown(amira.get(f"{BASE}/?show=past&outcome=unsuccessful")) == ["Samuel Okafor"]
    tom = visitor()
    tom.sign_in("tom")
    assert shown(tom.get(f"{BASE}/?whose=mine")) == []
    assert shown(amira.get(f"{BASE}/?whose=mine")) == ["Élodie Garnier"]


def test_letting_in_holding_and_hanging_up(
    house: House, amira: Visitor, call_in: Callable[..., Made], see: Callable[[Made], Call]
) -> None:
    made = call_in(states.READY)
    answer = amira.post(f"{BASE}/calls/{made.id}/admit")
    assert answer.headers["Location"].endswith(f"/calls/{made.id}")
    said = as_script(amira, f"{BASE}/calls/{made.id}/hold").json
    assert (said["state"], said["held"]) == (states.ON_HOLD, True)
    assert as_script(amira, f"{BASE}/calls/{made.id}/resume").json["state"] == states.ADMITTED
    answer = amira.post(f"{BASE}/calls/{made.id}/end")
    assert answer.headers["Location"].endswith(f"/calls/{made.id}/ended")
    late = as_script(amira, f"{BASE}/calls/{made.id}/admit")
    assert late.status_code == 409
    assert late.json["error"]["code"] == "wrong_state"
    kind = amira.post(f"{BASE}/calls/{made.id}/admit", follow_redirects=True)
    assert "has moved on meanwhile" in text(kind)
    assert see(made).ended_by == "clinician"


def test_the_waiting_patient_reads_what_the_clinician_writes(
    call_in: Callable[..., Made],
    amira: Visitor,
    enter: Callable[[Made], Handset],
    see: Callable[[Made], Call],
) -> None:
    made = call_in(states.WAITING)
    phone = enter(made)
    phone.post("/ready", {"camera": True, "microphone": True})
    assert phone.get("/state").json["position"] == 1
    as_script(amira, f"{BASE}/calls/{made.id}/message", {"text": "  Ten\nminutes "})
    assert phone.get("/state").json["message"] == "Ten minutes"
    as_script(amira, f"{BASE}/calls/{made.id}/message", {"text": ""})
    assert phone.get("/state").json["message"] is None
    as_script(amira, f"{BASE}/calls/{made.id}/decline", {"reason": "Please call us instead."})
    said = phone.get("/state").json
    assert (said["state"], said["reason"]) == (states.DECLINED, "Please call us instead.")
    assert phone.get("/").status_code == 200, "the patient still reads why"
    assert as_script(amira, f"{BASE}/calls/{made.id}/message", {"text": "Late"}).status_code == 409


def test_a_call_is_handed_over_to_somebody_who_may(
    call_in: Callable[..., Made], amira: Visitor, see: Callable[[Made], Call], house: House
) -> None:
    made = call_in(states.READY)
    with house.at(house.riverside, write=False):
        from core.security import colleagues

        known = {one.name: one.user_id for one in colleagues.who_may("video_call.conduct")}
    assert set(known) == {"Amira Khan", "Tom Ashworth", "Helen Price"}
    assert amira.post(f"{BASE}/calls/{made.id}/transfer", {"to": 999}).status_code == 400
    answer = amira.post(
        f"{BASE}/calls/{made.id}/transfer", {"to": known["Tom Ashworth"]}, follow_redirects=True
    )
    assert "Tom Ashworth holds this consultation now." in text(answer)
    assert see(made).clinician_id == str(known["Tom Ashworth"])
    with house.at(house.riverside, write=False) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "video_call.transfer")).one()
        assert (entry.detail or {})["before"] == "Amira Khan"


def test_guests_join_with_a_button_and_are_let_in(
    house: House, call_in: Callable[..., Made], amira: Visitor, visitor: Callable[[], Visitor]
) -> None:
    made = call_in(states.READY)
    form = {"name": "Ines Costa", "as_what": "interpreter", "to": "ines@example.com"}
    as_script(amira, f"{BASE}/calls/{made.id}/guests", form)
    with house.at(house.riverside, write=False) as session:
        body = next(m.body for m in notifications.about(made.id) if m.template == "video_call.guest")
        guest_id = session.scalars(select(Participant.id).where(Participant.role == "guest")).one()
    path = re.search(r"/l/[a-z2-7]{32}", body)
    assert path
    phone = visitor()
    page = text(phone.get(path.group()))
    assert "Join as Ines Costa (Interpreter)" in page
    assert "date of birth" not in page
    assert "Whitfield" not in page
    day, month, year = made.born
    guess = phone.post(path.group(), {"day": day, "month": month, "year": year})
    assert guess.status_code != 303, "a guest's link does not tell whether a date of birth is right"
    answer = phone.post(path.group(), {"enter": "1"})
    assert answer.status_code == 303
    place = Handset(phone, answer.headers["Location"].split("?")[0].rstrip("/"))
    assert place.get("/state").json["admitted"] is False
    assert "Ines Costa" in text(amira.get(f"{BASE}/"))
    as_script(amira, f"{BASE}/calls/{made.id}/guests/{guest_id}/admit")
    assert place.get("/state").json["admitted"] is True
    place.post("/end")
    assert place.get("/state").json["state"] == states.READY, "a guest ends nothing"
    as_script(amira, f"{BASE}/calls/{made.id}/guests/{guest_id}/remove")
    assert place.get("/state").status_code == 410
    refused = as_script(amira, f"{BASE}/calls/{made.id}/guests", {**form, "to": "nobody"})
    assert refused.status_code == 409


def test_a_patients_link_is_not_opened_by_the_button_of_guests(
    call_in: Callable[..., Made], visitor: Callable[[], Visitor], see: Callable[[Made], Call]
) -> None:
    made = call_in()
    assert visitor().post(made.path, {"enter": "1"}).status_code == 422
    assert see(made).state == states.INVITED


def test_how_it_went_is_noted_with_a_reason(
    house: House, call_in: Callable[..., Made], amira: Visitor, see: Callable[[Made], Call]
) -> None:
    made = call_in(states.ENDED)
    page = text(amira.get(f"{BASE}/calls/{made.id}/ended"))
    assert "Consultation completed" in page
    assert "Consultation unsuccessful" in page
    assert "Nothing was shared" in page
    url = f"{BASE}/calls/{made.id}/finish"
    assert "choose the reason, too" in text(
        amira.post(url, {"outcome": "unsuccessful"}, follow_redirects=True)
    )
    assert see(made).outcome is None
    amira.post(url, {"outcome": "unsuccessful", "reason": "no_sound", "notes": "Try the phone.\r\nTomorrow."})
    call = see(made)
    assert (call.outcome, call.outcome_reason, call.notes) == (
        "unsuccessful",
        "no_sound",
        "Try the phone.\nTomorrow.",
    )
    workspace = text(amira.get(f"/p/riverside/patients/{made.patient_id}"))
    assert "Unsuccessful" in workspace
    assert "Try the phone." in workspace
    timeline = text(amira.get(f"/p/riverside/patients/{made.patient_id}/timeline"))
    assert "Video consultation unsuccessful" in timeline
    assert "No sound" in timeline


def test_notes_that_changed_since_the_form_was_shown_are_not_replaced_unseen(
    house: House, call_in: Callable[..., Made], amira: Visitor, helen: Visitor, see: Callable[[Made], Call]
) -> None:
    made = call_in(states.IN_CALL)
    url = f"{BASE}/calls/{made.id}"
    amira.post(f"{url}/notes", {"notes": "Rash"})
    with house.at(made.practice_id):
        service.end(db.session().get_one(Call, (made.practice_id, made.id)), "patient")

    def form() -> dict[str, Any]:
        page = helen.get(f"{url}/ended").get_data(as_text=True)
        return next(one for one in forms_of(page) if one.action.endswith("/finish")).data()

    older = {**form(), "outcome": "completed", "notes": "Seen by Helen <b>too</b>"}
    amira.post(f"{url}/notes", {"notes": "Rash, 3 days, no fever"})
    refused = helen.post(f"{url}/finish", older)
    assert refused.status_code == 409
    page = text(refused)
    assert "Somebody changed the notes meanwhile." in page
    assert "Rash, 3 days, no fever" in page
    assert "Seen by Helen <b>too</b>" in page, "what was typed is still there"
    assert (see(made).notes, see(made).outcome) == ("Rash, 3 days, no fever", None)
    assert as_script(helen, f"{url}/finish", older).get_json()["error"]["code"] == "notes_changed"
    (again,) = [one for one in forms_of(refused.get_data(as_text=True)) if one.action.endswith("/finish")]
    assert again.value("seen") == form()["seen"][0] != older["seen"][0]
    saved = helen.post(f"{url}/finish", again.data(notes="Rash, 3 days, no fever. Seen by Helen, too"))
    assert saved.status_code == 303
    assert see(made).notes == "Rash, 3 days, no fever. Seen by Helen, too"
    assert as_script(helen, f"{url}/finish", {"outcome": "completed"}).status_code == 200
    assert see(made).notes == "Rash, 3 days, no fever. Seen by Helen, too", "a result alone leaves them"


def test_a_result_without_its_reason_costs_no_notes(call_in: Callable[..., Made], amira: Visitor) -> None:
    made = call_in(states.ENDED)
    url = f"{BASE}/calls/{made.id}/finish"
    refused = amira.post(url, {"outcome": "unsuccessful", "notes": "Try the phone."})
    assert refused.status_code == 422
    (form,) = [one for one in forms_of(refused.get_data(as_text=True)) if one.action == url]
    assert (form.data()["outcome"], form.value("notes")) == (["unsuccessful"], "Try the phone.")


def test_reception_invites_and_sees_states_but_holds_nothing(
    call_in: Callable[..., Made], grace: Visitor, see: Callable[[Made], Call], amira: Visitor
) -> None:
    made, ended = call_in(states.READY), call_in(states.ENDED, family_name="Okafor")
    amira.post(f"{BASE}/calls/{ended.id}/finish", {"outcome": "completed", "notes": "In confidence."})
    page = grace.get(f"{BASE}/").get_data(as_text=True)
    assert "Patient is ready" in page
    assert f"/calls/{made.id}/admit" not in page
    assert "In confidence." not in text(grace.get(f"/p/riverside/patients/{ended.patient_id}"))
    for step in ("admit", "hold", "resume", "message", "decline", "transfer", "end", "finish", "guests"):
        assert grace.post(f"{BASE}/calls/{made.id}/{step}").status_code == 403, step
    for path in ("", "/state", "/ended"):
        assert grace.get(f"{BASE}/calls/{made.id}{path}").status_code == 403
    assert see(made).state == states.READY
    assert grace.post(f"{BASE}/calls/{made.id}/cancel").status_code == 303
    assert see(made).state == states.ENDED


def test_calls_of_another_practice_do_not_exist(
    app: Flask, call_in: Callable[..., Made], nadia: Visitor, see: Callable[[Made], Call]
) -> None:
    made = call_in(states.READY)
    values = {"call_id": made.id, "patient_id": made.patient_id, "participant_id": made.id}
    tried = 0
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("video_call.") or not rule.arguments & values.keys():
            continue
        if rule.arguments - values.keys() - {"practice_slug"}:
            continue
        built = rule.build(
            {"practice_slug": "lumiere", **{n: values[n] for n in rule.arguments & values.keys()}}
        )
        assert built is not None
        ask = nadia.post if "POST" in (rule.methods or ()) else nadia.get
        assert ask(built[1]).status_code == 404, rule
        tried += 1
    assert tried >= 20
    assert see(made).state == states.READY


def test_looking_at_a_call_is_in_the_trail(
    house: House, call_in: Callable[..., Made], amira: Visitor
) -> None:
    made = call_in(states.READY)
    amira.get(f"{BASE}/calls/{made.id}/state")
    amira.get(f"{BASE}/")
    with house.at(house.riverside, write=False) as session:
        entries = session.scalars(select(AuditEntry)).all()
    viewed = [e for e in entries if e.action == "patient.viewed" and e.patient_id == made.patient_id]
    assert [(e.detail or {})["part"] for e in viewed] == ["video_call.state"]
    listed = [e for e in entries if e.action == "patients.listed"]
    assert [(e.detail or {})["part"] for e in listed] == ["video_call.index"]


def test_what_is_heard_live_names_the_call_alone(house: House, call_in: Callable[..., Made]) -> None:
    from core.realtime.models import Event

    made = call_in(states.READY, note="About the biopsy")
    with house.at(house.riverside, write=False) as session:
        events = [e for e in session.scalars(select(Event)) if e.topic.startswith("video_call.")]
    assert {e.topic.partition(":")[0] for e in events} == {"video_call.call", "video_call.patient"}
    for event in events:
        by = event.ids.pop("by", None)  # a participant of this call, or who would be one: nobody else's id
        assert event.ids == {"call": str(made.id)}
        assert (by is not None) == (event.topic == f"video_call.call:{made.id}")


@pytest.mark.both_databases
def test_a_message_that_failed_is_explained_and_an_expired_invitation_is_missed(
    house: House, amira: Visitor
) -> None:
    made, planned = make_call(house), make_call(house, states.SCHEDULED, family_name="Okafor")
    with house.at(house.riverside) as session:
        message = notifications.about(made.id)[0]
        message.state, message.last_error = "dead", "recipient_refused"
        call = session.get_one(Call, (house.riverside, planned.id))
        call.scheduled_at = db.utcnow() - timedelta(minutes=30)
    page = text(amira.get(f"{BASE}/"))
    assert "Message not delivered" in page
    assert "Check the patient's contact data, then send again." in page
    assert "Late: nobody came yet" in page
    with house.at(house.riverside) as session:
        for id in (made.id, planned.id):
            session.get_one(Call, (house.riverside, id)).expires_at = db.utcnow()
    assert "Nobody waits" in text(amira.get(f"{BASE}/"))
    assert "Patient did not come" in text(amira.get(f"/p/riverside/patients/{made.patient_id}"))


def test_a_french_practice_reads_french(house: House, nadia: Visitor) -> None:
    made = make_call(house, states.READY, practice_id=house.lumiere, family_name="Benali")
    page = text(nadia.get("/p/lumiere/video_call/"))
    invite = text(nadia.get(f"/p/lumiere/video_call/invite/{made.patient_id}"))
    for english in (
        "Consultations of",
        "Patient is ready",
        "Let in",
        "Active and waiting",
        "Waiting room",
        "Send as SMS",
    ):
        assert english not in page + invite
    assert "prêt" in page
