"""/dev/outbox."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from core import notifications, patients
from core.app import create_app
from tests.peers.clinic import INVITATION, LINK, Clinic


@pytest.fixture
def client(clinic: Clinic) -> FlaskClient:
    note = '<script>alert("x")</script> reçu'
    for channel in ("sms", "email"):
        clinic.send(channel)
    with clinic.at(clinic.lumiere):
        notifications.send(
            INVITATION.name,
            patient=patients.get(clinic.zoe),
            channels=["sms", "email"],
            variables={"patient": "Zoé", "link": LINK, "note": note},
            key=None,
            recipient={"email": "zoe@example.com"},
        )
    clinic.deliver()
    return create_app(clinic.settings.model_copy(update={"async_mode": "threading"})).test_client()


def test_all_messages_are_there_with_links_that_can_be_followed(client: FlaskClient) -> None:
    page = client.get("/dev/outbox").get_data(as_text=True)
    assert len(re.findall(r'data-key="', page)) == 4
    assert page.count(f'<a href="{LINK}" target="_blank" rel="noopener">') == 4
    assert "1 segment" in page
    assert "2 segments · UCS-2" in page


def test_it_can_be_narrowed_down(client: FlaskClient) -> None:
    def keys(query: str) -> int:
        return client.get(f"/dev/outbox?{query}").get_data(as_text=True).count('data-key="')

    assert keys("practice=lumiere") == 2
    assert keys("channel=sms") == 2
    assert keys("practice=lumiere&channel=email") == 1
    assert keys("practice=nonsense&channel=pigeon") == 4


def test_what_a_person_wrote_is_text(client: FlaskClient) -> None:
    page = client.get("/dev/outbox?practice=lumiere").get_data(as_text=True)
    assert '<script>alert("x")' not in page
    assert "&lt;script&gt;alert(&#34;x&#34;)" in page


def test_an_email_is_shown_where_it_can_do_nothing(client: FlaskClient) -> None:
    page = client.get("/dev/outbox").get_data(as_text=True)
    frame = re.search(r'<iframe[^>]*src="(/dev/outbox/[0-9a-f-]+/html)"[^>]*sandbox="([^"]*)"', page)
    assert frame is not None
    assert "allow-scripts" not in frame[2]
    assert "allow-same-origin" not in frame[2]
    answer = client.get(frame[1])
    assert f'href="{LINK}"' in answer.get_data(as_text=True)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "sandbox allow-popups" in policy
    assert "script-src" not in policy


def test_the_version_changes_with_the_list_and_only_then(clinic: Clinic, client: FlaskClient) -> None:
    def version() -> str:
        return str(client.get("/dev/outbox/version").get_json()["version"])

    first = version()
    assert version() == first
    with clinic.at() as session:
        for row in session.query(notifications.Notification).limit(1):
            row.last_error = "provider_busy"
    assert version() != first


def test_in_production_there_is_no_such_page(clinic: Clinic) -> None:
    chosen = clinic.settings.model_copy(update={"environment": "production", "async_mode": "threading"})
    client = create_app(chosen).test_client()
    for path in ("/dev/outbox", "/dev/outbox/version"):
        assert client.get(path).status_code == 404
