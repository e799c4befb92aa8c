"""Inviting a patient: what the form sends, to whom, for when, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core import db, i18n, links, notifications
from core.notifications import Notification
from core.tenancy import Practice
from plugins.video_call import states
from plugins.video_call.models import Call
from tests.plugins.video_call.conftest import BASE, Handset, Made
from tests.support.house import House, Visitor
from tests.support.pages import text


def only_call(house: House) -> Call:
    with house.at(house.riverside, write=False) as session:
        return session.scalars(select(Call)).one()


def messages(house: House) -> list[Notification]:
    with house.at(house.riverside, write=False) as session:
        return list(session.scalars(select(Notification).order_by(Notification.channel)))


def form_of(amira: Visitor, patient_id: object) -> dict[str, object]:
    """What the form would send as it comes."""
    page = amira.get(f"{BASE}/invite/{patient_id}").get_data(as_text=True)
    id = re.search(r'name="id" value="([0-9a-f-]{36})"', page)
    assert id
    ticked = re.findall(r'name="channels" value="(\w+)" checked', page)
    return {"id": id.group(1), "channels": ticked, "when": "now"}


def test_e_mail_is_chosen_and_sending_twice_invites_once(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    form = form_of(amira, patient_id)
    assert form["channels"] == ["email"]
    answer = amira.post(f"{BASE}/invite/{patient_id}", {**form, "note": "  Have your\n tablets at hand "})
    amira.post(f"{BASE}/invite/{patient_id}", form)
    call = only_call(house)
    assert answer.headers["Location"].endswith(f"{BASE}/calls/{call.id}")
    assert (call.state, call.clinician_name, call.note) == (
        states.INVITED,
        "Amira Khan",
        "Have your tablets at hand",
    )
    (message,) = messages(house)
    assert (message.channel, message.recipient) == ("email", "margaret.whitfield@example.com")
    assert message.urgent
    assert "Amira Khan would like to speak with you" in message.body
    assert "Have your tablets at hand" in message.body


def test_a_number_for_this_time_is_used_and_not_stored(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    form = {**form_of(amira, patient_id), "channels": [], "mobile": "07700 900199"}
    assert amira.post(f"{BASE}/invite/{patient_id}", form).status_code == 303
    (message,) = messages(house)
    assert (message.channel, message.recipient) == ("sms", "+447700900199")
    assert house.patient(house.riverside, patient_id).mobile == "+447700900101"
    again = {**form_of(amira, patient_id), "mobile": "12"}
    refused = amira.post(f"{BASE}/invite/{patient_id}", again)
    assert refused.status_code == 422
    assert 'value="12"' in refused.get_data(as_text=True), "what was typed stays"
    assert len(messages(house)) == 1
    for typed, name in (({}, "mobile"), ({"holder": "0"}, "holder"), ({"when": "later", "day": "x"}, "day")):
        page = amira.post(f"{BASE}/invite/{patient_id}", again | typed).get_data(as_text=True)
        assert re.findall(r'id="field-([a-z]+)-error"', page) == [name], "said where it is wrong"
        assert f'href="#field-{name}"' in page


def test_a_patient_who_cannot_be_reached_is_explained(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "O'Sullivan")
    page = text(amira.get(f"{BASE}/invite/{patient_id}"))
    assert "No mobile number." in page
    assert "No e-mail address." in page
    answer = amira.post(f"{BASE}/invite/{patient_id}", {"channels": ["email"]})
    assert answer.status_code == 422
    assert "George O'Sullivan has no e-mail address." in text(answer)
    nothing = amira.post(f"{BASE}/invite/{patient_id}", {})
    assert "Choose how to send the invitation." in text(nothing)
    one_off = amira.post(f"{BASE}/invite/{patient_id}", {"mobile": "07700 900199"})
    assert one_off.status_code == 303, "anybody on the list can be invited with a number for this time"


def test_a_planned_consultation_tells_the_time_of_the_practice(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside, write=False):
        day = (i18n.local(db.utcnow()) + timedelta(days=3)).date()
    form = {**form_of(amira, patient_id), "when": "later", "day": day.isoformat(), "time": "10:20"}
    assert amira.post(f"{BASE}/invite/{patient_id}", form).headers["Location"].endswith("?show=active")
    call = only_call(house)
    assert call.state == states.SCHEDULED
    with house.at(house.riverside, write=False) as session:
        stored = session.get_one(Call, (house.riverside, call.id))
        assert stored.scheduled_at is not None
        assert stored.link_id is not None
        here = i18n.local(stored.scheduled_at)
        assert (here.date(), here.hour, here.minute) == (day, 10, 20)
        assert links.get(stored.link_id).expires_at >= stored.expires_at > stored.scheduled_at
    (message,) = messages(house)
    assert message.template == "video_call.planned"
    assert "10:20" in message.body
    assert not message.urgent
    for day_typed, time_typed in (("", "10:20"), ("2020-01-01", "10:20"), (day.isoformat(), "soon")):
        refused = amira.post(
            f"{BASE}/invite/{patient_id}",
            {"channels": ["email"], "when": "later", "day": day_typed, "time": time_typed},
        )
        assert refused.status_code == 422


@pytest.mark.parametrize(
    ("zone", "day", "time"),
    [("Europe/Paris", "0001-01-01", "00:00"), ("America/New_York", "9999-12-31", "23:59")],
)
def test_the_first_and_the_last_day_that_there_are_are_no_day_for_a_consultation(
    house: House, amira: Visitor, call_in: Callable[..., Made], zone: str, day: str, time: str
) -> None:
    made = call_in(states.SCHEDULED)
    with house.at(house.riverside) as session:
        session.get_one(Practice, house.riverside).time_zone = zone
    typed = {"channels": ["email"], "when": "later", "day": day, "time": time}
    for path in (f"invite/{made.patient_id}", f"calls/{made.id}/move"):
        refused = amira.post(f"{BASE}/{path}", typed)
        assert refused.status_code == 422
        assert "Enter the day and the time of the consultation." in text(refused)
        assert f'value="{day}"' in refused.get_data(as_text=True)
        assert amira.post(f"{BASE}/{path}/preview", typed).status_code == 200


def test_a_planned_consultation_is_moved_and_what_was_typed_stays_where_it_is_refused(
    house: House, amira: Visitor, call_in: Callable[..., Made]
) -> None:
    made = call_in(states.SCHEDULED, at=db.utcnow() + timedelta(minutes=5))  # on the list of today
    with house.at(house.riverside, write=False):
        day = (i18n.local(db.utcnow()) + timedelta(days=9)).date().isoformat()
    path = f"{BASE}/calls/{made.id}/move"
    assert f'href="{path}"' in amira.get(f"{BASE}/").get_data(as_text=True)
    assert "The old link stops working." in text(amira.get(path))
    assert "16:45" in text(amira.post(f"{path}/preview", {"day": day, "time": "16:45"}))
    for typed in (
        {"day": "", "time": "16:45"},
        {"day": "2020-02-01", "time": "16:45"},
        {"day": day, "time": "tea"},
    ):
        refused = amira.post(path, typed)
        assert refused.status_code == 422
        for name, value in typed.items():
            field = re.search(f'<input[^>]*name="{name}"[^>]*>', refused.get_data(as_text=True))
            assert field
            assert f'value="{value}"' in field.group()
    assert amira.post(path, {"day": day, "time": "16:45"}).headers["Location"].endswith("?show=active")
    with house.at(house.riverside, write=False):
        moved = only_call(house)
        assert moved.scheduled_at is not None
        assert i18n.local(moved.scheduled_at).strftime("%Y-%m-%d %H:%M") == f"{day} 16:45"
        newest = max(notifications.about(made.id), key=lambda one: one.id)
    assert newest.template == "video_call.planned"
    assert "16:45" in newest.body
    # Once it was cancelled there is nothing to move.
    amira.post(f"{BASE}/calls/{made.id}/cancel")
    assert amira.get(path).headers["Location"].endswith(f"{BASE}/")
    assert amira.post(path, {"day": day, "time": "16:45"}).status_code == 422


def test_reception_invites_for_a_clinician(house: House, grace: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    page = text(grace.get(f"{BASE}/invite/{patient_id}"))
    assert "Tom Ashworth" in page
    refused = grace.post(f"{BASE}/invite/{patient_id}", {"channels": ["email"]})
    assert refused.status_code == 422
    assert "Choose who holds the consultation." in text(refused)
    raw = grace.get(f"{BASE}/invite/{patient_id}").get_data(as_text=True)
    tom = re.search(r'<option value="(\d+)"[^>]*>Tom Ashworth', raw)
    assert tom
    assert "Grace Bell</option>" not in raw
    answer = grace.post(f"{BASE}/invite/{patient_id}", {"channels": ["email"], "holder": tom.group(1)})
    assert answer.headers["Location"].endswith("?show=active"), "the call's own page is for clinicians"
    call = only_call(house)
    assert (call.clinician_name, call.invited_by_name) == ("Tom Ashworth", "Grace Bell")


def test_the_preview_is_the_message(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Garnier")
    page = text(amira.post(f"{BASE}/invite/{patient_id}/preview", {"channels": ["sms", "email"]}))
    assert "In Français" in page
    assert "Élodie" in page
    from_phone = amira.get(f"{BASE}/invite/{patient_id}?phone=1").get_data(as_text=True)
    assert 'value="sms" checked' in from_phone
    assert "Choose a way to send" in text(amira.post(f"{BASE}/invite/{patient_id}/preview", {}))


def test_sent_again_the_new_link_opens_and_the_old_one_does_not(
    house: House,
    amira: Visitor,
    call_in: Callable[..., Made],
    visitor: Callable[[], Visitor],
    see: Callable[[Made], Call],
) -> None:
    made = call_in()
    amira.post(f"{BASE}/calls/{made.id}/again")
    assert see(made).state == states.INVITED, "the link that was replaced is no reason to miss the call"
    assert "This link is no longer needed" in text(visitor().get(made.path))
    with house.at(house.riverside, write=False):
        newest = notifications.about(made.id)[0].body
    path = re.search(r"/l/[a-z2-7]{32}", newest)
    assert path
    day, month, year = made.born
    assert visitor().post(path.group(), {"day": day, "month": month, "year": year}).status_code == 303
    assert see(made).state == states.WAITING


def test_a_cancelled_invitation_opens_nothing_and_is_not_sent(
    house: House,
    amira: Visitor,
    call_in: Callable[..., Made],
    visitor: Callable[[], Visitor],
    see: Callable[[Made], Call],
) -> None:
    made = call_in()
    answer = amira.post(f"{BASE}/calls/{made.id}/cancel", follow_redirects=True)
    assert "The link no longer works." in text(answer)
    call = see(made)
    assert (call.state, call.outcome, call.outcome_reason) == (states.ENDED, "unsuccessful", "cancelled")
    assert visitor().get(made.path).status_code == 410
    assert [m.state for m in messages(house)] == ["cancelled"]
    again = amira.post(f"{BASE}/calls/{made.id}/cancel", follow_redirects=True)
    assert "has moved on meanwhile" in text(again)


def test_opening_the_link_alone_changes_nothing(
    call_in: Callable[..., Made],
    visitor: Callable[[], Visitor],
    see: Callable[[Made], Call],
    enter: Callable[[Made], Handset],
) -> None:
    made = call_in()
    for _time in range(3):
        visitor().get(made.path)
    assert see(made).state == states.INVITED
    enter(made)
    assert see(made).state == states.WAITING
    assert see(made).waiting_at is not None


@pytest.mark.both_databases
def test_a_wrong_way_to_send_leaves_no_trace(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Raman")
    answer = amira.post(f"{BASE}/invite/{patient_id}", {"channels": ["email", "sms"]})
    assert answer.status_code == 422
    with house.at(house.riverside, write=False) as session:
        for model in (Call, links.Link, Notification):
            assert session.scalar(select(func.count()).select_from(model)) == 0
