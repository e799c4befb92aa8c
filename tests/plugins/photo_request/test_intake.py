"""What patients send, over the real routes: every photo once, nothing that cannot be taken, nothing lost."""

from __future__ import annotations

import io
from collections.abc import Callable
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import func, select

from core import db, files, notifications
from core.jobs import JobRow
from core.notifications import InboxItem, Notification
from plugins.photo_request import intake, settings
from plugins.photo_request.models import (
    ARRIVED,
    EXPECTED,
    OPENED,
    READY,
    RECEIVED,
    UNREADABLE,
    Consent,
    Photo,
    Request,
)
from plugins.photo_request.wording import CONSENT_VERSION
from tests.core.files import pictures_of
from tests.plugins.photo_request.conftest import Phone, Sent, ask
from tests.support.house import House, Visitor


def photos(house: House, sent: Sent) -> list[Photo]:
    with house.at(sent.practice_id, write=False) as session:
        return list(
            session.scalars(select(Photo).where(Photo.request_id == sent.id).order_by(Photo.position))
        )


def test_a_photo_goes_from_the_phone_to_ready(
    house: House, asked: Sent, phone: Phone, jpeg: bytes, see: Callable[[Sent], Request]
) -> None:
    assert phone.send(jpeg, comment="It itches").status_code == 204
    assert see(asked).state == RECEIVED
    (photo,) = photos(house, asked)
    assert (photo.state, photo.patient_comment, photo.size) == (ARRIVED, "It itches", len(jpeg))
    house.work()
    (photo,) = photos(house, asked)
    assert photo.state == READY
    thumb = phone.visitor.get(f"{phone.place}/photos/{photo.id}/thumb")
    assert Image.open(io.BytesIO(thumb.data)).size == (320, 240)
    assert "no-store" in thumb.headers["Cache-Control"]


def test_the_agreement_is_kept_word_for_word(house: House, asked: Sent, phone: Phone, jpeg: bytes) -> None:
    phone.send(jpeg)
    with house.at(house.riverside, write=False) as session:
        consent = session.scalars(select(Consent)).one()
    assert "Riverside Surgery receives these photos" in consent.wording
    assert "intimate area" in consent.wording
    assert (consent.version, consent.language) == (CONSENT_VERSION, "en")


def test_without_agreement_no_photo_is_taken(house: House, asked: Sent, phone: Phone, jpeg: bytes) -> None:
    answer = phone.agree((uuid4(), jpeg), agreed=False)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "agreement_missing")
    answer = phone.begin(uuid4(), len(jpeg))
    assert answer.json == {"error": "not_agreed", "message": "Please agree and send this photo again."}
    assert photos(house, asked) == []


def test_practice_and_patient_are_told_once_all_have_arrived(
    house: House, asked: Sent, phone: Phone, jpeg: bytes
) -> None:
    one, two = uuid4(), uuid4()
    phone.agree((one, jpeg), (two, jpeg))

    def told() -> tuple[int, int]:
        with house.at(house.riverside, write=False) as session:
            bell = session.scalar(select(func.count(InboxItem.id))) or 0
            confirmations = select(func.count(Notification.id)).where(
                Notification.template == "photo_request.confirmation"
            )
            return bell, session.scalar(confirmations) or 0

    phone.begin(one, len(jpeg))
    phone.part(one, 0, jpeg)
    assert told() == (0, 0)
    phone.begin(two, len(jpeg))
    phone.part(two, 0, jpeg)
    assert told() == (1, 1)
    with house.at(house.riverside, write=False) as session:
        item = session.scalars(select(InboxItem)).one()
        assert (item.permission, item.url) == ("photo_request.view", f"/photo_request/requests/{asked.id}")


