"""Chat and files over the pages of both sides, during the call and after it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from core.db import utcnow
from plugins.video_call import chat, guests, service
from plugins.video_call.errors import ChatRefused
from tests.core.files import pictures_of
from tests.plugins.video_call.conftest import BASE, Handset, Made
from tests.plugins.video_call.tools.conftest import Talk
from tests.support.house import House, Visitor
from tests.support.pages import text
from tests.support.photos import jpeg

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\n%%EOF\n"
JSON = {"Accept": "application/json"}


def send(visitor: Visitor, url: str, content: bytes, name: str, key: str = "") -> Any:
    headers = {**JSON, "X-File-Name": quote(name)}
    kind = "application/octet-stream"
    return visitor.post(f"{url}?key={key or uuid4()}", content, content_type=kind, headers=headers)


def write(visitor: Visitor, made: Made, text: str) -> Any:
    body = json.dumps({"text": text, "key": str(uuid4())})
    return visitor.post(f"{BASE}/calls/{made.id}/chat", body, content_type="application/json", headers=JSON)


def test_both_write_and_read_and_a_line_sent_twice_is_one(
    talk: Talk, amira: Visitor, enter: Callable[[Made], Handset]
) -> None:
    phone, key = enter(talk.made), str(uuid4())
    for _attempt in range(2):
        assert phone.post("/chat", {"text": " It hurts here.\n", "key": key}).status_code == 200
    assert write(amira, talk.made, "Since when?").status_code == 200
    lines = phone.get("/chat").get_json()["messages"]
    assert [(one["text"], one["mine"], one["role"]) for one in lines] == [
        ("It hurts here.", True, "patient"),
        ("Since when?", False, "clinician"),
    ]
    assert talk.trail("video_call.message") == ["video_call.message_written"] * 2


@pytest.mark.both_databases
def test_what_no_database_holds_does_not_lose_a_line(talk: Talk, amira: Visitor) -> None:
    said = write(amira, talk.made, "It \0hurts \ud800here")
    assert said.status_code == 200
    assert said.get_json()["messages"][0]["text"] == "It hurts \ufffdhere"


def test_files_are_there_for_both_after_the_call_and_for_nobody_without_the_link(
    talk: Talk, house: House, amira: Visitor, nadia: Visitor, visitor: Callable[[], Visitor],
    enter: Callable[[Made], Handset],
) -> None:  # fmt: skip
    phone = enter(talk.made)
    assert send(phone.visitor, f"{phone.place}/chat/files", jpeg(), "arm.jpg").status_code == 200
    assert send(amira, f"{BASE}/calls/{talk.made.id}/chat/files", PDF, "prescription.pdf").status_code == 200
    house.work()
    with talk.clinician() as (call, _me):
        service.end(call, "clinician")
    for reader, url in ((phone.visitor, f"{phone.place}/chat"), (amira, f"{BASE}/calls/{talk.made.id}/chat")):
        photo, letter = (one["file"] for one in reader.get(url).get_json()["messages"])
        assert (photo["name"], photo["picture"], photo["state"]) == ("arm.jpg", True, "ready")
        assert reader.get(photo["thumb"]).mimetype == "image/jpeg"
        answer = reader.get(letter["url"])
        assert (answer.data, answer.mimetype) == (PDF, "application/pdf")
        assert answer.headers["Content-Disposition"].startswith("attachment")
    assert nadia.get(letter["url"]).status_code == 404
    assert visitor().get(photo["url"]).status_code in (302, 401)
    stranger = visitor().get(f"{phone.place}/chat")
    assert "arm.jpg" not in stranger.get_data(as_text=True)
    assert "video_call.file_viewed" in talk.trail()
    late = phone.post("/chat", {"text": "One more thing", "key": str(uuid4())})
    assert late.status_code == 409
    assert "moved on" in late.get_json()["error"]["message"]


def test_the_patients_last_page_opens_what_is_ready_and_says_what_is_not(
    talk: Talk, house: House, amira: Visitor, enter: Callable[[Made], Handset]
) -> None:
    phone, png = enter(talk.made), pictures_of.png(pictures_of.scene(300, 300))
    place = png.index(b"IDAT") + 4
    broken = png[:place] + b"\xff" * 400 + png[place + 400 :]  # only the worker finds out
    for picture, name in ((jpeg(), "arm.jpg"), (broken, "leg.png")):
        assert send(phone.visitor, f"{phone.place}/chat/files", picture, name).status_code == 200
    assert write(amira, talk.made, "Thank you").status_code == 200
    with talk.clinician() as (call, _me):
        service.end(call, "clinician")

    def links() -> list[str]:
        return re.findall(r'class="vc-file" href="([^"]+)"', phone.get("/?fragment=1").get_data(as_text=True))

    page = phone.get()
    assert text(page).count("The picture is being prepared…") == 2
    assert links() == []
    assert f'data-topics="video_call.call:{talk.made.id}"' in page.get_data(as_text=True)
    assert "patient/over.js" in page.get_data(as_text=True), "what keeps it fresh"
    house.work()
    fragment = phone.get("/?fragment=1")
    assert "<html" not in fragment.get_data(as_text=True)
    assert "Thank you" in text(fragment)
    assert "leg.jpg This file is damaged and cannot be opened." in text(fragment)
    (ready,) = links()
    assert phone.visitor.get(ready).mimetype == "image/jpeg"


@pytest.mark.parametrize(
    ("name", "content", "status", "words"),
    [
        ("invoice.pdf.exe", PDF, 415, "virus"),
        ("photo.scr.jpg", b"", 415, "virus"),
        ("notes.docx", b"PK\x03\x04" + b"x" * 200, 415, "PDF"),
        ("page.html", b"<html><script>", 415, "PDF"),
        ("empty.jpg", b"", 422, "empty"),
    ],
)
def test_a_file_that_is_not_taken_is_refused_in_words(
    talk: Talk, amira: Visitor, name: str, content: bytes, status: int, words: str
) -> None:
    answer = send(amira, f"{BASE}/calls/{talk.made.id}/chat/files", content, name)
    assert answer.status_code == status
    assert words in answer.get_json()["error"]["message"]
    assert talk.trail("video_call.file") == []


def test_200_megabytes_are_refused_before_they_are_read(talk: Talk, amira: Visitor) -> None:
    size = {"CONTENT_LENGTH": str(200 * 1024 * 1024)}
    url, headers = (
        f"{BASE}/calls/{talk.made.id}/chat/files?key={uuid4()}",
        {**JSON, "X-File-Name": "scan.pdf"},
    )
    kind = "application/octet-stream"
    answer = amira.post(url, b"x", content_type=kind, headers=headers, environ_overrides=size)
    assert answer.status_code == 413
    assert "larger than we can take" in answer.get_json()["error"]["message"]


@pytest.mark.parametrize("name", ["report.company.com.pdf", "arm.jpg", "Ordonnance du 3.12.pdf"])
def test_ordinary_names_are_taken(name: str) -> None:
    chat.check_name(name)


@pytest.mark.parametrize("name", ["a.exe", "a.EXE", "a.jpg.vbs", "gpj.\u202eexe", "a.sh"])
def test_names_of_programs_are_not(configured: object, name: str) -> None:
    with pytest.raises(ChatRefused):
        chat.check_name(name)


def test_a_guest_reads_the_chat_only_while_in_the_call(
    talk: Talk, guest_of: Callable[..., Any], amira: Visitor
) -> None:
    guest_id, phone = guest_of(talk.made)
    write(amira, talk.made, "Hello")
    assert phone.get("/chat").status_code == 404
    amira.post(f"{BASE}/calls/{talk.made.id}/guests/{guest_id}/admit", headers=JSON)
    assert phone.get("/chat").get_json()["messages"][0]["text"] == "Hello"
    assert phone.get("/consents").status_code == 404
    with talk.clinician() as (call, _me):
        service.end(call, "clinician")
    assert phone.get("/chat").status_code in (404, 410)


def test_a_guest_who_is_being_shown_out_reads_gone(talk: Talk, guest_of: Callable[..., Any]) -> None:
    """A request that came past the link's check just before the link was taken back."""
    guest_id, phone = guest_of(talk.made)
    with talk.clinician() as (call, _me):
        guest = guests.of_call(call, guest_id)
        guests.admit(call, guest)
        guest.left_at = utcnow()
    for path in ("/chat", "/boards/page", f"/files/{guest_id}/thumb"):
        assert phone.get(path).status_code == 410, path
