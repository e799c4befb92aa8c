"""Documents and recordings: taken where somebody asks for them, kept as they came, told from their bytes."""

from __future__ import annotations

import io
from uuid import UUID, uuid4

import pytest

from core import db, files
from core.files import FileRefused, Upload, integrity, uploads
from core.files.models import File
from core.files.uploads import Place

PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
WEBM = (
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"
    + b"V_VP8"
    + b"x" * 3000
)
ALSO = ("application/pdf", "video/webm", "audio/webm")


def taken(practice: UUID, content: bytes, name: str = "letter.pdf") -> File:
    with db.scope(practice):
        staged = files.stage(io.BytesIO(content), owner="video_call", name=name, also=ALSO)
        return files.keep(staged)


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(PDF, "application/pdf"), (WEBM, "video/webm"), (WEBM.replace(b"V_VP8", b"Opus!"), "audio/webm")],
)
def test_it_is_ready_at_once_and_its_bytes_are_as_they_came(
    practice: UUID, content: bytes, media_type: str
) -> None:
    file = taken(practice, content)
    assert (file.media_type, file.state, file.size) == (media_type, "ready", len(content))
    assert files.name_of(file) == "letter.pdf"
    with db.scope(practice, write=False), files.open(file.id) as plain:
        assert plain.read() == content
    assert list(integrity._rows_without_blobs(practice)) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (PDF.replace(b"%%EOF", b""), "incomplete"),
        (PDF.replace(b"/Catalog", b"/Catalog/OpenAction<</S/JavaScript>>"), "active"),
        (b"MZ\x90\x00" + b"x" * 300, "format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "drawing"),
    ],
)
def test_what_is_cut_or_starts_something_or_is_nothing_of_ours_is_refused(
    practice: UUID, content: bytes, reason: str
) -> None:
    with pytest.raises(FileRefused) as refused:
        taken(practice, content)
    assert refused.value.reason == reason


def test_where_nobody_asks_for_documents_only_photos_are_taken(practice: UUID) -> None:
    with pytest.raises(FileRefused) as refused, db.scope(practice, write=False):
        files.stage(io.BytesIO(PDF), owner="photo_request", name="letter.pdf")
    assert refused.value.reason == "format"


def test_a_recording_whose_length_nobody_knew_is_closed_with_what_came(practice: UUID) -> None:
    place, id, seen = Place(practice, "video_call", uuid4()), uuid4(), list[UUID]()

    def finished(_upload: Upload, file: File) -> None:
        seen.append(file.id)

    uploads.create(place, id, 10_000_000, {"filename": "call.webm"}, lambda *_: None)
    half = len(WEBM) // 2
    uploads.append(place, id, 0, WEBM[:half], finished, ALSO)
    uploads.append(place, id, half, WEBM[half:], finished, ALSO)
    done = uploads.close(place, id, finished, ALSO)
    again = uploads.close(place, id, finished, ALSO)
    assert (done.state, done.file_id, done.length) == ("finished", again.file_id, len(WEBM))
    assert seen == [done.file_id]
    with db.scope(practice, write=False), files.open(seen[0]) as plain:
        assert plain.read() == WEBM