def test_a_photo_that_never_comes_does_not_hide_the_others(
    house: House, asked: Sent, phone: Phone, jpeg: bytes
) -> None:
    one, two = uuid4(), uuid4()
    phone.agree((one, jpeg), (two, jpeg))
    phone.begin(one, len(jpeg))
    phone.part(one, 0, jpeg)
    with house.at(house.riverside) as session:
        job = session.scalars(select(JobRow).where(JobRow.kind == intake.ANNOUNCE_LATE)).one()
        job.due_at = db.utcnow()
    house.work()
    with house.at(house.riverside, write=False) as session:
        assert session.scalar(select(func.count(InboxItem.id))) == 1
    # The phone wakes up and sends the other one: the practice hears of it as well.
    phone.begin(two, len(jpeg))
    phone.part(two, 0, jpeg)
    with house.at(house.riverside, write=False) as session:
        assert session.scalar(select(func.count(InboxItem.id))) == 2


def test_a_photo_that_is_taken_back_completes_the_batch(
    house: House, asked: Sent, phone: Phone, jpeg: bytes
) -> None:
    one, two = uuid4(), uuid4()
    phone.agree((one, jpeg), (two, jpeg))
    phone.begin(one, len(jpeg))
    phone.part(one, 0, jpeg)
    assert phone.visitor.post(f"{phone.place}/withdraw/{two}").status_code == 200
    assert phone.visitor.post(f"{phone.place}/withdraw/{one}").status_code == 200
    assert [photo.uuid for photo in photos(house, asked)] == [one], "what has arrived stays"
    with house.at(house.riverside, write=False) as session:
        assert session.scalar(select(func.count(InboxItem.id))) == 1


def test_the_same_photo_sent_twice_arrives_once(
    house: House, asked: Sent, phone: Phone, jpeg: bytes, see: Callable[[Sent], Request]
) -> None:
    id = uuid4()
    assert phone.send(jpeg, id=id).status_code == 204
    assert phone.agree((id, jpeg)).status_code == 200
    again = phone.begin(id, len(jpeg))
    assert (again.status_code, again.headers["Upload-Offset"]) == (201, str(len(jpeg)))
    assert len(photos(house, asked)) == 1
    assert (see(asked).photo_count, see(asked).byte_count) == (1, len(jpeg))


def test_a_broken_upload_goes_on_where_it_stopped(
    house: House, asked: Sent, phone: Phone, jpeg: bytes
) -> None:
    id, half = uuid4(), len(jpeg) // 2
    phone.agree((id, jpeg))
    phone.begin(id, len(jpeg))
    phone.part(id, 0, jpeg[:half])
    assert photos(house, asked)[0].state == EXPECTED
    assert phone.begin(id, len(jpeg)).headers["Upload-Offset"] == str(half)
    assert phone.part(id, half, jpeg[half:]).status_code == 204
    assert photos(house, asked)[0].state == ARRIVED


def test_the_eleventh_photo_is_refused_kindly(
    house: House, asked: Sent, phone: Phone, jpeg: bytes, see: Callable[[Sent], Request]
) -> None:
    ids = [uuid4() for _ in range(11)]
    answer = phone.agree(*((id, jpeg) for id in ids))
    assert answer.json["error"] == {
        "code": "too_many_chosen",
        "message": "There is room for 10 more photos. Please remove some.",
    }
    # A phone that asks in two halves and keeps quiet about the first.
    assert phone.agree(*((id, jpeg) for id in ids[:6])).status_code == 200
    assert phone.agree(*((id, jpeg) for id in ids[6:])).status_code == 200
    answers = []
    for id in ids:
        answer = phone.begin(id, len(jpeg))
        answers.append(phone.part(id, 0, jpeg) if answer.status_code == 201 else answer)
    assert [answer.status_code for answer in answers] == [204] * 10 + [422]
    assert answers[-1].json["message"] == "This request takes 10 photos at most. This one was not added."
    assert see(asked).photo_count == 10


