"""Two practices, a request that was sent, the patient's browser behind its link."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from core import audit, notifications, patients
from core.audit import Actor
from plugins.photo_request import service
from plugins.photo_request.models import Request
from tests.core.files import pictures_of
from tests.support.house import House, Visitor

AMIRA = Actor("staff", "1", "Amira Khan")
TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as the patient got it."""

    practice_id: UUID
    id: UUID
    path: str
    born: tuple[int, int, int]


def ask(house: House, practice_id: UUID, family_name: str, **options: Any) -> Sent:
    """A clinician asks a patient for photos."""
    patient_id = house.patient_id(practice_id, family_name)
    with house.at(practice_id), audit.use_actor(AMIRA):
        patient = patients.get(patient_id)
        request = service.request_photos(patient, **{"channels": ["email"], **options})
        body = notifications.about(request.id)[0].body
        found = re.search(r"/l/[a-z2-7]{32}", body)
        assert found, "the message holds the link"
        born = patient.birth_date
        return Sent(practice_id, request.id, found.group(), (born.day, born.month, born.year))


@dataclass(slots=True)
class Phone:
    """The patient's browser, past the date of birth."""

    visitor: Visitor
    place: str
    offsets: dict[UUID, int] = field(default_factory=dict)

    def agree(self, *photos: tuple[UUID, bytes], comment: str = "", agreed: bool = True) -> Any:
        body = {
            "agreed": agreed,
            "photos": [{"id": str(id), "size": len(data), "comment": comment} for id, data in photos],
        }
        return self.json("agree", body)

    def json(self, path: str, body: object) -> Any:
        """POST JSON as the page's script does."""
        return self.visitor.post(
            f"{self.place}/{path}",
            json.dumps(body),
            content_type="application/json",
            headers={"Accept": "application/json"},
        )

    def begin(self, id: UUID, size: int, name: str = "photo.jpg", type: str = "image/jpeg") -> Any:
        values = {"id": str(id), "filename": name, "filetype": type}
        metadata = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in values.items())
        headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata}
        return self.visitor.post(f"{self.place}/uploads", headers=headers)

    def part(self, id: UUID, offset: int, data: bytes) -> Any:
        headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        return self.visitor.post(
            f"{self.place}/uploads/{id}", data=data, headers={**headers, "X-HTTP-Method-Override": "PATCH"}
        )

    def send(self, data: bytes, name: str = "photo.jpg", *, id: UUID | None = None, comment: str = "") -> Any:
        """Agree to one photo and send it in one part; the last answer."""
        id = id or uuid4()
        answer = self.agree((id, data), comment=comment)
        if answer.status_code != 200:
            return answer
        answer = self.begin(id, len(data), name)
        return self.part(id, 0, data) if answer.status_code == 201 else answer


@pytest.fixture
def asked(house: House) -> Sent:
    """Margaret Whitfield was asked for photos by e-mail."""
    return ask(house, house.riverside, "Whitfield")


@pytest.fixture
def enter(visitor: Callable[[], Visitor]) -> Callable[[Sent], Phone]:
    """Open a request's link on a phone and give the right date of birth."""

    def open_link(sent: Sent) -> Phone:
        phone = visitor()
        day, month, year = sent.born
        answer = phone.post(sent.path, {"day": day, "month": month, "year": year})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return Phone(phone, answer.headers["Location"].split("?")[0].rstrip("/"))

    return open_link


@pytest.fixture
def phone(asked: Sent, enter: Callable[[Sent], Phone]) -> Phone:
    return enter(asked)


@pytest.fixture(scope="session")
def jpeg() -> bytes:
    return pictures_of.jpeg(pictures_of.scene(640, 480))


@pytest.fixture
def see(house: House) -> Callable[[Sent], Request]:
    """The row of a request as it is stored now."""

    def look(sent: Sent) -> Request:
        with house.at(sent.practice_id, write=False) as session:
            return session.get_one(Request, (sent.practice_id, sent.id))

    return look
