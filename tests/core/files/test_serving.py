"""Pictures as a browser fetches them: safe headers, and one range of their bytes."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask.testing import FlaskClient

from core import jobs
from tests.core.files.tus import all_files, create, patch

pytestmark = pytest.mark.both_stores


def test_the_picture_is_served_safely_and_only_when_it_is_there(
    client: FlaskClient, practice: UUID, photo: bytes
) -> None:
    url = create(client, len(photo), filename='a"b\u202e<x>.png').headers["Location"]
    patch(client, url, 0, photo)
    (file,) = all_files(practice)
    assert client.get(f"/picture/{file.id}/thumb").status_code == 404
    jobs.run_due()
    answer = client.get(f"/picture/{file.id}/thumb")
    assert (answer.status_code, answer.mimetype) == (200, "image/jpeg")
    assert answer.data[:2] == b"\xff\xd8"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Disposition"].startswith('inline; filename="a_b_x_.jpg"')
    assert client.get(f"/picture/{file.id}/original").status_code == 404


@pytest.fixture
def thumb(client: FlaskClient, practice: UUID, photo: bytes) -> str:
    """The URL of a picture that is there."""
    url = create(client, len(photo)).headers["Location"]
    patch(client, url, 0, photo)
    jobs.run_due()
    return f"/picture/{all_files(practice)[0].id}/thumb"


def test_one_range_of_a_picture_is_answered(client: FlaskClient, thumb: str) -> None:
    whole = client.get(thumb)
    size = len(whole.data)
    assert (whole.status_code, whole.headers["Accept-Ranges"]) == (200, "bytes")
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        (f"bytes={size - 5}-", size - 5, size),
        (f"bytes=5-{size * 2}", 5, size),
        ("bytes=-7", size - 7, size),
    ):
        answer = client.get(thumb, headers={"Range": asked})
        assert (answer.status_code, answer.data) == (206, whole.data[start:end]), asked
        assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        assert int(answer.headers["Content-Length"]) == end - start
        assert answer.headers["Cache-Control"] == "private, no-store"
    for asked in (f"bytes={size}-", f"bytes={size + 100}-{size + 200}"):
        answer = client.get(thumb, headers={"Range": asked})
        assert (answer.status_code, answer.data) == (416, b""), asked
        assert answer.headers["Content-Range"] == f"bytes */{size}"
    for asked in (
        "bytes=0-1,5-6",
        "bytes=9-2",
        "lines=1-2",
        "bytes=",
        "bytes=-",
        "nonsense",
        f"bytes=-{size * 2}",
    ):
        answer = client.get(thumb, headers={"Range": asked})
        assert (answer.status_code, answer.data) == (200, whole.data), asked
