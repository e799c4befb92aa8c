"""A planned consultation is recalled to the patient, once, and only while it still stands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core import audit, db, notifications
from core.jobs import service as job_service
from core.jobs.models import JobRow
from core.notifications import Notification
from plugins.video_call import api, reminders, states
from plugins.video_call.models import Call
from tests.plugins.video_call.conftest import Handset, Made, clinician, path_in
from tests.support.house import House, Visitor


def reminders_of(house: House, made: Made) -> list[Notification]:
    with house.at(made.practice_id, write=False):
        return [m for m in notifications.about(made.id) if m.template == "video_call.reminder"]


def planned_for(house: House, made: Made) -> list[JobRow]:
    with house.at(made.practice_id, write=False) as session:
        waiting = session.scalars(select(JobRow).where(JobRow.kind == reminders.JOB).order_by(JobRow.due_at))
        return [row for row in waiting if row.payload["call_id"] == str(made.id)]


def run(row: JobRow) -> None:
    """The job's handler as the worker calls it, though its time has not come."""
    with job_service.running_for(row.practice_id):
        reminders.remind(dict(row.payload))


def test_a_planned_call_is_recalled_once_an_hour_before(
    house: House, call_in: Callable[..., Made], see: Callable[[Made], Call]
) -> None:
    made = call_in(states.SCHEDULED)
    at = see(made).scheduled_at
    assert at is not None
    (row,) = planned_for(house, made)
    assert row.due_at == at - timedelta(hours=1)
    run(row)
    run(row)
    (message,) = reminders_of(house, made)
    assert message.recipient == "margaret.whitfield@example.com"
    assert "remind you of your video consultation with Amira Khan" in message.body
    assert path_in(message.body) != made.path


def test_no_reminder_right_after_the_invitation_nor_where_the_practice_wants_none(
    house: House, call_in: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = call_in(states.SCHEDULED, at=db.utcnow() + timedelta(minutes=75))
    assert planned_for(house, soon) == []
    monkeypatch.setattr(
        reminders.settings, "here", lambda: reminders.settings.VideoCallSettings(reminder_minutes=0)
    )
    assert planned_for(house, call_in(states.SCHEDULED, family_name="Okafor")) == []


def test_a_call_that_was_taken_back_or_has_begun_is_not_recalled(
    house: House, call_in: Callable[..., Made], enter: Callable[[Made], Handset]
) -> None:
    for change in ("cancel", "begin", "pass"):
        made = call_in(states.SCHEDULED)
        (row,) = planned_for(house, made)
        if change == "begin":
            enter(made).post("/ready")
        with house.at(made.practice_id), audit.use_actor(clinician(house)):
            if change == "cancel":
                api.cancel(made.id)
            if change == "pass":
                db.session().get_one(Call, (made.practice_id, made.id)).scheduled_at = db.utcnow()
        run(row)
        assert reminders_of(house, made) == [], change


def test_both_links_lead_to_the_one_place_that_the_patient_has(
    house: House,
    call_in: Callable[..., Made],
    see: Callable[[Made], Call],
    visitor: Callable[[], Visitor],
    enter: Callable[[Made], Handset],
) -> None:
    made = call_in(states.SCHEDULED)
    (row,) = planned_for(house, made)
    run(row)
    (message,) = reminders_of(house, made)
    again = see(made).link_id
    assert again not in (None, made.link_id)
    assert again is not None
    second = Made(made.practice_id, made.id, made.patient_id, again, path_in(message.body), made.born)
    for link in (made, second, made):
        phone = enter(link)
        state = phone.post("/arrive").get_json()
        assert state["state"] == states.SCHEDULED, "two hours before, a look changes nothing"
        assert "Start video call" in phone.get().get_data(as_text=True), "the room, not the end"
    # Taken back, neither opens any more.
    other = call_in(states.SCHEDULED, family_name="Okafor")
    (row,) = planned_for(house, other)
    run(row)
    (message,) = reminders_of(house, other)
    with house.at(other.practice_id), audit.use_actor(clinician(house)):
        api.cancel(other.id)
    for path in (other.path, path_in(message.body)):
        day, month, year = other.born
        assert visitor().post(path, {"day": day, "month": month, "year": year}).status_code >= 400, path


def test_a_call_that_is_moved_is_recalled_before_the_new_time_alone(
    house: House, call_in: Callable[..., Made], see: Callable[[Made], Call], enter: Callable[[Made], Handset]
) -> None:
    made = call_in(states.SCHEDULED)
    (before,) = planned_for(house, made)
    later = db.utcnow() + timedelta(days=2)
    with house.at(made.practice_id), audit.use_actor(clinician(house)):
        moved = api.move(made.id, later)
        assert (moved.state, moved.scheduled_at, moved.holder_name) == (states.SCHEDULED, later, "Amira Khan")
        assert [m.template for m in notifications.about(made.id)].count("video_call.planned") == 2
    run(before)
    assert reminders_of(house, made) == [], "the time that no longer holds"
    _, row = planned_for(house, made)
    run(row)
    assert len(reminders_of(house, made)) == 1

    def refused(at: datetime) -> type[Exception]:
        with house.at(made.practice_id), audit.use_actor(clinician(house)):
            try:
                api.move(made.id, at)
            except api.CallError as error:
                return type(error)
        raise AssertionError("it was moved")

    assert refused(db.utcnow() - timedelta(minutes=1)) is api.CannotInvite
    newest = reminders_of(house, made)[0]
    link_id: Any = see(made).link_id
    enter(Made(made.practice_id, made.id, made.patient_id, link_id, path_in(newest.body), made.born)).post(
        "/ready"
    )
    assert see(made).state == states.READY
    assert refused(later) is api.WrongState
