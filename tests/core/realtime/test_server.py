"""The real server process in each mode: who is heard, who is refused, and that nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
import socketio

from core import db, realtime
from core.settings import Settings
from tests.core.realtime.conftest import prepare
from tests.core.realtime.live import Page, Server, eventually, serving

MODES = ("eventlet", "gevent", "threading")
A, B = "demo.a:1", "demo.b:1"


@pytest.fixture(scope="module", params=MODES)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server a mode, over SQLite; most tests need none of their own."""
    folder = tmp_path_factory.mktemp(request.param)
    chosen = prepare(f"sqlite:///{folder / 'careroom.db'}", folder)
    with serving(chosen, request.param) as started:
        assert started.state()["mode"] == request.param
        yield started


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    prepare(running.chosen.database_url, running.chosen.data_dir)
    yield running
    running.forget()
    db.dispose()


@pytest.fixture(params=MODES)
def mortal(request: pytest.FixtureRequest, embedded: Callable[..., Settings]) -> Iterator[Server]:
    """A server of this test alone, to be ended."""
    with serving(embedded(), request.param) as started:
        yield started


@pytest.fixture
def practice(request: pytest.FixtureRequest, make_practice: Callable[[str], UUID]) -> UUID:
    """A new practice in the database of the test's server."""
    request.getfixturevalue("mortal" if "mortal" in request.fixturenames else "server")
    return make_practice(f"p-{uuid4()}")


def test_a_page_hears_the_topics_of_its_ticket_and_no_others(
    server: Server, practice: UUID, make_practice: Callable[[str], UUID]
) -> None:
    page = Page(server, practice, A).connect()
    assert page.join() == {"ok": True}
    server.publish(practice, B, 1)
    server.publish(make_practice(f"p-{uuid4()}"), A, 2)
    server.publish(practice, A, 3)
    eventually(lambda: page.events)
    time.sleep(0.6)
    assert page.numbers == [3]
    assert page.events[0]["topic"] == A
    assert page.events[0]["type"] == "counted"


def test_nothing_is_heard_before_joining(server: Server, practice: UUID) -> None:
    page, joined = Page(server, practice, A).connect(), Page(server, practice, A).connect()
    joined.join()
    server.publish(practice, A, 1)
    eventually(lambda: joined.events)
    assert page.events == []


def test_another_process_is_heard_within_a_second(server: Server, practice: UUID) -> None:
    page = Page(server, practice, A).connect()
    page.join()
    begun = time.monotonic()
    with db.scope(practice):  # this test's process stands for a worker
        realtime.publish(A, "counted", number=1)
    eventually(lambda: page.events, 5)
    assert time.monotonic() - begun < 1


def test_a_page_that_loses_its_connection_catches_up(server: Server, practice: UUID) -> None:
    page = Page(server, practice, A).connect()
    page.join()
    server.publish(practice, A, 0, 3)
    eventually(lambda: len(page.events) == 3)
    page.cut()
    server.publish(practice, A, 3, 4)
    page.connect()
    assert page.join() == {"ok": True}
    server.publish(practice, A, 7)
    eventually(lambda: len(page.events) >= 8)
    assert page.numbers == list(range(8))


def test_random_cuts_lose_and_double_nothing(server: Server, practice: UUID) -> None:
    page = Page(server, practice, A).connect()
    page.join()
    done = threading.Event()

    def publish() -> None:
        for first in range(0, 200, 2):
            with db.scope(practice):
                realtime.publish(A, "counted", number=first)
                realtime.publish(A, "counted", number=first + 1)
                realtime.publish(B, "counted", number=first)
            time.sleep(0.01)
        done.set()

    publisher = threading.Thread(target=publish)
    publisher.start()
    chance = random.Random(2)
    while not done.is_set():
        time.sleep(chance.uniform(0, 0.12))
        page.cut()
        page.connect()
        assert page.join() == {"ok": True}
    publisher.join()
    eventually(lambda: len(page.events) >= 200)
    assert page.numbers == list(range(200))
    assert page.resets == 0


def test_joining_again_on_the_same_socket_doubles_nothing(server: Server, practice: UUID) -> None:
    page = Page(server, practice, A).connect()
    page.join()
    server.publish(practice, A, 0, 3)
    eventually(lambda: len(page.events) == 3)
    page.renew()
    assert page.join(seq=0) == {"ok": True}
    server.publish(practice, A, 3)
    eventually(lambda: len(page.events) == 4)
    assert page.numbers == [0, 1, 2, 3]


def test_a_page_that_was_away_for_long_reloads(server: Server, practice: UUID) -> None:
    page = Page(server, practice, A)
    server.publish(practice, A, 0, 501)
    page.connect()
    assert page.join() == {"ok": True}
    assert (page.resets, page.events, page.seq) == (1, [], 501)
    server.publish(practice, A, 501)
    eventually(lambda: page.numbers == [501])


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


