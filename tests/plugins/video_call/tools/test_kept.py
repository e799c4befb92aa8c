"""What a call leaves in the record: drawings, stills and recordings, each under its rule."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import select, update

from core import db
from core.files import Upload
from plugins.video_call import consents, recording, service
from plugins.video_call.models import Call, Document
from tests.plugins.video_call.conftest import BASE, Handset, Made
from tests.plugins.video_call.tools.conftest import Talk
from tests.support.house import House, Visitor
from tests.support.pages import text
from tests.support.photos import jpeg

WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + b"A_OPUS" + b"s" * 5000
VIDEO = WEBM.replace(b"A_OPUS", b"V_VP8x")
JSON = {"Accept": "application/json"}


def png() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(made, "PNG")
    return made.getvalue()


def send(visitor: Visitor, path: str, body: object, kind: str = "application/octet-stream") -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body)
    return visitor.post(
        path, data, content_type=kind if isinstance(body, bytes) else "application/json", headers=JSON
    )


def kept(talk: Talk) -> list[Document]:
    with talk.house.at(talk.made.practice_id, write=False) as session:
        wanted = select(Document).where(Document.call_id == talk.made.id).order_by(Document.id)
        return list(session.scalars(wanted))


def at(talk: Talk, path: str) -> str:
    return f"{BASE}/calls/{talk.made.id}/{path}"


def test_a_drawing_is_kept_and_the_patient_can_fetch_it(
    talk: Talk, house: House, amira: Visitor, enter: Callable[[Made], Handset]
) -> None:
    assert send(amira, at(talk, "boards/page/keep"), png(), "image/png").status_code == 200
    house.work()
    (one,) = enter(talk.made).get("/chat").get_json()["documents"]
    assert (one["kind"], one["title"], one["shared"]) == ("drawing", "Drawing", True)
    assert enter(talk.made).visitor.get(one["file"]["url"]).mimetype == "image/jpeg"
    assert "video_call.drawing_kept" in talk.trail()


def test_a_still_is_kept_under_its_own_grant_once_and_the_patient_sees_it_only_when_shared(
    talk: Talk, house: House, amira: Visitor, enter: Callable[[Made], Handset]
) -> None:
    phone = enter(talk.made)
    asked = talk.ask(consents.STILL)
    path = at(talk, f"stills?consent={asked}")
    refused = send(amira, path, jpeg(), "image/jpeg")
    assert refused.get_json()["error"]["code"] == "consent_missing"
    talk.answer(asked)
    assert send(amira, path, jpeg(), "image/jpeg").status_code == 200
    assert send(amira, path, jpeg(), "image/jpeg").get_json()["error"]["code"] == "consent_missing"
    (still,) = kept(talk)
    assert (still.kind, still.consent_id, still.shared) == ("still", asked, False)
    house.work()
    assert phone.get("/chat").get_json()["documents"] == []
    assert phone.get(f"/files/{still.file_id}/large").status_code == 404
    assert amira.get(at(talk, f"files/{still.file_id}/large")).mimetype == "image/jpeg"
    send(amira, at(talk, f"documents/{still.id}/share"), {"shared": True})
    assert phone.get(f"/files/{still.file_id}/large").mimetype == "image/jpeg"
    with house.at(talk.made.practice_id) as session:
        session.get_one(Call, (talk.made.practice_id, talk.made.id)).shown_file = still.file_id
    send(amira, at(talk, f"documents/{still.id}/share"), {"shared": False})
    with house.at(talk.made.practice_id, write=False) as session:
        assert session.get_one(Call, (talk.made.practice_id, talk.made.id)).shown_file is None


@pytest.mark.parametrize("path", ["stills?consent=00000000-0000-0000-0000-000000000000", "boards/page/keep"])
def test_who_takes_no_part_keeps_nothing(talk: Talk, helen: Visitor, path: str) -> None:
    answer = send(helen, at(talk, path), jpeg(), "image/jpeg")
    assert answer.get_json()["error"]["code"] == "not_yours"
    assert kept(talk) == []


def test_a_recording_comes_in_parts_and_is_played_in_ranges(talk: Talk, amira: Visitor) -> None:
    talk.set(recording="audio")
    refused = send(amira, at(talk, "recordings"), {"what": "audio"})
    assert refused.get_json()["error"]["code"] == "consent_missing"
    grant = talk.grant(consents.AUDIO)
    parts = send(amira, at(talk, "recordings"), {"what": "audio"}).get_json()["parts"]
    assert send(amira, f"{parts}?from=0", WEBM[:3000]).get_json()["received"] == 3000
    assert send(amira, f"{parts}?from=0", WEBM[:3000]).status_code == 409  # twice is not more
    with talk.clinician() as (call, _me):
        assert recording.under_way(call)
    done = send(amira, f"{parts}?from=3000&last", WEBM[3000:])
    assert done.status_code == 200
    (document,) = kept(talk)
    assert (document.kind, document.consent_id, document.shared) == ("recording", grant, False)
    answer = amira.get(at(talk, f"files/{document.file_id}/large"), headers={"Range": "bytes=0-99"})
    assert (answer.status_code, answer.mimetype, answer.data) == (206, "audio/webm", WEBM[:100])
    assert amira.get(at(talk, f"files/{document.file_id}/large")).data == WEBM
    assert talk.trail("video_call.recording") == ["video_call.recording_begun", "video_call.recording_kept"]


def test_a_grant_taken_back_ends_the_recording_and_keeps_what_came_before(talk: Talk, amira: Visitor) -> None:
    talk.set(recording="audio")
    grant = talk.grant(consents.AUDIO)
    parts = send(amira, at(talk, "recordings"), {"what": "audio"}).get_json()["parts"]
    send(amira, f"{parts}?from=0", WEBM[:3000])
    with talk.patient() as (call, _me):
        consents.revoke(call, grant)
    refused = send(amira, f"{parts}?from=3000", WEBM[3000:])
    assert refused.get_json()["error"]["code"] == "consent_missing"
    assert send(amira, f"{parts}?from=3000&last", b"").status_code == 200
    (document,) = kept(talk)
    assert amira.get(at(talk, f"files/{document.file_id}/large")).data == WEBM[:3000]


def test_no_picture_gets_in_under_a_grant_for_sound(talk: Talk, amira: Visitor) -> None:
    talk.set(recording="video")
    talk.grant(consents.AUDIO)
    parts = send(amira, at(talk, "recordings"), {"what": "audio"}).get_json()["parts"]
    answer = send(amira, f"{parts}?from=0&last", VIDEO)
    assert "not what the patient agreed to" in answer.get_json()["error"]["message"]
    assert kept(talk) == []


def test_what_a_closed_page_recorded_is_kept_all_the_same(talk: Talk, house: House, amira: Visitor) -> None:
    talk.set(recording="audio")
    talk.grant(consents.AUDIO)
    parts = send(amira, at(talk, "recordings"), {"what": "audio"}).get_json()["parts"]
    send(amira, f"{parts}?from=0", WEBM)
    with talk.clinician() as (call, _me):
        service.end(call, "clinician")
    with house.at(talk.made.practice_id) as session:
        session.execute(update(Upload).values(updated_at=db.utcnow() - timedelta(minutes=11)))
    from core.jobs import enqueue

    with house.at(talk.made.practice_id):
        enqueue("video_call.recordings")
    house.work()
    assert [one.kind for one in kept(talk)] == ["recording"]


def test_after_the_call_the_clinician_finds_what_was_written_sent_and_kept(
    talk: Talk, house: House, amira: Visitor, grace: Visitor, enter: Callable[[Made], Handset]
) -> None:
    phone = enter(talk.made)
    send(amira, at(talk, "chat"), {"text": "Two tablets at night.", "key": str(uuid4())})
    grant = talk.grant(consents.STILL)
    send(amira, at(talk, f"stills?consent={grant}"), jpeg(), "image/jpeg")
    send(amira, at(talk, "boards/page/keep"), png(), "image/png")
    house.work()
    amira.post(at(talk, "end"))
    page = text(amira.get(at(talk, "ended")))
    assert "Chat, files and recordings" in page
    assert "Two tablets at night." in page
    for kind in ("Picture from the video", "Drawing"):
        assert re.search(rf"{kind} Amira Khan · \d+:\d\d\s?[AP]?M? · Download The patient can fetch it", page)
    assert talk.trail("patient.viewed")
    still = next(one for one in kept(talk) if one.kind == "still")
    assert amira.get(at(talk, f"files/{still.file_id}/large")).mimetype == "image/jpeg"
    assert talk.trail("video_call.file_viewed")
    assert grace.get(at(talk, "ended")).status_code == 403

    assert "Picture from the video" not in text(phone.get("/"))
    answer = amira.post(at(talk, f"documents/{still.id}/share"), {"shared": "1"})
    assert answer.headers["Location"].endswith("/ended#exchanged")
    assert "Picture from the video" in text(phone.get("/"))
    assert "Yes, by a link" in text(amira.get(at(talk, "ended")))
    amira.post(at(talk, f"documents/{still.id}/share"), {})
    assert "Picture from the video" not in text(phone.get("/"))
    assert talk.trail("video_call.document_") == [
        "video_call.document_shared",
        "video_call.document_unshared",
    ]


def test_a_call_without_anything_to_keep_says_so(amira: Visitor, call_in: Callable[..., Made]) -> None:
    made = call_in("ended")
    assert "Nothing was written, sent or kept" in text(amira.get(f"{BASE}/calls/{made.id}/ended"))
