"""The tus protocol as a client sees it: headers, status codes, offsets, and refusals in words."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from core import db, files
from core.web.routes import table
from tests.core.files import pictures_of
from tests.core.files.tus import PATIENT, TUS, Door, all_files, create, metadata, offset_of, patch

Blobs = Callable[[], list[Any]]

pytestmark = pytest.mark.both_stores


def test_a_whole_upload(client: FlaskClient, practice: UUID, door: Door, photo: bytes) -> None:
    upload_id = str(uuid4())
    made = create(client, len(photo), id=upload_id, filename="éruption 🦵.jpg", filetype="image/jpeg")
    assert made.status_code == 201
    url = made.headers["Location"]
    assert url == f"{PATIENT}/{upload_id}"
    assert (made.headers["Upload-Offset"], made.headers["Tus-Resumable"]) == ("0", "1.0.0")
    assert "Upload-Expires" in made.headers
    first = patch(client, url, 0, photo[:50_000])
    assert (first.status_code, first.headers["Upload-Offset"], first.data) == (204, "50000", b"")
    assert offset_of(client, url) == 50_000
    assert client.head(url, headers=TUS).headers["Upload-Length"] == str(len(photo))
    last = patch(client, url, 50_000, photo[50_000:])
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(photo)))
    (file,) = all_files(practice)
    assert (file.name, file.owner, file.patient_id) == ("éruption 🦵.jpg", "photos", door.patient)


def test_what_we_speak_is_told(client: FlaskClient) -> None:
    for url in (PATIENT, f"{PATIENT}/{uuid4()}"):
        answer = client.options(url)
        assert answer.status_code == 204
        assert answer.headers["Tus-Version"] == "1.0.0"
        assert answer.headers["Tus-Extension"] == "creation,expiration,termination,checksum"
        assert answer.headers["Tus-Max-Size"] == "2000000"
        assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256"


@pytest.mark.parametrize("version", [{}, {"Tus-Resumable": "0.2.2"}])
def test_another_version_is_refused_before_anything_happens(
    client: FlaskClient, version: dict[str, str]
) -> None:
    answer = client.post(PATIENT, headers={**version, "Upload-Length": "10"})
    assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")
    assert client.head(f"{PATIENT}/{uuid4()}", headers=version).status_code == 412


def test_creating_twice_answers_the_same_address_and_the_offset(
    client: FlaskClient, practice: UUID, photo: bytes
) -> None:
    words = {"id": str(uuid4()), "filename": "a.jpg"}
    url = create(client, len(photo), **words).headers["Location"]
    patch(client, url, 0, photo[:1_000])
    again = create(client, len(photo), **words)
    assert (again.status_code, again.headers["Location"], again.headers["Upload-Offset"]) == (
        201,
        url,
        "1000",
    )
    patch(client, url, 1_000, photo[1_000:])
    done = create(client, len(photo), **words)
    assert (done.headers["Location"], done.headers["Upload-Offset"]) == (url, str(len(photo)))
    assert len(all_files(practice)) == 1
    other = create(client, len(photo) + 1, **words)
    assert (other.status_code, other.get_json()["error"]) == (409, "upload_taken")


def test_without_an_id_one_is_chosen(client: FlaskClient) -> None:
    first, second = (create(client, 10).headers["Location"] for _ in range(2))
    assert first != second
    assert offset_of(client, first) == 0


def test_wrong_offsets_and_repeated_parts_are_409(client: FlaskClient, practice: UUID, photo: bytes) -> None:
    url = create(client, len(photo)).headers["Location"]
    assert patch(client, url, 5, photo[5:100]).status_code == 409
    assert patch(client, url, 0, photo[:100]).status_code == 204
    assert patch(client, url, 0, photo[:100]).status_code == 409
    assert offset_of(client, url) == 100
    assert patch(client, url, 100, photo[100:]).status_code == 204
    assert patch(client, url, 100, photo[100:]).status_code == 409
    assert offset_of(client, url) == len(photo)
    assert len(all_files(practice)) == 1


def test_uploads_of_others_do_not_exist(client: FlaskClient, door: Door, photo: bytes) -> None:
    url = create(client, len(photo)).headers["Location"]
    door.subject = uuid4()
    answers = [client.head(url, headers=TUS), patch(client, url, 0, photo), client.delete(url, headers=TUS)]
    unknown = patch(client, f"{PATIENT}/{uuid4()}", 0, photo)
    assert [answer.status_code for answer in (*answers, unknown)] == [404] * 4
    assert answers[1].data == unknown.data


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [
        (b"text named .jpg\n" * 20, 415, "format"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'></svg>", 415, "drawing"),
        (pictures_of.animated("PNG"), 415, "animated"),
        (pictures_of.jpeg()[:-300], 422, "incomplete"),
        (pictures_of.empty_png(10_000, 10_000), 422, "too_many_pixels"),
    ],
)
def test_what_is_no_photo_is_refused_in_words_and_stays_refused(
    client: FlaskClient, practice: UUID, blobs: Blobs, content: bytes, status: int, error: str
) -> None:
    words = {"id": str(uuid4()), "filename": "photo.jpg"}
    url = create(client, len(content), **words).headers["Location"]
    patch(client, url, 0, content[:20])
    for _ in range(2):
        answer = patch(client, url, 20, content[20:])
        assert answer.status_code == status
        assert answer.get_json() == {"error": error, "message": files.refusal_text(error)}
    assert create(client, len(content), **words).status_code == status
    assert all_files(practice) == []
    assert blobs() == []


def test_refusals_at_creation(client: FlaskClient) -> None:
    empty, large, many = create(client, 0), create(client, 2_000_001), create(client, 9, filename="no.jpg")
    assert (empty.status_code, empty.get_json()["error"]) == (422, "empty")
    assert (large.status_code, large.get_json()["error"]) == (413, "too_large")
    assert create(client, 2_000_000).status_code == 201
    assert (many.status_code, many.get_json()) == (
        422,
        {"error": "too_many", "message": "You have sent 10 photos."},
    )


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, "no_length"),
        ({"Upload-Length": "-1"}, "no_length"),
        ({"Upload-Length": "1e3"}, "no_length"),
        ({"Upload-Length": "²"}, "no_length"),
        ({"Upload-Length": "9" * 30}, "no_length"),
        ({"Upload-Defer-Length": "1"}, "no_length"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename !!!"}, "bad_metadata"),
        (
            {"Upload-Length": "5", "Upload-Metadata": "filename //4="},
            "bad_metadata",
        ),
        ({"Upload-Length": "5", "Upload-Metadata": metadata(id="not a uuid")}, "bad_metadata"),
        ({"Upload-Length": "5", "Upload-Metadata": metadata(filetype="image/\0jpeg")}, "bad_metadata"),
        ({"Upload-Length": "5", "Upload-Metadata": metadata(filename="x" * 5_000)}, "bad_metadata"),
    ],
)
def test_nonsense_in_headers_is_400(client: FlaskClient, headers: dict[str, str], error: str) -> None:
    latin = {key: value.encode().decode("latin-1") for key, value in headers.items()}
    answer = client.post(PATIENT, headers={**TUS, **latin})
    assert (answer.status_code, answer.get_json()["error"]) == (400, error)
    assert answer.get_json()["message"]


def test_nonsense_in_a_patch(client: FlaskClient) -> None:
    url = create(client, 100).headers["Location"]
    assert client.patch(url, data=b"x", headers={**TUS, "Upload-Offset": "0"}).status_code == 415
    assert patch(client, url, 0, b"x", **{"Upload-Offset": "zero"}).status_code == 400
    assert patch(client, url, 0, bytes(101)).status_code == 413
    assert client.put(url, headers=TUS).status_code == 405
    assert client.get(url, headers=TUS).status_code == 405
    assert client.post(url, headers=TUS).status_code == 405
    assert client.head(PATIENT, headers=TUS).status_code == 405
    assert offset_of(client, url) == 0


def test_a_patch_beyond_a_mebibyte_is_not_read(client: FlaskClient) -> None:
    url = create(client, 1_500_000).headers["Location"]
    answer = patch(client, url, 0, bytes(1024 * 1024 + 1))
    assert (answer.status_code, answer.get_json()["error"]) == (413, "chunk_too_large")
    assert patch(client, url, 0, bytes(1024 * 1024)).status_code == 204


def test_checksums_are_held(client: FlaskClient) -> None:
    url = create(client, 100).headers["Location"]
    for name, made in (("sha1", hashlib.sha1), ("sha256", hashlib.sha256)):
        right = base64.b64encode(made(b"12345").digest()).decode()
        start = offset_of(client, url)
        wrong = patch(client, url, start, b"12346", **{"Upload-Checksum": f"{name} {right}"})
        assert (wrong.status_code, offset_of(client, url)) == (460, start)
        assert (
            patch(client, url, start, b"12345", **{"Upload-Checksum": f"{name} {right}"}).status_code == 204
        )
    assert patch(client, url, 10, b"1", **{"Upload-Checksum": "crc32 AAAA"}).status_code == 400
    assert offset_of(client, url) == 10


def test_methods_can_be_named_in_a_header(client: FlaskClient, photo: bytes) -> None:
    url = create(client, len(photo)).headers["Location"]
    answer = client.post(
        url,
        data=photo[:10],
        content_type="application/offset+octet-stream",
        headers={**TUS, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"},
    )
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "10")
    gone = client.post(url, headers={**TUS, "X-HTTP-Method-Override": "DELETE"})
    assert gone.status_code == 204
    assert client.head(url, headers=TUS).status_code == 404


def test_a_file_cannot_be_given_up_as_an_upload(client: FlaskClient, practice: UUID, photo: bytes) -> None:
    url = create(client, len(photo)).headers["Location"]
    patch(client, url, 0, photo)
    assert client.delete(url, headers=TUS).status_code == 409
    assert len(all_files(practice)) == 1


def test_a_full_store_is_503_and_the_upload_goes_on_later(
    client: FlaskClient, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = create(client, len(photo)).headers["Location"]
    with monkeypatch.context() as patched:

        def full(name: str, pieces: object) -> None:
            raise files.StoreUnavailable("disk full")

        patched.setattr("core.files.store.put", full)
        answer = patch(client, url, 0, photo)
        assert (answer.status_code, answer.get_json()["error"]) == (503, "unavailable")
    assert patch(client, url, 0, photo).status_code == 204


def test_every_route_declares_its_purpose_and_opens_its_own_scopes(app: Flask) -> None:
    for endpoint in ("photos_patient.upload", "photos_patient.uploads"):
        access = table(app)[endpoint]
        assert (access.kind, access.purpose, access.scope) == ("patient", "photos.send", "none")


@contextmanager
def served(app: Flask) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_connection_that_breaks_off_has_still_brought_its_first_bytes(
    app: Flask, client: FlaskClient, practice: UUID, photo: bytes
) -> None:
    url = create(client, len(photo)).headers["Location"]
    with served(app) as port:
        with socket.create_connection(("127.0.0.1", port)) as phone:
            head = (
                f"PATCH {url} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
                f"Content-Type: application/offset+octet-stream\r\nContent-Length: 50000\r\n\r\n"
            )
            phone.sendall(head.encode() + photo[:20_000])
        deadline = time.monotonic() + 5
        while offset_of(client, url) == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
    reached = offset_of(client, url)
    assert 0 < reached <= 20_000
    assert patch(client, url, reached, photo[reached:]).status_code == 204
    (file,) = all_files(practice)
    with db.scope(practice, write=False):
        assert files.open(file.id).read() == photo