def test_a_plugin_hears_its_socket_events_and_sends_to_its_topics(server: Server, practice: UUID) -> None:
    one, two = Page(server, practice, A).connect(), Page(server, practice, A).connect()
    elsewhere = Page(server, practice, B).connect()
    assert one.ask("demo.say", {"topic": A, "text": "too early"}) == {"ok": False, "reason": "refused"}
    for page in (one, two, elsewhere):
        assert page.join() == {"ok": True}
    assert one.ask("demo.say", {"topic": A, "text": "hello"}) == {"ok": True, "answer": {"here": 2}}
    eventually(lambda: ["demo.said", {"text": "hello"}] in two.messages)
    assert one.ask("demo.say", {"topic": B, "text": "hello"}) == {"ok": False, "reason": "failed"}
    assert one.ask("demo.say", {"topic": A, "text": 7}) == {"ok": False, "reason": "malformed"}
    assert one.ask("demo.say", {"topic": A}) == {"ok": False, "reason": "malformed"}
    said = [message for page in (one, elsewhere) for message in page.messages if message[0] == "demo.said"]
    assert said == []
    assert one.ask("demo.note", {"topic": A, "text": ""}) == {"ok": True, "answer": {"actor": "7"}}
    eventually(lambda: [event["type"] for event in two.events] == ["noted"])


def test_a_plugin_s_own_limits_hold(server: Server, practice: UUID) -> None:
    page = Page(server, practice, A).connect()
    page.join()
    page.send('42["demo.say",{"topic":"' + A + '","text":"' + "x" * 600 + '"}]')
    for _ in range(60):
        page.send('42["demo.say",{"topic":"' + A + '","text":"x"}]')
    page.ask("join", {})
    assert server.drops("huge") == 1
    assert server.drops("too_many") >= 20


def test_a_plugin_that_is_off_neither_hears_nor_is_heard(server: Server, practice: UUID) -> None:
    page = Page(server, practice, A, "core.thing").connect()
    page.join()
    requests.post(f"{server.url}/switch/demo/off", timeout=5).raise_for_status()
    assert page.ask("demo.say", {"topic": A, "text": "x"}) == {"ok": False, "reason": "off"}
    server.publish(practice, A, 1)
    server.publish(practice, "core.thing", 2)
    eventually(lambda: page.numbers)
    assert page.numbers == [2]
    again = Page(server, practice, A, "core.thing").connect()
    again.join()
    requests.post(f"{server.url}/switch/demo/on", timeout=5).raise_for_status()
    server.publish(practice, A, 3)
    eventually(lambda: page.numbers == [2, 3])
    assert again.numbers == []  # joined while it was off; its page would be another one now


def test_the_log_holds_no_token_no_query_and_no_address(server: Server, practice: UUID) -> None:
    requests.get(f"{server.url}/l/very-secret-token?secret=query", timeout=5)
    requests.get(f"{server.url}/l/very-secret-token/deeper", timeout=5)
    page = Page(server, practice, A).connect()
    page.join()
    page.cut()
    eventually(lambda: "GET /l/- 200" in server.log.read_text())
    eventually(lambda: "GET /socket.io/ 101" in server.log.read_text())
    log = server.log.read_text()
    for secret in ("127.0.0.1 -", "very-secret-token", "secret=query", "EIO=4", page.ticket):
        assert secret not in log
    assert "GET /l/-/deeper 404" in log


def test_sigterm_ends_open_sockets_and_the_process(mortal: Server, practice: UUID) -> None:
    page = Page(mortal, practice, A).connect()
    page.join()
    begun = time.monotonic()
    mortal.process.send_signal(signal.SIGTERM)
    eventually(lambda: page.closed, 5)
    assert mortal.process.wait(10) == 0
    assert time.monotonic() - begun < 5


def test_a_server_that_was_killed_loses_nothing(
    mortal: Server, practice: UUID, embedded: Callable[..., Settings]
) -> None:
    mode = mortal.state()["mode"]
    page = Page(mortal, practice, A).connect()
    page.join()
    mortal.publish(practice, A, 0)
    eventually(lambda: page.numbers == [0])
    with db.scope(practice):
        realtime.publish(A, "counted", number=1)
        mortal.process.kill()
    with db.scope(practice):
        realtime.publish(A, "counted", number=2)
    eventually(lambda: page.closed)
    mortal.process.wait()
    with serving(embedded(), mode, port=mortal.port):
        page.connect()
        assert page.join() == {"ok": True}
        eventually(lambda: len(page.numbers) >= 3)
        assert page.numbers == [0, 1, 2]
    mortal.process.returncode = 0  # killed on purpose: the fixture expects a clean end


def test_python_s_own_client_catches_up_too(server: Server, practice: UUID) -> None:
    cuts = 3
    page = Page(server, practice, A)
    heard: list[int] = []

    async def listen() -> None:
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in page.http.cookies)
        seq, published = page.seq, 0
        for _ in range(cuts):
            client = socketio.AsyncClient(reconnection=False)

            def take(said: dict[str, Any]) -> None:
                nonlocal seq
                heard.extend(event["ids"]["number"] for event in said["events"])
                seq = said["seq"]

            client.on("events", take)
            await client.connect(server.url, headers={"Cookie": cookie}, transports=["websocket"])
            answer = await client.call("join", {"ticket": page.ticket, "seq": seq})
            assert answer == {"ok": True}
            await asyncio.to_thread(server.publish, practice, A, published, 5)
            published += 5
            await asyncio.to_thread(eventually, lambda: len(heard) >= published)  # noqa: B023
            await client.disconnect()
            await asyncio.to_thread(server.publish, practice, A, published, 5)
            published += 5

    asyncio.run(listen())
    assert heard == list(range(cuts * 10 - 5))
