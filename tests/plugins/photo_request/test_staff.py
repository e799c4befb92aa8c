"""What the practice sees and does: pages, pictures, decisions, and who may not."""

from __future__ import annotations

import gzip
import io
import re
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import select

from core import db, links, notifications
from core.audit import AuditEntry
from plugins.photo_request.models import CANCELLED, COMPLETED, KEPT, REJECTED, Photo, Request
from tests.plugins.photo_request.conftest import Phone, Sent, ask
from tests.support.house import House, Visitor

BASE = "/p/riverside/photo_request"


@pytest.fixture
def photo_id(house: House, asked: Sent, phone: Phone, jpeg: bytes) -> UUID:
    """A photo that waits for a decision."""
    phone.send(jpeg, comment="It itches & burns")
    house.work()
    with house.at(house.riverside, write=False) as session:
        return session.scalars(select(Photo.id)).one()


def photo_of(house: House, photo_id: UUID) -> Photo:
    with house.at(house.riverside, write=False) as session:
        return session.get_one(Photo, (house.riverside, photo_id))


def actions(house: House) -> list[str]:
    with house.at(house.riverside, write=False) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.at)))


def text(answer: object) -> str:
    return answer.get_data(as_text=True)  # type: ignore[attr-defined]


def test_the_form_is_filled_in_and_sent(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    page = text(amira.get(f"{BASE}/patients/{patient_id}/new"))
    assert "07700 900102" in page
    assert "samuel.okafor@example.com" in page
    id = re.search(r'name="id" value="([0-9a-f-]{36})"', page)
    assert id
    form = {"id": id.group(1), "channels": ["sms", "email"], "note": "  Both\n hands "}
    answer = amira.post(f"{BASE}/patients/{patient_id}/new", form)
    assert answer.headers["Location"].endswith(f"/p/riverside/patients/{patient_id}")
    amira.post(f"{BASE}/patients/{patient_id}/new", form)
    with house.at(house.riverside, write=False) as session:
        request = session.scalars(select(Request)).one()
        assert (request.note, request.channels) == ("Both hands", ["sms", "email"])
        assert request.requested_by_name == "Amira Khan"
        assert {m.channel for m in notifications.about(request.id)} == {"sms", "email"}
    workspace = text(amira.get(f"/p/riverside/patients/{patient_id}"))
    assert "Photo request sent to Samuel Okafor." in workspace
    assert "Both hands" in workspace


def test_a_patient_without_contacts_is_explained(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "O'Sullivan")
    page = text(amira.get(f"{BASE}/patients/{patient_id}/new"))
    assert "No mobile number." in page
    assert "No e-mail address." in page
    assert f"/p/riverside/patients/{patient_id}/edit" in page
    answer = amira.post(f"{BASE}/patients/{patient_id}/new", {"channels": ["sms"]})
    assert answer.status_code == 422
    assert "George O&#39;Sullivan has no mobile number." in text(answer)
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(Request)).all() == []


def test_the_preview_counts_texts(house: House, amira: Visitor) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    url = f"{BASE}/patients/{patient_id}/preview"
    short = text(amira.post(url, {"channels": ["sms"]}))
    assert "1 text" in short
    assert "GSM-7" in short
    long = text(amira.post(url, {"channels": ["sms"], "note": "Montrez le bras gauche, ça suffit. " * 3}))
    assert "UCS-2" in long
    assert "ç" in long.split("cost more:")[1]


def test_photos_are_reviewed_from_the_workspace_to_the_record(
    house: House, asked: Sent, photo_id: UUID, amira: Visitor
) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    for page in (
        f"/p/riverside/patients/{patient_id}",
        "/p/riverside/",
        f"{BASE}/",
        f"{BASE}/requests/{asked.id}",
    ):
        assert f"{BASE}/photos/{photo_id}/thumb" in text(amira.get(page)), page
    viewer = text(amira.get(f"{BASE}/photos/{photo_id}"))
    assert "It itches &amp; burns" in viewer
    picture = amira.get(f"{BASE}/photos/{photo_id}/large")
    assert Image.open(io.BytesIO(picture.data)).size == (640, 480)
    assert actions(house).count("photo_request.photo_viewed") == 1
    amira.post(f"{BASE}/photos/{photo_id}/keep")
    photo = photo_of(house, photo_id)
    assert (photo.state, photo.reviewed_by_name) == (KEPT, "Amira Khan")
    assert "photo_request.photo_kept" in actions(house)
    timeline = text(amira.get(f"/p/riverside/patients/{patient_id}/timeline"))
    assert "1 photo kept in the record" in timeline
    amira.post(f"{BASE}/requests/{asked.id}/complete", {"back": "request"})
    with house.at(house.riverside, write=False) as session:
        request = session.get_one(Request, (house.riverside, asked.id))
        assert request.state == COMPLETED
        assert links.state(links.get(request.link_id)) == "used"


