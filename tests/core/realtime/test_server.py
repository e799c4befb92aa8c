"""The real server process in each mode: who is heard, and that nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import requests
import socketio

from core import db, realtime
from core.settings import Settings
from tests.core.realtime.live import Page, Server, eventually, serving

A, B = "demo.a:1", "demo.b:1"


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