def test_fifteen_megabytes_fit_and_one_byte_more_does_not(
    house: House, asked: Sent, phone: Phone, jpeg: bytes, see: Callable[[Sent], Request]
) -> None:
    padded = jpeg + b"\0" * (settings.MAX_BYTES - 2 * len(jpeg))  # bytes after a JPEG's end are allowed
    assert phone.send(jpeg).status_code == 204
    id = uuid4()
    answer = phone.agree((id, padded + b"\0"))
    assert (
        answer.json["error"]["message"] == "All photos together may have 15 MB at most. Please remove some."
    )
    # A phone that lies about the size when it agrees.
    phone.agree((id, b"small"))
    answer = phone.begin(id, len(padded) + 1)
    assert answer.json == {
        "error": "too_much",
        "message": "All photos together may have 15 MB at most. This one was not added.",
    }
    with house.at(house.riverside) as session:
        session.get_one(Request, (house.riverside, asked.id)).byte_count = settings.MAX_BYTES - len(jpeg)
    assert phone.send(jpeg).status_code == 204
    assert see(asked).byte_count == settings.MAX_BYTES


BAD = {
    "text.jpg": (b"I am a text and no photo at all, whatever my name says.", 415),
    "drawing.jpg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', 415),
    "page.jpg": (b"<!doctype html><html><script>alert(1)</script></html>", 415),
    "truncated.jpg": (b"\xff\xd8\xff\xe0\x00\x10JFIF", 422),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_photo_is_refused_with_a_sentence(
    house: House, asked: Sent, phone: Phone, name: str, see: Callable[[Sent], Request]
) -> None:
    data, status = BAD[name]
    answer = phone.send(data, name)
    assert answer.status_code == status
    assert answer.json["message"].endswith(".")
    assert [photo.state for photo in photos(house, asked)] == [EXPECTED]
    assert (see(asked).state, see(asked).photo_count) == (OPENED, 0)


def test_an_empty_file_is_refused(phone: Phone) -> None:
    answer = phone.send(b"", "empty.jpg")
    assert (answer.status_code, answer.json["error"]) == (422, "empty")


def test_animated_and_enormous_pictures_are_refused(phone: Phone) -> None:
    frames = [Image.new("RGB", (60, 60), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:])
    assert phone.send(out.getvalue(), "moving.webp").json["error"] == "animated"
    assert phone.send(pictures_of.empty_png(10_000, 10_000), "huge.png").json["error"] == "too_many_pixels"


def test_a_photo_that_breaks_in_the_worker_frees_its_place(
    house: House, asked: Sent, phone: Phone, see: Callable[[Sent], Request]
) -> None:
    whole = bytearray(pictures_of.saved(pictures_of.scene(300, 200), "PNG"))
    whole[len(whole) // 2] ^= 0xFF  # nobody sees that before the pixels are read
    assert phone.send(bytes(whole), "broken.png").status_code == 204
    assert see(asked).photo_count == 1
    house.work()
    assert [photo.state for photo in photos(house, asked)] == [UNREADABLE]
    assert (see(asked).photo_count, see(asked).byte_count) == (0, 0)
    page = phone.visitor.get(f"{phone.place}/").get_data(as_text=True)
    assert "Choose another" in page
    assert files.refusal_text(photos(house, asked)[0].unreadable_reason or "") in page


@pytest.mark.parametrize(
    "name", ["🤕 arm.jpg", "صورة.jpg", "a" * 200 + ".jpg", "../../etc/passwd", 'a"b\r\nc.jpg']
)
def test_any_name_will_do(house: House, asked: Sent, phone: Phone, jpeg: bytes, name: str) -> None:
    assert phone.send(jpeg, name).status_code == 204
    house.work()
    (photo,) = photos(house, asked)
    assert phone.visitor.get(f"{phone.place}/photos/{photo.id}/thumb").status_code == 200


def test_the_form_without_scripts_takes_what_it_can_and_names_the_rest(
    house: House, asked: Sent, phone: Phone, jpeg: bytes
) -> None:
    answer = phone.visitor.post(
        f"{phone.place}/photos",
        {"agreed": "1", "photos": [(io.BytesIO(jpeg), "arm.jpg"), (io.BytesIO(b"hello"), "note.jpg")]},
        content_type="multipart/form-data",
        follow_redirects=True,
    )
    page = answer.get_data(as_text=True)
    assert "note.jpg: This is not a photo that we can open." in page
    assert "Your photos have arrived" in page
    assert [photo.state for photo in photos(house, asked)] == [ARRIVED]
    with house.at(house.riverside, write=False) as session:
        assert session.scalar(select(func.count(InboxItem.id))) == 1


def test_the_form_without_the_tick_says_what_is_missing(
    house: House, asked: Sent, phone: Phone, jpeg: bytes
) -> None:
    answer = phone.visitor.post(
        f"{phone.place}/photos",
        {"photos": [(io.BytesIO(jpeg), "arm.jpg")]},
        content_type="multipart/form-data",
        follow_redirects=True,
    )
    assert "Please confirm that no photo shows an intimate area, then send." in answer.get_data(as_text=True)
    assert photos(house, asked) == []


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"agreed": True},
        {"agreed": True, "photos": [{"id": "x", "size": 1}]},
        {"agreed": True, "photos": [{"id": str(uuid4()), "size": -1}]},
        {"agreed": True, "photos": "all"},
    ],
)
def test_nonsense_is_a_bad_request(phone: Phone, body: object) -> None:
    answer = phone.json("agree", body)
    assert answer.status_code == 400