def test_a_photo_is_rejected_with_a_reason_and_asked_for_again(
    house: House, asked: Sent, photo_id: UUID, amira: Visitor
) -> None:
    url = f"{BASE}/photos/{photo_id}/reject"
    answer = amira.post(url, {"reason": ""})
    assert answer.status_code == 422
    assert "Choose why you reject the photo" in text(answer)
    assert amira.post(url, {"reason": "other", "text": " "}).status_code == 422
    assert photo_of(house, photo_id).state == "ready"
    amira.post(url, {"reason": "dark", "text": "", "ask_again": "1"})
    assert photo_of(house, photo_id).state == REJECTED
    with house.at(house.riverside, write=False) as session:
        again = session.scalars(select(Request).where(Request.supersedes == asked.id)).one()
        message = notifications.about(again.id)[0]
        assert message.template == "photo_request.retake"
        assert "The photo is too dark." in message.body
        assert session.get_one(Request, (house.riverside, asked.id)).state == COMPLETED


def test_a_comment_is_for_colleagues_only(house: House, photo_id: UUID, phone: Phone, amira: Visitor) -> None:
    amira.post(f"{BASE}/photos/{photo_id}/comment", {"comment": "Compare with\n\nlast year"})
    assert photo_of(house, photo_id).staff_comment == "Compare with\nlast year"
    assert "last year" in text(amira.get(f"{BASE}/photos/{photo_id}"))
    assert "last year" not in text(phone.visitor.get(f"{phone.place}/"))


def test_the_next_step_for_this_patient_is_at_hand(house: House, asked: Sent, amira: Visitor) -> None:
    """Looking at photos, a clinician goes on to a video call, where the practice has it switched on."""
    page = f"/p/riverside/photo_request/requests/{asked.id}"
    patient_id = house.patient_id(house.riverside, "Whitfield")
    offered = f'href="/p/riverside/video_call/invite/{patient_id}"'
    assert offered in amira.get(page).get_data(as_text=True)
    assert offered not in amira.get(f"{page}?fragment=1").get_data(as_text=True)
    house.switch(house.riverside, "video_call", on=False)
    assert offered not in amira.get(page).get_data(as_text=True)


def test_a_colleague_can_take_over(
    house: House, asked: Sent, photo_id: UUID, visitor: Callable[[], Visitor]
) -> None:
    tom, helen = visitor(), visitor()
    tom.sign_in("tom")
    helen.sign_in("helen")
    tom.post(f"{BASE}/requests/{asked.id}/take")
    assert "With Tom Ashworth" in text(helen.get("/p/riverside/"))
    helen.post(f"{BASE}/requests/{asked.id}/take")
    with house.at(house.riverside, write=False) as session:
        assert session.get_one(Request, (house.riverside, asked.id)).taken_by_name == "Helen Price"
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "photo_request.taken")).all()
        assert [entry.detail for entry in entries] == [{"before": ""}, {"before": "Tom Ashworth"}]


def test_reception_sends_and_sees_states_but_no_picture(
    house: House, asked: Sent, photo_id: UUID, visitor: Callable[[], Visitor]
) -> None:
    grace = visitor()
    grace.sign_in("grace")
    page = text(grace.get(f"{BASE}/requests/{asked.id}"))
    assert "1 photo arrived." in page
    assert str(photo_id) not in page
    patient_id = house.patient_id(house.riverside, "Whitfield")
    assert str(photo_id) not in text(grace.get(f"/p/riverside/patients/{patient_id}"))
    for path in ("", "/thumb", "/large"):
        assert grace.get(f"{BASE}/photos/{photo_id}{path}").status_code == 403
    assert grace.post(f"{BASE}/photos/{photo_id}/keep").status_code == 403
    assert grace.post(f"{BASE}/requests/{asked.id}/complete").status_code == 403
    assert photo_of(house, photo_id).state == "ready"


def test_ids_of_another_practice_do_not_exist(
    app: Flask, house: House, asked: Sent, photo_id: UUID, visitor: Callable[[], Visitor]
) -> None:
    claire = visitor()
    claire.sign_in("claire")
    patient_id = house.patient_id(house.riverside, "Whitfield")
    values = {"patient_id": patient_id, "request_id": asked.id, "photo_id": photo_id, "size": "large"}
    tried = 0
    for rule in app.url_map.iter_rules():
        names = rule.arguments & values.keys()
        if not rule.endpoint.startswith("photo_request.") or not names:
            continue
        made = rule.build({"practice_slug": "lumiere", **{name: values[name] for name in names}})
        assert made is not None
        method = claire.post if "POST" in (rule.methods or ()) else claire.get
        answer = method(made[1], {"reason": "dark"}) if method == claire.post else method(made[1])
        assert answer.status_code == 404, rule
        mine = f"/p/riverside{made[1].removeprefix('/p/lumiere')}"
        assert (claire.post(mine) if method == claire.post else claire.get(mine)).status_code == 404, rule
        tried += 1
    assert tried >= 14
    assert photo_of(house, photo_id).state == "ready"


