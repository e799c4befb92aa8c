"""Texts through the real Twilio client to a stand-in, and its status callbacks through the real route."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from core import db, notifications
from core.notifications.masking import MASK
from tests.peers.clinic import LINK, Clinic
from tests.peers.twilio_server import ACCOUNT_SID, AUTH_TOKEN, Sent, TwilioServer, twilio_server

pytestmark = pytest.mark.both_databases


@pytest.fixture
def peer(client: FlaskClient) -> Iterator[TwilioServer]:
    def deliver(url: str, form: dict[str, str], signature: str) -> int:
        parts = urlsplit(url)
        answer = client.post(
            f"{parts.path}?{parts.query}", data=form, headers={"X-Twilio-Signature": signature}
        )
        return int(answer.status_code)

    with twilio_server(deliver=deliver) as running:
        yield running


@pytest.fixture
def deliver(clinic: Clinic, peer: TwilioServer) -> Callable[..., int]:
    def run(**changes: Any) -> int:
        return clinic.deliver(
            **{
                "sms_backend": "twilio",
                "twilio_account_sid": ACCOUNT_SID,
                "twilio_auth_token": SecretStr(AUTH_TOKEN),
                "twilio_from": "+441632960001",
                "twilio_api_base": peer.url,
                **changes,
            }
        )

    return run


Run = Callable[..., int]


def test_a_text_is_handed_over_once(clinic: Clinic, peer: TwilioServer, deliver: Run) -> None:
    [sent] = clinic.send()
    assert deliver() == 1
    assert deliver() == 0
    [one] = peer.sent
    assert (one.to, one.sender) == ("+447700900123", "+441632960001")
    assert LINK in one.body
    assert one.callback == f"https://care.example/providers/twilio/status?n={sent}&a=1"
    row = clinic.message(sent)
    assert (row.state, row.provider, row.provider_id, row.provider_state) == (
        "sent",
        "twilio",
        one.sid,
        "queued",
    )


def test_a_messaging_service_can_be_the_sender(clinic: Clinic, peer: TwilioServer, deliver: Run) -> None:
    clinic.send()
    deliver(twilio_from="MG" + "0" * 32)
    assert peer.sent[0].sender.startswith("MG")


@pytest.mark.parametrize(
    ("number", "reason"),
    [(21211, "recipient_invalid"), (21610, "recipient_opted_out"), (21614, "recipient_not_mobile")],
)
def test_a_refused_number_is_dead_at_once_and_says_why(
    clinic: Clinic, peer: TwilioServer, deliver: Run, number: int, reason: str
) -> None:
    peer.refusals["+447700900123"] = number
    [sent] = clinic.send()
    deliver()
    row = clinic.message(sent)
    assert (row.state, row.last_error, row.error_detail) == ("dead", reason, str(number))
    assert peer.requests == 1


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        ("error", "provider_error"),
        ("garbage", "provider_garbled"),
        ("empty", "provider_garbled"),
        ("throttle", "provider_busy"),
        ("drop", "provider_unreachable"),
    ],
)
def test_a_fault_of_the_moment_is_visible_and_tried_again(
    clinic: Clinic, peer: TwilioServer, deliver: Run, mode: Any, code: str
) -> None:
    peer.mode = mode
    [sent] = clinic.send()
    before = db.utcnow()
    deliver()
    row = clinic.message(sent)
    assert (row.state, row.last_error, row.attempts) == ("queued", code, 1)
    assert row.due_at > before + timedelta(seconds=7 if mode == "throttle" else 2)
    assert LINK in row.body
    peer.mode = "ok"
    clinic.make_due(sent)
    deliver()
    assert clinic.message(sent).state == "sent"


def test_twilio_down(clinic: Clinic, deliver: Run) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    [sent] = clinic.send()
    deliver(twilio_api_base=f"http://127.0.0.1:{port}")
    row = clinic.message(sent)
    assert (row.state, row.last_error) == ("queued", "provider_unreachable")


def test_a_wrong_sign_in_keeps_messages_for_better_days(clinic: Clinic, deliver: Run) -> None:
    [sent] = clinic.send()
    deliver(twilio_auth_token=SecretStr("wrong"))
    row = clinic.message(sent)
    assert (row.state, row.last_error) == ("queued", "provider_settings")
    clinic.make_due(sent)
    deliver()
    assert clinic.message(sent).state == "sent"


def test_a_lost_answer_is_made_good_by_the_callback_and_nothing_goes_twice(
    clinic: Clinic, peer: TwilioServer, deliver: Run
) -> None:
    peer.mode, peer.stall_seconds = "stall", 1.0
    [sent] = clinic.send()
    before = db.utcnow()
    deliver(provider_timeout_seconds=0.3)
    row = clinic.message(sent)
    assert (row.state, row.last_error) == ("queued", "provider_timeout")
    assert row.due_at >= before + timedelta(seconds=45)  # long enough for the callback
    peer.call_back(peer.sent[0], "sent")
    row = clinic.message(sent)
    assert (row.state, row.provider_id, row.last_error) == ("sent", peer.sent[0].sid, None)
    clinic.make_due(sent)
    assert deliver() == 0
    assert len(peer.sent) == 1


def test_a_callback_that_overtakes_the_answer_is_not_lost(
    clinic: Clinic, peer: TwilioServer, deliver: Run
) -> None:
    peer.callbacks, peer.mode, peer.stall_seconds = "in_order", "stall", 0.5
    [sent] = clinic.send()
    deliver()
    peer.wait_for_callbacks()
    row = clinic.message(sent)
    assert (row.state, row.provider_id) == ("delivered", peer.sent[0].sid)
    assert set(peer.answers) == {204}


@pytest.mark.parametrize("order", ["in_order", "duplicate", "reordered"])
def test_callbacks_in_any_order_end_in_the_same_state(
    clinic: Clinic, peer: TwilioServer, deliver: Run, order: Any
) -> None:
    heard: list[str] = []

    def listen(row: notifications.Notification) -> None:
        heard.append(row.state)

    [sent] = clinic.send()
    deliver()
    notifications.on_changed(listen)
    try:
        peer.callbacks = order
        peer.report(peer.sent[0])
    finally:
        notifications.remove_listener(listen)
    row = clinic.message(sent)
    assert row.state == "delivered"
    assert row.delivered_at is not None
    assert heard == ["delivered"]  # told once, however often it was reported
    assert MASK in row.body
    assert set(peer.answers) == {204}


def test_a_text_that_did_not_arrive_says_why_and_can_be_sent_again(
    clinic: Clinic, peer: TwilioServer, deliver: Run
) -> None:
    peer.callbacks, peer.final, peer.final_error = "reordered", "undelivered", 30003
    [sent] = clinic.send()
    deliver()
    peer.wait_for_callbacks()
    row = clinic.message(sent)
    assert (row.state, row.last_error, row.error_detail) == ("failed", "recipient_unreachable", "30003")
    assert row.can_be_retried
    first = peer.sent[0]
    with clinic.at():
        notifications.retry(sent)
    peer.callbacks = "none"
    deliver()
    assert len(peer.sent) == 2
    peer.call_back(first, "undelivered")  # late, about the first try
    assert clinic.message(sent).state == "sent"
    peer.call_back(peer.sent[1], "delivered")
    assert clinic.message(sent).state == "delivered"


def test_a_wrong_signature_is_refused_and_changes_nothing(
    clinic: Clinic, peer: TwilioServer, deliver: Run
) -> None:
    [sent] = clinic.send()
    deliver()
    assert peer.call_back(peer.sent[0], "delivered", token="not the token") == 403
    assert clinic.message(sent).state == "sent"


def test_a_signature_for_another_message_does_not_fit(
    clinic: Clinic, peer: TwilioServer, client: FlaskClient, deliver: Run
) -> None:
    ids = clinic.send(count=2)
    deliver()
    stolen: dict[str, Any] = {}

    def keep(url: str, form: dict[str, str], signature: str) -> int:
        stolen.update(form=form, signature=signature)
        return 204

    peer.deliver = keep
    peer.call_back(peer.sent[0], "delivered")
    answer = client.post(
        f"/providers/twilio/status?n={ids[1]}&a=1",
        data=stolen["form"],
        headers={"X-Twilio-Signature": stolen["signature"]},
    )
    assert answer.status_code == 403
    assert clinic.message(ids[1]).state == "sent"


def test_no_signature_at_all(client: FlaskClient) -> None:
    assert client.post("/providers/twilio/status", data={"MessageSid": "SM1"}).status_code == 403


def test_an_unknown_message_is_answered_calmly(clinic: Clinic, peer: TwilioServer) -> None:
    stranger = Sent("SM" + "0" * 32, "+447700900123", "", "", "https://care.example/providers/twilio/status")
    assert peer.call_back(stranger, "delivered") == 204
    odd = Sent("SM" + "0" * 32, "", "", "", "https://care.example/providers/twilio/status?n=nonsense&a=x")
    assert peer.call_back(odd, "delivered") == 204


def test_a_report_with_a_foreign_sid_does_not_touch_the_message(
    clinic: Clinic, peer: TwilioServer, deliver: Run
) -> None:
    [sent] = clinic.send()
    deliver()
    other = Sent("SM" + "9" * 32, "", "", "", peer.sent[0].callback)
    assert peer.call_back(other, "failed") == 204
    assert clinic.message(sent).state == "sent"


def test_five_percent_refused_and_the_rest_arrives(clinic: Clinic, peer: TwilioServer, deliver: Run) -> None:
    peer.refuse_share, peer.callbacks = 0.05, "duplicate"
    ids = clinic.send(count=100)
    assert deliver() + deliver() == 100
    peer.wait_for_callbacks()
    states = [clinic.message(each).state for each in ids]
    assert states.count("dead") == 100 - len(peer.sent)
    assert states.count("delivered") == len(peer.sent)
    assert len(peer.sent) == len({one.callback for one in peer.sent})
    assert 85 < len(peer.sent) < 100