def test_a_closed_request_takes_no_more(house: House, asked: Sent, phone: Phone, jpeg: bytes) -> None:
    id = uuid4()
    phone.agree((id, jpeg))
    phone.begin(id, len(jpeg))
    with house.at(house.riverside) as session:
        session.get_one(Request, (house.riverside, asked.id)).state = "completed"
    answer = phone.part(id, 0, jpeg)
    assert (answer.status_code, answer.json["error"]) == (422, "closed")
    assert photos(house, asked)[0].file_id is None


def test_one_patient_cannot_reach_what_another_sent(
    house: House, asked: Sent, phone: Phone, jpeg: bytes, enter: Callable[[Sent], Phone]
) -> None:
    id = uuid4()
    phone.send(jpeg, id=id)
    house.work()
    (photo,) = photos(house, asked)
    other = enter(ask(house, house.riverside, "Okafor"))
    abroad = enter(ask(house, house.lumiere, "Benali"))
    for stranger in (other, abroad):
        assert stranger.visitor.get(f"{stranger.place}/photos/{photo.id}/thumb").status_code == 404
        head = stranger.visitor.client.head(
            f"{stranger.place}/uploads/{id}", headers={"Tus-Resumable": "1.0.0"}
        )
        assert head.status_code == 404
        stranger.visitor.post(f"{stranger.place}/withdraw/{id}")
        assert stranger.visitor.get(f"{phone.place}/").status_code in (302, 303, 403, 404)
    assert len(photos(house, asked)) == 1


def test_pages_are_in_the_patients_language(house: House, enter: Callable[[Sent], Phone]) -> None:
    french = enter(ask(house, house.lumiere, "Benali"))
    page = french.visitor.get(f"{french.place}/").get_data(as_text=True)
    assert 'lang="fr' in page
    assert "Choisir des photos" in page
    assert "Choose photos" not in page


def test_confirmation_is_sent_by_the_way_of_the_request(
    house: House, enter: Callable[[Sent], Phone], jpeg: bytes
) -> None:
    sent = ask(house, house.riverside, "Okafor", channels=["sms", "email"])
    enter(sent).send(jpeg)
    with house.at(house.riverside, write=False) as session:
        rows = session.scalars(
            select(Notification).where(Notification.template == "photo_request.confirmation")
        ).all()
        assert [row.channel for row in rows] == ["sms"]
        assert notifications.about(sent.id)[0].template == "photo_request.invitation"


def test_visitors_without_the_date_of_birth_see_nothing(
    asked: Sent, phone: Phone, visitor: Callable[[], Visitor]
) -> None:
    for path in ("/", "/tips", "/arrived"):
        answer = visitor().get(phone.place + path)
        assert answer.status_code in (302, 303, 403, 404)