def test_what_happened_meanwhile_is_said_kindly(house: House, asked: Sent, amira: Visitor) -> None:
    amira.post(f"{BASE}/requests/{asked.id}/cancel", {"back": "request"})
    answer = amira.post(f"{BASE}/requests/{asked.id}/cancel", {"back": "request"}, follow_redirects=True)
    assert "This request is closed already." in text(answer)
    with house.at(house.riverside, write=False) as session:
        assert session.get_one(Request, (house.riverside, asked.id)).state == CANCELLED


def test_lists_page_and_filter(house: House, amira: Visitor) -> None:
    for _ in range(26):
        ask(house, house.riverside, "Okafor")
    page = text(amira.get(f"{BASE}/?show=waiting"))
    assert "Page 1 of 2" in page
    assert page.count('class="pr-person"') == 25
    assert text(amira.get(f"{BASE}/?show=waiting&page=2")).count('class="pr-person"') == 1
    assert "Nothing to review" in text(amira.get(f"{BASE}/?show=review"))
    assert amira.get(f"{BASE}/?show=nonsense").status_code == 404
    fragment = text(amira.get(f"{BASE}/?show=waiting&fragment=1"))
    assert "<html" not in fragment


def test_a_failed_message_is_shown_with_its_reason(house: House, asked: Sent, amira: Visitor) -> None:
    with house.at(house.riverside):
        message = notifications.about(asked.id)[0]
        message.state, message.last_error = "dead", "recipient_refused"
        db.session().flush()
    page = text(amira.get("/p/riverside/"))
    assert "Message not delivered" in page
    page = text(amira.get(f"{BASE}/requests/{asked.id}"))
    assert "The recipient&#39;s mail server refused this address." in page
    assert "Check the patient's contact data, then send again." in page


def test_everything_is_in_french_at_a_french_practice(house: House, visitor: Callable[[], Visitor]) -> None:
    claire = visitor()
    claire.sign_in("claire")
    sent = ask(house, house.lumiere, "Benali")
    page = text(claire.get(f"/p/lumiere/photo_request/requests/{sent.id}"))
    assert "Demande de photos" in page
    assert "Pas encore ouverte." in page
    for english in ("Photo request", "Not opened", "Asked by", "Cancel request"):
        assert english not in page


def test_patient_pages_are_light(app: Flask, phone: Phone) -> None:
    page = phone.visitor.get(f"{phone.place}/")
    html = text(page)
    wanted = set(re.findall(r'(?:href|src)="(/(?:static|s)/[^"]+)"', html))
    seen: dict[str, int] = {}
    imports = dict(re.findall(r'"([a-z./-]+)":"(/static/[^"]+)"', html))
    while wanted:
        url = wanted.pop()
        answer = phone.visitor.get(url)
        assert answer.status_code == 200, url
        seen[url.partition("?")[0]] = len(gzip.compress(answer.data, 6))
        if ".js" in url and "vendor" not in url:
            for name in re.findall(r'from "([^"]+)"', text(answer)):
                found = imports.get(name) or url.rpartition("/")[0] + name.removeprefix(".")
                if found.partition("?")[0] not in seen:
                    wanted.add(found)
    total = sum(seen.values()) + len(gzip.compress(page.data, 6))
    assert any("tus" in url for url in seen), "the whole page is counted"
    assert total <= 60 * 1024, seen


def test_an_unknown_photo_or_request_is_not_found(amira: Visitor) -> None:
    assert amira.get(f"{BASE}/photos/{uuid4()}").status_code == 404
    assert amira.get(f"{BASE}/requests/{uuid4()}").status_code == 404
    assert amira.post(f"{BASE}/patients/{uuid4()}/new").status_code == 404


def test_an_expired_request_can_be_set_aside(house: House, asked: Sent, amira: Visitor) -> None:
    with house.at(house.riverside) as session:
        request = session.get_one(Request, (house.riverside, asked.id))
        request.expires_at = db.utcnow()
        links.get(request.link_id).expires_at = db.utcnow()
    today = text(amira.get("/p/riverside/"))
    assert "Needs your help" in today
    page = text(amira.get(f"{BASE}/requests/{asked.id}"))
    assert "without photos." in page
    assert "Set aside" in page
    amira.post(f"{BASE}/requests/{asked.id}/cancel")
    assert "Needs your help" not in text(amira.get("/p/riverside/"))
    with house.at(house.riverside, write=False) as session:
        assert session.get_one(Request, (house.riverside, asked.id)).state == CANCELLED
