"""Asking for photos: what is written, what is sent, what happens to the link."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from core import audit, db, i18n, links, notifications, patients, plugin_system
from core.audit import AuditEntry
from core.notifications import Notification, sms
from core.plugin_system import plugin_settings
from core.realtime.models import Event
from plugins.photo_request import lists, messages, service
from plugins.photo_request.errors import CannotSend, RequestClosed
from plugins.photo_request.models import CANCELLED, EXPIRED, OPENED, SENT, Request
from tests.plugins.photo_request.conftest import AMIRA, Sent, ask
from tests.support.house import House, Visitor

_TOKEN = re.compile(r"/l/[a-z2-7]{32}")


def test_asking_writes_request_link_message_event_and_trail_together(house: House, asked: Sent) -> None:
    with house.at(house.riverside, write=False) as session:
        request = session.scalars(select(Request)).one()
        assert (request.state, request.requested_by_name, request.channels) == (SENT, "Amira Khan", ["email"])
        link = links.get(request.link_id)
        assert (link.purpose, link.subject_id) == ("photo_request.photos", request.id)
        assert link.expires_at == request.expires_at
        message = session.scalars(select(Notification).where(Notification.subject_id == request.id)).one()
        assert message.recipient == "margaret.whitfield@example.com"
        topics = set(session.scalars(select(Event.topic).where(Event.type == "sent")))
        assert {"photo_request.request", f"photo_request.request:{request.id}"} <= topics
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "photo_request.sent")).one()
        assert (entry.actor_name, entry.subject_id) == ("Amira Khan", request.id)


def test_a_form_that_is_sent_twice_asks_once(house: House) -> None:
    id = uuid4()
    assert ask(house, house.riverside, "Whitfield", id=id).id == id
    ask(house, house.riverside, "Whitfield", id=id)
    with house.at(house.riverside, write=False) as session:
        assert session.scalar(select(func.count(Request.id))) == 1
        assert session.scalar(select(func.count(Notification.id))) == 1


@pytest.mark.parametrize("channels", [[], ["fax"], ["sms"], ["sms", "email"]])
def test_without_a_way_to_the_patient_nothing_is_written(house: House, channels: list[str]) -> None:
    patient_id = house.patient_id(house.riverside, "O'Sullivan")
    with pytest.raises(CannotSend), house.at(house.riverside):
        service.request_photos(patients.get(patient_id), channels=channels)
    with house.at(house.riverside, write=False) as session:
        assert session.scalar(select(func.count(Request.id))) == 0
        assert links.of_subject(patient_id) == []


@pytest.mark.parametrize(
    ("slug", "family_name", "note"),
    [
        ("riverside", "Whitfield", "The rash on your arm, please"),
        ("riverside", "Garnier", None),
        ("lumiere", "Benali", "La main gauche"),
        ("lumiere", "Bennett", None),
    ],
)
def test_the_preview_is_what_is_sent(house: House, slug: str, family_name: str, note: str | None) -> None:
    practice_id = getattr(house, slug)
    patient_id = house.patient_id(practice_id, family_name)
    with house.at(practice_id):
        patient = patients.get(patient_id)
        request = service.request_photos(patient, channels=["sms", "email"], note=note)
        shown = service.preview(patient, note=note, link=links.example_url(), expires_at=request.expires_at)
        sent = {m.channel: m for m in notifications.about(request.id)}
        example = links.example_url()[-35:]
        assert _TOKEN.sub(example, sent["sms"].body) == shown.sms_text
        assert _TOKEN.sub(example, sent["email"].body) == shown.email_text
        assert sent["email"].subject == shown.email_subject
        assert sent["sms"].segments == shown.sms_segments


@pytest.mark.parametrize(("slug", "family_name"), [("riverside", "Whitfield"), ("lumiere", "Benali")])
def test_every_text_is_one_gsm_segment(house: House, slug: str, family_name: str) -> None:
    practice_id = getattr(house, slug)
    with house.at(practice_id, write=False):
        patient = patients.get(house.patient_id(practice_id, family_name))
        link = "https://careroom.example.org/l/" + "x" * 32
        values = service.message_variables(patient, link=link, expires_at=db.utcnow(), note=None)
        invitation = notifications.preview(messages.INVITATION, patient=patient, variables=values)
        confirmation = notifications.preview(
            messages.CONFIRMATION,
            patient=patient,
            variables={"practice": values["practice"], "patient": values["patient"], "count": "10"},
        )
        for text in (invitation.sms_text, confirmation.sms_text):
            size = sms.measure(text)
            assert (size.encoding, size.segments) == ("GSM-7", 1), text


def test_the_patients_own_language_wins(house: House) -> None:
    ask(house, house.riverside, "Garnier")
    ask(house, house.lumiere, "Bennett")
    with house.at(house.riverside, write=False) as session:
        assert "date de naissance" in session.scalars(select(Notification.body)).one()
    with house.at(house.lumiere, write=False) as session:
        assert "date of birth" in session.scalars(select(Notification.body)).one()


def test_the_practices_own_days_hold(house: House) -> None:
    with house.at(house.riverside):
        plugin_settings.save(plugin_system.registry.get("photo_request"), {"link_days": 2})
    sent = ask(house, house.riverside, "Whitfield")
    with house.at(house.riverside, write=False) as session:
        request = session.get_one(Request, (house.riverside, sent.id))
        left = request.expires_at - db.utcnow()
        assert timedelta(days=1, hours=23) < left <= timedelta(days=2)


def test_sending_again_cancels_the_old_link_and_its_waiting_message(house: House, asked: Sent) -> None:
    with house.at(house.riverside), audit.use_actor(AMIRA):
        old = db.session().get_one(Request, (house.riverside, asked.id))
        new = service.send_again(old)
        assert (old.state, new.state, new.supersedes) == (CANCELLED, SENT, old.id)
        assert links.state(links.get(old.link_id)) == "cancelled"
        assert [m.state for m in notifications.about(old.id)] == ["cancelled"]
        assert [m.state for m in notifications.about(new.id)] == ["queued"]


def test_cancelling_closes_the_link_and_a_second_time_says_so(house: House, asked: Sent) -> None:
    with house.at(house.riverside), audit.use_actor(AMIRA):
        request = db.session().get_one(Request, (house.riverside, asked.id))
        service.cancel(request)
        assert (request.state, request.closed_by_name) == (CANCELLED, "Amira Khan")
        assert links.state(links.get(request.link_id)) == "cancelled"
        with pytest.raises(RequestClosed):
            service.cancel(request)


def test_a_request_is_expired_at_once_and_marked_by_the_worker(house: House, asked: Sent) -> None:
    with house.at(house.riverside):
        request = db.session().get_one(Request, (house.riverside, asked.id))
        later = request.expires_at + timedelta(seconds=1)
        assert service.state_of(request, later) == EXPIRED
        assert service.expire_due(later) == 1
        assert service.expire_due(later) == 0
        assert (request.state, request.closed_at) == (EXPIRED, request.expires_at)


def test_five_wrong_dates_lock_it_and_staff_can_unlock(
    house: House, asked: Sent, visitor: Callable[[], Visitor], amira: Visitor
) -> None:
    stranger = visitor()
    for _try in range(5):
        stranger.post(asked.path, {"day": "1", "month": "1", "year": "1999"})
    with house.at(house.riverside, write=False) as session:
        row = lists.row(session.get_one(Request, (house.riverside, asked.id)))
        assert row.state == "locked"
        assert [found.request.id for found in lists.today()[1]] == [asked.id]
    page = amira.get(f"/p/riverside/photo_request/requests/{asked.id}").get_data(as_text=True)
    assert "wrong five times" in page
    amira.post(f"/p/riverside/photo_request/requests/{asked.id}/unlock")
    with house.at(house.riverside, write=False) as session:
        assert lists.row(session.get_one(Request, (house.riverside, asked.id))).state == SENT


def test_opening_marks_it_opened_once(
    asked: Sent,
    enter: Callable[[Sent], object],
    see: Callable[[Sent], Request],
    visitor: Callable[[], Visitor],
) -> None:
    assert visitor().get(asked.path).status_code == 200
    assert see(asked).state == SENT, "looking at the link changes nothing"
    enter(asked)
    first = see(asked)
    assert first.state == OPENED
    enter(asked)
    assert see(asked).opened_at == first.opened_at


def test_dates_and_words_follow_the_practice(house: House) -> None:
    sent = ask(house, house.lumiere, "Benali")
    with house.at(house.lumiere, write=False) as session:
        body = session.scalars(select(Notification.body)).one()
        request = session.get_one(Request, (house.lumiere, sent.id))
        with i18n.use_language("fr-FR"), i18n.use_time_zone("Europe/Paris"):
            assert i18n.format_date(request.expires_at, "short") in body
