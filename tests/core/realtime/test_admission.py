"""The real server process in each mode: who gets in, who is kept out, and who is cut off."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID, uuid4

import pytest
import requests

from core import db, realtime
from tests.core.realtime.live import Page, Server, eventually

A, B = "demo.a:1", "demo.b:1"


def test_bad_tickets_are_refused(server: Server, practice: UUID) -> None:
    page, stranger = Page(server, practice, A).connect(), Page(server, practice, A).connect()
    assert page.join(ticket="nonsense") == {"ok": False, "reason": "forged"}
    assert page.join(ticket=None) == {"ok": False, "reason": "forged"}
    assert page.join(ticket=stranger.ticket) == {"ok": False, "reason": "foreign"}
    for seq in (-1, "1", 1.5, 2**60, True, []):
        assert page.join(seq=seq) == {"ok": False, "reason": "malformed"}
    assert page.ask("join", [1, 2]) == {"ok": False, "reason": "malformed"}
    server.publish(practice, A, 1)
    assert stranger.join() == {"ok": True}
    eventually(lambda: stranger.events)
    assert page.events == []


def test_an_expired_ticket_is_refused_and_renewed(
    server: Server, practice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.realtime import tickets

    page = Page(server, practice, A)
    said = tickets.read(page.ticket)
    old = tickets.URLSafeTimedSerializer.default_signer.get_timestamp
    monkeypatch.setattr(
        tickets.URLSafeTimedSerializer.default_signer, "get_timestamp", lambda signer: old(signer) - 660
    )
    # The same ticket, eleven minutes older.
    page.ticket = tickets._serializer().dumps(
        {"p": practice.hex, "t": [A], "k": "staff", "a": "7", "b": said.binding.hex, "g": ""}
    )
    page.connect()
    assert page.join() == {"ok": False, "reason": "expired"}
    page.renew()
    assert page.join() == {"ok": True}


def test_a_browser_without_session_is_refused(server: Server, practice: UUID) -> None:
    with pytest.raises(ConnectionError):
        Page(server, practice, A).connect(cookies=False)
    assert server.drops("stranger") == 1


def test_a_page_of_another_site_is_refused(server: Server, practice: UUID) -> None:
    page = Page(server, practice, A)
    for origin in ("https://evil.example", "http://127.0.0.1:1", "null", f"{server.url}.evil.example"):
        with pytest.raises(ConnectionError):
            page.connect(origin=origin)
    page.connect(origin="http://127.0.0.1:8000")  # the base URL
    assert page.join() == {"ok": True}


def test_polling_is_not_offered(server: Server) -> None:
    answer = requests.get(f"{server.url}/socket.io/?EIO=4&transport=polling", timeout=5)
    assert answer.status_code == 400


def test_a_session_has_only_so_many_sockets(server: Server, practice: UUID) -> None:
    first = Page(server, practice, A).connect()
    others = [Page(server, practice, A) for _ in range(4)]
    for page in others:
        page.http = first.http
    for page in others[:3]:
        page.connect()
    with pytest.raises(ConnectionError):
        others[3].connect()
    assert server.drops("crowded") == 1
    others[0].cut()
    eventually(lambda: server.state()["clients"] == 3)
    others[3].connect()


def test_who_never_joins_is_cut_off(server: Server, practice: UUID) -> None:
    page = Page(server, practice, A).connect()
    staying = Page(server, practice, A).connect()
    staying.join()
    eventually(lambda: page.closed)
    assert not staying.closed
    assert server.drops("closed_never_joined") == 1


def test_a_patient_reaches_the_bus_below_the_link(server: Server, practice: UUID) -> None:
    link = uuid4()
    page = Page(server, practice, A, link=link)
    with pytest.raises(ConnectionError):
        page.connect()  # elsewhere the link's cookie proves nothing
    page.connect(path=f"/v/{link}")
    assert page.join() == {"ok": True}
    server.publish(practice, A, 1)
    eventually(lambda: page.numbers == [1])
    with db.scope(practice):
        realtime.end_session(f"link:{link}")
    eventually(lambda: page.closed)
    page.connect(path=f"/v/{link}")
    assert page.join() == {"ok": False, "reason": "ended"}


def test_signing_out_closes_the_socket_and_voids_the_ticket(server: Server, practice: UUID) -> None:
    page, other = Page(server, practice, A).connect(), Page(server, practice, A).connect()
    page.join()
    other.join()
    jar = dict(page.http.cookies)
    page.http.post(f"{server.url}/sign-out/{practice}", timeout=5).raise_for_status()
    eventually(lambda: page.closed)
    assert not other.closed
    page.http.cookies.update(jar)  # a stolen copy of the old cookie
    page.connect()
    assert page.join() == {"ok": False, "reason": "ended"}


def test_bad_frames_are_dropped_and_counted_and_hurt_nobody(server: Server, practice: UUID) -> None:
    bad, good = Page(server, practice, A).connect(), Page(server, practice, A).connect()
    bad.join()
    good.join()
    wrong = [
        "", "x", "9", "4", "45-[1]", "42", "42{}", "42[]", "42[1]", '42["join"', '42["Join",{}]', "42/admin,[]",
        "42" + "[" * 30_000, '42["join",' + "[" * 30_000, '42["connect",{}]', '42["disconnect","x"]', "4{}", "49",
        '42["demo.say",' + "{" * 200, '42["nobody.home",{}]', '43["x"]', "40/admin,", "451-[0]",
    ]  # fmt: skip
    for frame in wrong:
        bad.send(frame)
    bad.send(b"binary")
    assert bad.ask("demo.say", {"topic": A, "text": "still here"})["ok"]
    drops = server.state()["drops"]
    assert drops["malformed"] >= 15
    assert drops["unknown"] == 3  # nobody.home, connect, disconnect
    assert drops["binary"] == 1
    server.publish(practice, A, 1)
    eventually(lambda: good.numbers == [1] and bad.numbers == [1])
    assert "Traceback" not in server.log.read_text()


def test_too_large_a_frame_cuts_the_client_off(server: Server, practice: UUID) -> None:
    page, good = Page(server, practice, A).connect(), Page(server, practice, A).connect()
    good.join()
    page.send('42["join",{"ticket":"' + "x" * 100_000 + '"}]')
    eventually(lambda: page.closed)
    server.publish(practice, A, 1)
    eventually(lambda: good.numbers == [1])


def test_a_message_of_endless_fragments_cuts_the_client_off(server: Server, practice: UUID) -> None:
    page = Page(server, practice, A).connect()
    with suppress(OSError):  # the other end may be closed already
        for _ in range(300):
            page.send_part("x" * 1000, last=False)
    eventually(lambda: page.closed)


def test_too_many_frames_are_dropped_then_the_client_is_cut_off(server: Server, practice: UUID) -> None:
    flood, good = Page(server, practice, A).connect(), Page(server, practice, A).connect()
    good.join()
    flood.join()
    with suppress(OSError):  # the other end may be closed already
        for _ in range(2000):
            flood.send('42["nobody.home",{}]')
    eventually(lambda: flood.closed)
    assert 100 <= server.drops("unknown") <= 300  # the burst, and what the rate lets through meanwhile
    assert server.drops("too_many") >= 100
    server.publish(practice, A, 1)
    eventually(lambda: good.numbers == [1])
