"""What clinicians read of a call's line, and how operators try the relay."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr

from core import db, settings, turn
from core.db import utcnow
from plugins.video_call import line_log, said, service
from tests.support.house import House, Visitor
from tests.support.pages import text


def test_the_log_of_a_call_says_how_its_line_was(
    house: House, amira: Visitor, grace: Visitor, call_in: Callable[..., Any]
) -> None:
    made = call_in("in_call")
    place = f"/p/riverside/video_call/calls/{made.id}/line"
    assert "Nothing was measured" in text(amira.get(place))

    def note(kind: str, **detail: Any) -> None:
        with house.at(made.practice_id):
            entry = said.Line.model_validate({"call": str(made.id), "kind": kind, "detail": detail})
            line_log.note(made.id, "patient", entry)

    note("connected", ms=420)
    for rtt in (40, 60, 80):
        note("quality", rtt=rtt, loss=1.5, kbps=900, fps=25, relay=True)
    note("stalled")
    note("rebuilt", generation=2)
    note("recovered", ms=6400)
    shown = text(amira.get(place))
    for words in (
        "At the patient’s",
        "60 ms",
        "900 kbit/s",
        "By the relay",
        "the longest 6.4 s",
        "after 0.4 s",
    ):
        assert words in shown
    assert "A new connection was made" in shown
    with house.at(made.practice_id):
        call = service.get(made.id)
        assert call is not None
        service.end(call, "patient")
    for page in (f"/p/riverside/video_call/calls/{made.id}/ended", "/p/riverside/video_call/?show=past"):
        shown = amira.get(page).get_data(as_text=True)
        assert re.search(rf'href="{place}"[^>]*>.{{0,700}}?Quality of the line', shown, re.S), page
    assert grace.get(place).status_code == 403


def test_an_operator_reads_how_lines_were_and_nobodys_name(
    house: House, visitor: Callable[[], Visitor], amira: Visitor, call_in: Callable[..., Any]
) -> None:
    from core import demo
    from core.security import users

    made, other = call_in("in_call"), call_in("in_call", family_name="Okafor")
    with house.at(made.practice_id):
        for call, kind, detail in (
            (made, "connected", {"ms": 400}),
            (made, "quality", {"rtt": 40, "loss": 1.0, "relay": True}),
            (made, "quality", {"rtt": 80, "loss": 3.0, "relay": False}),
            (made, "stalled", {}),
            (made, "recovered", {"ms": 6400}),
            (other, "quality", {"rtt": 20, "loss": 0.0}),
            (other, "lost", {}),
        ):
            entry = said.Line.model_validate({"call": str(call.id), "kind": kind, "detail": detail})
            line_log.note(call.id, "patient", entry)
    with db.scope():
        users.create_user("olga", "olga@example.com", "Olga", "Berg", demo.PASSWORD, is_operator=True)
    olga = visitor()
    olga.sign_in("olga")
    assert amira.get("/operator/relay/lines").status_code == 404
    assert "/operator/relay/lines" in olga.get("/operator/relay").get_data(as_text=True)
    page = text(olga.get("/operator/relay/lines"))
    assert re.search(r"Riverside Surgery .*2 1 1 6\.4 s 1 40 ms 1 %", page), page
    assert "No call was measured." in page, "the other practices"
    for name in ("Whitfield", "Okafor", "Amira"):
        assert name not in page


def test_an_operator_finds_every_address_of_the_relay_with_credentials_that_it_takes(
    house: House, visitor: Callable[[], Visitor], amira: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core import demo
    from core.security import users

    with db.scope():
        users.create_user("olga", "olga@example.com", "Olga", "Berg", demo.PASSWORD, is_operator=True)
    olga = visitor()
    olga.sign_in("olga")
    assert amira.get("/operator/relay").status_code == 404
    assert "No relay is set up" in text(olga.get("/operator/relay"))

    urls = ("turn:relay.example.org:3478?transport=udp", "turns:relay.example.org:443?transport=tcp")
    chosen = settings.current().model_copy(update={"turn_urls": urls, "turn_secret": SecretStr("shared")})
    monkeypatch.setattr(settings, "_current", chosen)
    page = olga.get("/operator/relay").get_data(as_text=True)
    assert re.findall(r'data-relay-url="([^"]*)"', page) == list(urls)
    username = re.findall(r'data-username="([^"]*)"', page)[0]
    assert 230 * 60 < int(username.partition(":")[0]) - utcnow().timestamp() <= 240 * 60
    # As coturn computes it.
    expected = base64.b64encode(hmac.new(b"shared", username.encode(), hashlib.sha1).digest()).decode()
    assert f'data-credential="{expected}"' in page
    assert "shared" not in page
    assert turn.credentials("x") != turn.credentials("y")
