"""The pump over a line that the test holds in its hand: slow readers, lost history, switches."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, update

from core import db, realtime
from core.realtime import wakes
from core.realtime.clients import Client, Clients
from core.realtime.models import Event, EventHead
from core.realtime.pump import Pump
from core.realtime.screening import Limits
from core.realtime.tickets import Ticket
from core.settings import Settings
from tests.core.realtime.live import eventually

TOPIC = "demo.a"


class Line:
    """Stands for the sockets: keeps what was sent, and says that nothing of it was taken while ``stuck``."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.stuck = 0
        self.closed: list[str] = []

    def send(self, clients: Iterable[Client], message: dict[str, Any]) -> None:
        self.sent += [message for _ in clients]

    def waiting(self, client: Client) -> int:
        return self.stuck

    def close(self, client: Client, reason: str) -> None:
        self.closed.append(reason)

    def tidy(self) -> None:
        pass

    @property
    def numbers(self) -> list[int]:
        return [event["ids"]["number"] for message in self.sent for event in message["events"]]

    @property
    def resets(self) -> int:
        return sum("reset" in message for message in self.sent)


class Bench:
    """A pump with one client of one practice."""

    def __init__(self, practice: UUID) -> None:
        self.practice = practice
        self.line, self.clients = Line(), Clients()
        self.off: set[str] = set()
        limits = Limits(queued=4, slow_seconds=0.5)
        self.pump = Pump(
            self.clients, self.line, limits, lambda owner, _: owner not in self.off, lambda: False
        )
        self.stop_waking = wakes.subscribe(self.pump.wake)
        self.client = Client("sid", "eio", frozenset())
        self.clients.add(self.client)
        ticket = Ticket(practice, (TOPIC, "other.a"), "staff", "7", uuid4(), "", db.utcnow())
        self.clients.enter(self.client, ticket)
        self.pump.start()

    def publish(self, *numbers: int, topic: str = TOPIC) -> None:
        for number in numbers:
            with db.scope(self.practice):
                realtime.publish(topic, "counted", number=number)


@pytest.fixture
def bench(chosen: Settings, make_practice: Callable[[str], UUID]) -> Iterator[Bench]:
    made = Bench(make_practice("riverside"))
    made.pump.bring_up_to_date(made.client, 0)
    yield made
    made.pump.stop()
    made.stop_waking()
    eventually(lambda: not made.pump.is_running)


def test_each_event_is_sent_once_and_in_order(bench: Bench) -> None:
    bench.publish(*range(50))
    eventually(lambda: len(bench.line.numbers) >= 50)
    time.sleep(0.4)
    assert bench.line.numbers == list(range(50))


def test_a_slow_reader_gets_the_latest_of_what_repeats_when_it_reads_again(bench: Bench) -> None:
    bench.publish(0)
    eventually(lambda: bench.line.numbers == [0])
    bench.line.stuck = 4
    bench.publish(1, 2, 1, 3, 1)
    eventually(lambda: bench.client.behind)
    assert bench.line.numbers == [0]
    bench.line.stuck = 0
    eventually(lambda: not bench.client.behind)
    assert bench.line.numbers == [0, 2, 3, 1]
    bench.publish(4)
    eventually(lambda: bench.line.numbers == [0, 2, 3, 1, 4])


def test_a_reader_that_stays_stuck_is_cut_off(bench: Bench) -> None:
    bench.line.stuck = 4
    bench.publish(1)
    eventually(lambda: "slow" in bench.line.closed)
    assert bench.line.numbers == []


def test_a_restored_database_makes_clients_reload(bench: Bench) -> None:
    bench.publish(1, 2, 3)
    eventually(lambda: len(bench.line.numbers) == 3)
    with db.scope(bench.practice) as session:  # as a restore of an older backup would
        session.execute(delete(Event).where(Event.seq > 1))
        session.execute(update(EventHead).where(EventHead.practice_id == bench.practice).values(last_seq=1))
    eventually(lambda: bench.line.resets == 1)
    bench.publish(4)
    eventually(lambda: bench.line.numbers == [1, 2, 3, 4])


def test_events_that_were_swept_unseen_make_clients_reload(bench: Bench) -> None:
    with db.scope(bench.practice) as session:
        session.add(EventHead(practice_id=bench.practice, last_seq=900, swept_seq=900))
    eventually(lambda: bench.line.resets == 1)
    bench.publish(4)
    eventually(lambda: bench.line.numbers == [4])


def test_events_of_a_plugin_that_is_off_are_not_sent(bench: Bench) -> None:
    bench.off.add("other")
    bench.publish(1, topic="other.a")
    bench.publish(2)
    eventually(lambda: bench.line.numbers)
    bench.line.stuck = 4
    bench.publish(3, topic="other.a")
    bench.publish(4)
    eventually(lambda: bench.client.behind)
    bench.line.stuck = 0
    eventually(lambda: bench.line.numbers[-1] == 4)
    assert bench.line.numbers == [2, 4]


def test_a_pump_outlives_a_database_that_is_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("core.realtime.pump.events.events_since", _away)
        bench.publish(1)
        eventually(lambda: "the event pump stumbled" in caplog.text)
    eventually(lambda: bench.line.numbers == [1])


def _away(*args: object, **options: object) -> list[Event]:
    raise ConnectionError("the database is away")
