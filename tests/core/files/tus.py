"""An application that takes uploads by tus, and the requests of a client."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from uuid import UUID, uuid4

from flask import g
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from core import db, files
from core.files.models import File, Upload
from core.links import Link

PATIENT = "/v/11111111-1111-7111-8111-111111111111/photos/uploads"
TUS = {"Tus-Resumable": "1.0.0"}


def most_two(upload_id: UUID, size: int, metadata: Mapping[str, str]) -> None:
    if metadata.get("filename") == "no.jpg":
        raise files.FileRefused("too_many", "You have sent 10 photos.")


def keeps(upload: Upload, file: File) -> None:
    """Adds nothing to the file."""


class Door:
    """Stands for the gate: who comes in, for which request of which practice."""

    def __init__(self, practice: UUID) -> None:
        self.practice, self.subject, self.patient = practice, uuid4(), uuid4()

    def open(self) -> None:
        g.practice_id = self.practice
        g.link = Link(patient_id=self.patient, subject_id=self.subject)


def metadata(**words: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in words.items())


def create(client: FlaskClient, length: int, **words: str) -> TestResponse:
    headers = {**TUS, "Upload-Length": str(length), "Upload-Metadata": metadata(**words)}
    return client.post(PATIENT, headers=headers)


def patch(client: FlaskClient, url: str, offset: int, body: bytes, **headers: str) -> TestResponse:
    return client.patch(
        url,
        data=body,
        content_type="application/offset+octet-stream",
        headers={**TUS, "Upload-Offset": str(offset), **headers},
    )


def offset_of(client: FlaskClient, url: str) -> int:
    answer = client.head(url, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return int(answer.headers["Upload-Offset"])


def all_files(practice: UUID) -> list[File]:
    with db.scope(practice, write=False) as session:
        return list(session.scalars(select(File)))
