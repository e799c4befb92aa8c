"""E-mail over real SMTP, and what happens when the server misbehaves."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from core import db, notifications
from core.notifications.masking import MASK
from core.notifications.models import MAX_ATTEMPTS
from tests.peers.clinic import LINK, Clinic
from tests.peers.smtp_server import babble, raw_server, say_nothing, smtp_server


def deliver(clinic: Clinic, port: int, **changes: object) -> int:
    return clinic.deliver(email_backend="smtp", smtp_port=port, **changes)


def test_an_email_arrives_whole(clinic: Clinic) -> None:
    [sent] = clinic.send("email")
    with smtp_server() as peer:
        assert deliver(clinic, peer.port) == 1
    [mail] = peer.mails
    assert peer.envelopes == [("messages@care.example", ["ada@example.com"])]
    assert mail["From"] == "Riverside Surgery <messages@care.example>"
    assert mail["Reply-To"] == "desk@riverside.example"
    assert mail["Subject"] == "Riverside Surgery asks you for photos"
    assert mail["Message-ID"] == f"<{sent}@care.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert LINK in plain.get_content()
    assert LINK in html.get_content()
    row = clinic.message(sent)
    assert (row.state, row.provider, row.last_error) == ("sent", "smtp", None)
    assert row.sent_at is not None


def test_the_link_is_not_kept_once_it_is_on_its_way(clinic: Clinic) -> None:
    [sent] = clinic.send("email")
    with smtp_server() as peer:
        deliver(clinic, peer.port)
    row = clinic.message(sent)
    assert MASK in row.body
    assert LINK not in row.body
    assert row.html is None
    assert not row.can_be_retried


def test_a_practices_name_cannot_add_headers(clinic: Clinic) -> None:
    from core.tenancy import Practice

    with db.scope() as session:
        practice = session.get(Practice, clinic.riverside)
        assert practice is not None
        practice.name = 'Évil "Surgery"\r\nBcc: all@example.com'
    clinic.send("email")
    with smtp_server() as peer:
        deliver(clinic, peer.port)
    [mail] = peer.mails
    assert mail["Bcc"] is None
    assert peer.envelopes[0][1] == ["ada@example.com"]
    assert mail["From"].addresses[0].display_name == 'Évil "Surgery" Bcc: all@example.com'


@pytest.mark.parametrize(
    ("mode", "code", "detail"),
    [("refuse", "recipient_refused", "550"), ("refuse_data", "message_refused", "554")],
)
def test_a_refusal_for_good_is_dead_at_once_and_says_why(
    clinic: Clinic, mode: str, code: str, detail: str
) -> None:
    [sent] = clinic.send("email")
    with smtp_server(mode=mode) as peer:
        deliver(clinic, peer.port)
    row = clinic.message(sent)
    assert (row.state, row.last_error, row.error_detail) == ("dead", code, detail)
    assert notifications.reason(code) != notifications.reason("provider_unknown")
    with clinic.at():
        notifications.retry(sent)
    with smtp_server() as peer:
        deliver(clinic, peer.port)
        assert len(peer.mails) == 1
    assert clinic.message(sent).state == "sent"


@pytest.mark.parametrize(
    ("mode", "code"),
    [("temporary", "provider_busy"), ("stall", "provider_timeout"), ("drop", "provider_unreachable")],
)
def test_a_fault_of_the_moment_waits_and_is_tried_again(clinic: Clinic, mode: str, code: str) -> None:
    [sent] = clinic.send("email")
    with smtp_server(mode=mode) as peer:
        before = db.utcnow()
        deliver(clinic, peer.port)
        row = clinic.message(sent)
        assert (row.state, row.last_error, row.attempts) == ("queued", code, 1)
        assert row.due_at > before + timedelta(seconds=2)
        assert row.due_at < before + timedelta(seconds=10)
        assert LINK in row.body  # nothing is lost
        peer.mode = "ok"
        clinic.make_due(sent)
        deliver(clinic, peer.port)
        assert len(peer.mails) == 1
    assert clinic.message(sent).state == "sent"


def test_a_copy_after_a_lost_answer_has_the_same_message_id(clinic: Clinic) -> None:
    [sent] = clinic.send("email")
    with smtp_server(mode="drop_after") as peer:
        deliver(clinic, peer.port)
        assert clinic.message(sent).state == "queued"
        peer.mode = "ok"
        clinic.make_due(sent)
        deliver(clinic, peer.port)
        assert {mail["Message-ID"] for mail in peer.mails} == {f"<{sent}@care.example>"}


@pytest.mark.parametrize(
    ("behaviour", "code"), [(babble, "provider_garbled"), (say_nothing, "provider_timeout")]
)
def test_a_server_that_is_no_mail_server(clinic: Clinic, behaviour: object, code: str) -> None:
    [sent] = clinic.send("email")
    with raw_server(behaviour) as port:  # type: ignore[arg-type]
        deliver(clinic, port)
    row = clinic.message(sent)
    assert (row.state, row.last_error) == ("queued", code)


def test_a_server_that_is_down(clinic: Clinic) -> None:
    [sent] = clinic.send("email")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    deliver(clinic, port)
    row = clinic.message(sent)
    assert (row.state, row.last_error) == ("queued", "provider_unreachable")


def test_a_server_without_starttls_gets_nothing_in_the_clear(clinic: Clinic) -> None:
    [sent] = clinic.send("email")
    with smtp_server() as peer:
        deliver(clinic, peer.port, smtp_tls="starttls")
        assert peer.mails == []
    row = clinic.message(sent)
    assert (row.state, row.last_error) == ("queued", "provider_settings")


def test_after_enough_tries_it_is_dead_and_a_person_can_start_again(clinic: Clinic) -> None:
    [sent] = clinic.send("email")
    with clinic.at():
        row = notifications.get(sent)
        assert row is not None
        row.attempts = MAX_ATTEMPTS - 1
    with smtp_server(mode="temporary") as peer:
        deliver(clinic, peer.port)
        assert clinic.message(sent).state == "dead"
        with clinic.at():
            notifications.retry(sent)
        deliver(clinic, peer.port)
        row = clinic.message(sent)
        assert row.state == "queued"
        assert row.due_at < db.utcnow() + timedelta(seconds=10)  # the waits begin anew
        assert row.attempt_limit == 2 * MAX_ATTEMPTS


def test_one_refused_address_does_not_hold_up_the_rest(clinic: Clinic) -> None:
    bad = clinic.send("email", recipient="gone@example.com")
    good = clinic.send("email", count=3)
    with smtp_server(refused={"gone@example.com"}) as peer:
        deliver(clinic, peer.port)
        assert len(peer.mails) == 3
    assert clinic.message(bad[0]).state == "dead"
    assert {clinic.message(each).state for each in good} == {"sent"}


def test_a_sick_server_is_left_alone_after_three_faults(clinic: Clinic) -> None:
    ids = clinic.send("email", count=6)
    with smtp_server(mode="stall", stall_seconds=30) as peer:
        deliver(clinic, peer.port, provider_timeout_seconds=0.2)
        assert peer.mails == []
    rows = [clinic.message(each) for each in ids]
    assert {row.state for row in rows} == {"queued"}
    assert sum(row.attempts for row in rows) == 3  # the other three were never handed over
    assert {row.last_error for row in rows} == {"provider_timeout"}
