"""The practice's pictures behind its clinicians: an admin adds them, the worker prepares them, a call offers them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core.audit.models import AuditEntry
from core.files import File
from plugins.video_call import backgrounds
from plugins.video_call.models import Background
from tests.plugins.video_call.conftest import BASE, Made
from tests.support.house import House, Visitor
from tests.support.pages import text
from tests.support.photos import jpeg

PLACE = f"{BASE}/backgrounds"
LARGE = jpeg("purple", (1280, 800))


def add(
    visitor: Visitor, content: bytes = LARGE, name: str = "Treatment room", file: str = "room.jpg"
) -> Any:
    return visitor.post(PLACE, {"name": name, "picture": (io.BytesIO(content), file)})


@pytest.fixture
def room(house: House, helen: Visitor) -> UUID:
    """A picture that Helen added and that the worker has prepared."""
    assert add(helen).status_code == 303
    house.work()
    with house.at(house.riverside, write=False) as session:
        return session.scalars(select(Background.id)).one()


def test_an_admin_adds_a_picture_and_a_clinician_chooses_it_in_the_call(
    house: House, helen: Visitor, amira: Visitor, room: UUID, call_in: Callable[..., Made]
) -> None:
    page = text(helen.get(PLACE))
    assert "Treatment room" in page
    assert helen.get(f"{PLACE}/{room}/preview.jpg").mimetype == "image/jpeg"
    call = amira.get(f"{BASE}/calls/{call_in('in_call').id}").get_data(as_text=True)
    assert f'data-picture="{PLACE}/{room}/large.jpg"' in call
    answer = amira.get(f"{PLACE}/{room}/large.jpg")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    with house.at(house.riverside, write=False) as session:
        said = session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("video_call.back%")))
        assert said.all() == ["video_call.background_added"]


def test_the_settings_lead_there_and_nobody_else_looks_after_them(
    helen: Visitor, amira: Visitor, nadia: Visitor, room: UUID
) -> None:
    assert PLACE in helen.get("/p/riverside/admin/plugins/video_call/settings").get_data(as_text=True)
    assert amira.get(PLACE).status_code == 403
    assert amira.post(f"{PLACE}/{room}/remove").status_code == 403
    elsewhere = PLACE.replace("riverside", "lumiere")
    assert nadia.post(f"{elsewhere}/{room}/remove").status_code == 404
    assert nadia.get(f"{elsewhere}/{room}/preview.jpg").status_code == 404


def test_removed_it_is_gone_with_its_file(
    house: House, helen: Visitor, amira: Visitor, room: UUID, call_in: Callable[..., Made]
) -> None:
    assert helen.post(f"{PLACE}/{room}/remove").status_code == 303
    assert "There is no picture yet" in text(helen.get(PLACE))
    assert amira.get(f"{PLACE}/{room}/large.jpg").status_code == 404
    assert "data-picture" not in amira.get(f"{BASE}/calls/{call_in('ready').id}").get_data(as_text=True)
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(File).where(File.owner == "video_call")).all() == []


@pytest.mark.parametrize(
    ("content", "file", "status", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "room.svg", 415, "drawing"),
        (b"<?php system($_GET['c']); ?>", "room.jpg", 415, "not a picture"),
        (b"%PDF-1.4\n%%EOF\n", "room.pdf", 415, "not a picture"),
        (b"", "room.jpg", 422, "empty"),
        (jpeg("teal", (320, 240)), "room.jpg", 422, "640 pixels wide"),
        (LARGE + bytes(100_000), "room.jpg", 413, "This picture is too large"),
    ],
)  # fmt: skip
def test_what_is_no_fitting_picture_is_refused_in_words_and_the_name_stays(
    house: House,
    helen: Visitor,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
    file: str,
    status: int,
    words: str,
) -> None:
    monkeypatch.setattr(backgrounds, "MAX_BYTES", 100_000)
    answer = add(helen, content, "Our “garden”", file)
    assert answer.status_code == status
    assert words in text(answer)
    assert 'value="Our “garden”"' in answer.get_data(as_text=True)
    with house.at(house.riverside, write=False) as session:
        assert session.scalars(select(Background)).all() == []


def test_a_picture_needs_a_name_and_a_name_a_picture(helen: Visitor) -> None:
    assert "Give the picture a name" in text(add(helen, name="  "))
    assert "60 characters at most" in text(add(helen, name="x" * 61))
    assert "Choose a picture first" in text(helen.post(PLACE, {"name": "Garden"}))


def test_a_damaged_picture_is_told_of_once_the_worker_has_seen_it(
    house: House, helen: Visitor, amira: Visitor, call_in: Callable[..., Made]
) -> None:
    assert add(helen, LARGE[:600]).status_code in (303, 415, 422)
    house.work()
    assert "cannot be used" in text(helen.get(PLACE)) or "no picture yet" in text(helen.get(PLACE))
    assert "data-picture" not in amira.get(f"{BASE}/calls/{call_in('ready').id}").get_data(as_text=True)


def test_there_is_room_for_a_few(helen: Visitor) -> None:
    for number in range(backgrounds.MOST):
        assert add(helen, name=f"Room {number}").status_code == 303
    answer = add(helen, name="One more")
    assert answer.status_code == 409
    assert "Remove one first" in text(answer)
