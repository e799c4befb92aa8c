"""The life of a call in the database: steps, refusals, races, what is told, what others hear."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core import audit, db, notifications
from core.audit import AuditEntry
from core.notifications import InboxItem
from plugins.video_call import guests, lists, participants, presence, service, states
from plugins.video_call.errors import CannotInvite, NotYours, WrongState
from plugins.video_call.models import CLINICIAN, PATIENT, Call, Document
from tests.plugins.video_call.conftest import Made, at, clinician, make_call
from tests.support.house import House


def trail(house: House, made: Made) -> list[str]:
    with house.at(made.practice_id, write=False) as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.subject_id == made.id).order_by(AuditEntry.seq)
        )
        return [entry.action.removeprefix("video_call.") for entry in entries]


@pytest.mark.both_databases
def test_a_call_from_invitation_to_result(house: House, see: Callable[[Made], Call]) -> None:
    made = make_call(house, states.ENDED)
    call = see(made)
    assert call.state == states.ENDED
    moments = [
        call.invited_at,
        call.waiting_at,
        call.ready_at,
        call.admitted_at,
        call.connected_at,
        call.ended_at,
    ]
    assert all(moments)
    assert moments == sorted(moments)  # type: ignore[type-var]  # all() has seen that none is None
    with at(house, made) as held:
        service.finish(held, "completed", notes="Rest, review in a week.")
    with at(house, made) as held:
        service.finish(held, "unsuccessful", reason="no_sound")
    call = see(made)
    assert (call.outcome, call.outcome_reason, call.notes) == ("unsuccessful", "no_sound", None)
    assert trail(house, made) == [
        "invited", "arrive", "ready", "admit", "connect", "end", "outcome", "outcome",
    ]  # fmt: skip


def test_what_is_asked_twice_happens_once(house: House, see: Callable[[Made], Call]) -> None:
    made = make_call(house, states.IN_CALL)
    first = see(made).connected_at
    with at(house, made) as call:
        service.connect(call, "clinician")
        service.arrive(call)
    assert see(made).connected_at == first
    for _time in range(2):
        with at(house, made) as call:
            service.end(call, "patient")
    assert trail(house, made).count("end") == 1
    assert see(made).ended_by == "patient"
    with at(house, made) as call, pytest.raises(WrongState):
        service.admit(call)


def test_a_hold_goes_back_to_where_it_came_from(house: House, see: Callable[[Made], Call]) -> None:
    for state, back in (
        (states.WAITING, states.WAITING),
        (states.READY, states.READY),
        (states.IN_CALL, states.ADMITTED),
    ):
        made = make_call(house, state)
        with at(house, made) as call:
            service.hold(call)
        assert see(made).held_from == state
        with at(house, made) as call:
            service.resume(call)
        assert (see(made).state, see(made).held_from) == (back, None)


def test_who_held_the_call_before_is_no_part_of_it(house: House) -> None:
    """A colleague who lets the patient in takes the place; or who got the call handed over, once they are there."""
    made = make_call(house, states.READY)
    amira, tom = clinician(house), clinician(house, "tom")

    def inside() -> list[str]:
        with house.at(made.practice_id, write=False):
            everybody = participants.all_of(made.id)
            return [one.name for one in everybody if one.role == CLINICIAN and one.left_at is None]

    with at(house, made, amira) as call:  # she has the page open and waits
        participants.add(call, CLINICIAN, amira.id, amira.name)
    with at(house, made, tom) as call:
        service.admit(call)
    assert inside() == ["Tom Ashworth"]
    with at(house, made, tom) as call:
        service.transfer(call, amira.id, amira.name)
    assert inside() == ["Tom Ashworth"], "nobody is alone until the colleague is there"
    with at(house, made, amira) as call:
        participants.make_room(call, participants.add(call, CLINICIAN, amira.id, amira.name))
    assert inside() == ["Amira Khan"]


def test_a_planned_call_that_is_opened_early_stays_planned(house: House, see: Callable[[Made], Call]) -> None:
    made = make_call(house, states.SCHEDULED)
    with at(house, made) as call, made.as_patient():
        service.arrive(call)
    assert see(made).state == states.SCHEDULED
    with at(house, made) as call, made.as_patient():
        service.ready(call)
    assert see(made).state == states.READY, "who wants to wait may"
    with house.at(made.practice_id, write=False) as session:
        assert session.scalars(select(InboxItem)).all() == [], "the bell is for the time itself"
    with at(house, made) as call:
        call.patient_away_since = db.utcnow() - timedelta(minutes=1)
    with house.at(made.practice_id):
        presence.sweep()
    assert (see(made).state, see(made).ready_at) == (states.SCHEDULED, None), "gone again, hours before"
    with at(house, made) as call:
        call.scheduled_at = db.utcnow() + timedelta(minutes=20)
    with at(house, made) as call, made.as_patient():
        service.arrive(call)
    assert see(made).state == states.WAITING


def test_a_held_call_is_ended_and_not_declined(house: House, see: Callable[[Made], Call]) -> None:
    made = make_call(house, states.IN_CALL)
    with at(house, made) as call:
        service.hold(call)
    with at(house, made) as call, pytest.raises(WrongState):
        service.decline(call, "No.")
    assert see(made).state == states.ON_HOLD


def test_guests_and_patients_take_no_step_of_the_clinician(house: House) -> None:
    made = make_call(house, states.IN_CALL)
    with at(house, made) as call:
        with pytest.raises(NotYours):
            service.end(call, "guest")
        for step in ("admit", "hold", "decline", "cancel"):
            with pytest.raises(NotYours):
                service.step(call, step, "patient")
        with pytest.raises(ValueError, match="has a reason"):
            service.end(call, "clinician")
            service.finish(call, "unsuccessful")


@pytest.mark.both_databases
def test_of_two_who_admit_at_once_one_succeeds(house: House, see: Callable[[Made], Call]) -> None:
    made = make_call(house, states.READY)
    gate, answers = threading.Barrier(2), list[str]()
    actors = [clinician(house, name) for name in ("amira", "tom")]

    def admit(actor: audit.Actor) -> None:
        gate.wait()
        try:
            with at(house, made, actor) as call:
                service.admit(call)
            answers.append(actor.name)
        except WrongState:
            answers.append("too late")

    threads = [threading.Thread(target=admit, args=(actor,)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count("too late") == 1
    winner = next(name for name in answers if name != "too late")
    assert see(made).clinician_name == winner
    with house.at(made.practice_id, write=False):
        inside = [one.name for one in participants.all_of(made.id) if one.role == CLINICIAN]
    assert inside == [winner]
    assert trail(house, made).count("admit") == 1


steps = st.lists(
    st.sampled_from(
        ("arrive", "ready", "unready", "admit", "connect", "hold", "resume", "end", "decline", "cancel")
    ),
    max_size=12,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes=steps)
def test_the_row_goes_where_the_machine_says(house: House, wishes: list[str]) -> None:
    """Whatever is asked in whatever order: a step is taken as the table of steps says, or nothing has changed."""
    made = make_call(house)
    do: dict[str, Callable[[Call], Any]] = {
        "arrive": service.arrive,
        "ready": service.ready,
        "unready": service.unready,
        "admit": service.admit,
        "connect": lambda call: service.connect(call, "patient"),
        "hold": service.hold,
        "resume": service.resume,
        "end": lambda call: service.end(call, "clinician"),
        "decline": lambda call: service.decline(call, "No."),
        "cancel": service.cancel,
    }
    with at(house, made) as call:
        for wish in wishes:
            before, held_from = call.state, call.held_from
            try:
                do[wish](call)
            except WrongState:
                assert call.state == before
            name = wish
            if wish == "resume" and held_from not in states.TALKING:
                name = "resume_checking" if held_from == states.WAITING else "resume_waiting"
            known = states.STEPS[name]
            has_taken_place = wish == "decline" and held_from in states.TALKING
            may = before in known.sources and not has_taken_place
            assert call.state == (known.target if may else before)
            assert (call.ended_at is not None) == (call.state in states.OVER)
            assert (call.held_from is not None) == (call.state == states.ON_HOLD)


def test_the_position_counts_those_who_wait_for_the_same_clinician(house: House) -> None:
    first, second = make_call(house, states.READY), make_call(house, states.READY, family_name="Okafor")
    third = make_call(
        house, states.READY, family_name="Raman", actor=clinician(house, "tom"), channels=["sms"]
    )
    with house.at(first.practice_id, write=False) as session:
        calls = [session.get_one(Call, (made.practice_id, made.id)) for made in (first, second, third)]
        assert [lists.position(call) for call in calls] == [1, 2, 1]
        assert lists.count_waiting() == 3

    def place_of_the_second() -> int | None:
        with house.at(first.practice_id, write=False) as session:
            return lists.position(session.get_one(Call, (second.practice_id, second.id)))

    until = calls[0].expires_at
    with at(house, first) as call:
        call.expires_at = db.utcnow()
    assert place_of_the_second() == 1, "whose invitation ran out is before nobody"
    with at(house, first) as call:
        call.expires_at = until
    assert place_of_the_second() == 2
    with at(house, first) as call:
        service.admit(call)
    assert place_of_the_second() == 1


def test_the_state_of_a_call_says_who_is_who_and_nothing_clinical(house: House) -> None:
    made = make_call(house, states.READY, note="About the biopsy")
    with at(house, made) as call:
        service.say_to_waiting(call, "Ten minutes, please.")
    with house.at(made.practice_id, write=False) as session, made.as_patient():
        said = lists.state_json(session.get_one(Call, (made.practice_id, made.id)), PATIENT)
    assert (said["state"], said["position"], said["message"]) == ("ready", 1, "Ten minutes, please.")
    (me,) = said["participants"]
    assert me["id"] == said["me"]
    assert (me["role"], me["name"]) == ("patient", "Margaret Whitfield")
    assert "biopsy" not in str(said)


def test_a_guest_who_waits_learns_nothing_of_the_call(house: House) -> None:
    made = make_call(house, states.READY)
    with at(house, made) as call:
        guest = guests.invite(
            call, name="Ines Costa", as_what="interpreter", channel="email", to="ines@example.com"
        )
        actor, guest_id = audit.Actor("patient", guest.actor_id, "guest"), guest.id
        (message,) = [m for m in notifications.about(call.id) if m.template == "video_call.guest"]
        assert message.patient_id is None
        assert "Interpreter" in message.body
        assert "Whitfield" not in message.body
        assert "Margaret" not in message.body
    with at(house, made, actor) as call:
        outside = lists.state_json(call, "guest")
        assert outside["admitted"] is False
        assert outside["participants"] == []
        assert outside["message"] is None
    with at(house, made) as call:
        guests.admit(call, guests.of_call(call, guest_id))
    with at(house, made, actor) as call:
        inside = lists.state_json(call, "guest")
        assert {one["role"] for one in inside["participants"]} == {"patient", "guest"}
        assert inside["outcome"] is None
    with at(house, made) as call:
        guests.send_away(call, guests.of_call(call, guest_id))
        with pytest.raises(NotYours):
            guests.of_call(call, guest_id)
        for name in ("A", "B"):
            guests.invite(call, name=name, as_what="relative", channel="email", to=f"{name}@example.com")
        with pytest.raises(CannotInvite, match="2 guests"):
            guests.invite(call, name="C", as_what="relative", channel="email", to="c@example.com")


def test_who_has_something_to_fetch_gets_one_message(house: House) -> None:
    made = make_call(house, states.IN_CALL)
    with at(house, made) as call:
        db.session().add(
            Document(
                call_id=call.id, kind="drawing", title="Knee", file_id=db.uuid7(), shared=True,
                made_by="1", made_by_name="Amira Khan",
            )
        )  # fmt: skip
    for outcome in ("end", "completed", "completed"):
        with at(house, made) as call:
            service.end(call, "patient") if outcome == "end" else service.finish(call, "completed")
    with house.at(made.practice_id, write=False):
        sent = [m for m in notifications.about(made.id) if m.template == "video_call.afterwards"]
    assert [m.recipient for m in sent] == ["margaret.whitfield@example.com"]
    without = make_call(house, states.ENDED, family_name="Okafor")
    with house.at(made.practice_id, write=False):
        assert [m.template for m in notifications.about(without.id)] == ["video_call.invitation"]


def test_the_bell_rings_once_for_a_patient_who_is_ready(house: House) -> None:
    made = make_call(house, states.READY)
    for step in (service.unready, service.ready):
        with at(house, made) as call:
            step(call)
    with house.at(made.practice_id, write=False) as session:
        (item,) = session.scalars(select(InboxItem))
        assert item.patient_id == made.patient_id
        assert item.url == f"/video_call/calls/{made.id}"
        entries = notifications.inbox.items(1, ["video_call.conduct"])
        assert [entry.title for entry in entries] == [
            "Margaret Whitfield is ready for the video consultation"
        ]
        assert notifications.inbox.items(1, ["video_call.invite"]) == []
