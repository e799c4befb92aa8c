"""Events are numbered without gaps, in commit order, and can be read again from any number."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from core import db, realtime, settings
from core.realtime import wakes
from core.realtime.events import catch_up, events_since, last_seq, publish, sweep
from core.realtime.topics import BadEvent
from core.settings import Settings

TOPIC = "demo.thing"


@pytest.fixture
def practice(chosen: Settings, make_practice: Callable[[str], UUID]) -> UUID:
    return make_practice("riverside")


def _numbers(practice: UUID, since: int = 0) -> list[tuple[int, int]]:
    with db.scope(practice, write=False):
        return [(event.seq, event.ids["number"]) for event in events_since(since, limit=10_000)]


def test_events_get_numbers_in_the_order_of_publishing(practice: UUID) -> None:
    with db.scope(practice):
        for number in (7, 8, 9):
            publish(TOPIC, "counted", number=number)
    with db.scope(practice):
        publish(TOPIC, "counted", number=10)
    assert _numbers(practice) == [(1, 7), (2, 8), (3, 9), (4, 10)]


def test_the_same_event_twice_in_a_transaction_is_one(practice: UUID) -> None:
    with db.scope(practice):
        publish(TOPIC, "counted", number=1)
        publish(TOPIC, "counted", number=2)
        publish(TOPIC, "counted", number=1)
    assert _numbers(practice) == [(1, 1), (2, 2)]


def test_rollback_leaves_neither_event_nor_gap_nor_wake(practice: UUID) -> None:
    woken: list[tuple[UUID, int]] = []
    stop = wakes.subscribe(lambda practice_id, seq: woken.append((practice_id, seq)))
    try:
        with db.scope(practice):
            publish(TOPIC, "counted", number=1)
        with suppress(ZeroDivisionError), db.scope(practice):
            publish(TOPIC, "counted", number=2)
            raise ZeroDivisionError
        with db.scope(practice):
            publish(TOPIC, "counted", number=3)
    finally:
        stop()
    assert _numbers(practice) == [(1, 1), (2, 3)]
    assert woken == [(practice, 1), (practice, 2)]


def test_a_savepoint_that_rolls_back_takes_its_events_away(practice: UUID) -> None:
    with db.scope(practice):
        with suppress(ZeroDivisionError), db.savepoint():
            publish(TOPIC, "counted", number=1)
            raise ZeroDivisionError
        publish(TOPIC, "counted", number=2)
    assert _numbers(practice) == [(1, 2)]


def test_an_event_of_a_late_commit_hook_is_numbered_too(practice: UUID) -> None:
    with db.scope(practice):
        publish(TOPIC, "counted", number=1)
        db.before_commit(lambda: publish(TOPIC, "counted", number=2), order=90)
    assert _numbers(practice) == [(1, 1), (2, 2)]


def test_a_listener_that_fails_does_not_fail_the_commit(
    practice: UUID, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(practice_id: UUID, seq: int) -> None:
        raise ZeroDivisionError

    stop = wakes.subscribe(broken)
    try:
        with db.scope(practice):
            publish(TOPIC, "counted", number=1)
    finally:
        stop()
    assert _numbers(practice) == [(1, 1)]
    assert "a wake listener failed" in caplog.text


def _publish_many(chosen: Settings | None, practice: UUID, first: int, count: int) -> None:
    if chosen is not None:
        settings.configure(chosen)
        db.configure(chosen)
    for number in range(first, first + count):
        with db.scope(practice):
            publish(TOPIC, "counted", number=number)
            if number % 5 == 0:
                publish(TOPIC, "counted", number=-number)
    if chosen is not None:
        db.dispose()


def _assert_gapless(practice: UUID, expected: int) -> None:
    numbers = _numbers(practice)
    assert [seq for seq, _ in numbers] == list(range(1, expected + 1))
    for first in (1000, 2000, 3000, 4000):  # each publisher's own order is kept
        mine = [number for _, number in numbers if first <= number < first + 1000]
        assert mine == sorted(mine)
        assert len(mine) == 25


def test_no_gap_between_four_threads(practice: UUID) -> None:
    threads = [
        threading.Thread(target=_publish_many, args=(None, practice, first, 25))
        for first in (1000, 2000, 3000, 4000)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _assert_gapless(practice, 4 * 30)


def test_no_gap_between_four_processes(chosen: Settings, practice: UUID) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_publish_many, args=(chosen, practice, first, 25))
        for first in (1000, 2000, 3000, 4000)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    _assert_gapless(practice, 4 * 30)


def test_a_reader_beside_writers_never_sees_a_number_before_a_lower_one(practice: UUID) -> None:
    writers = [
        threading.Thread(target=_publish_many, args=(None, practice, first, 25)) for first in (1000, 2000)
    ]
    for writer in writers:
        writer.start()
    seen = 0
    while seen < 60:
        with db.scope(practice, write=False):
            for event in events_since(seen):
                assert event.seq == seen + 1
                seen = event.seq
    for writer in writers:
        writer.join()


def test_practices_count_and_read_apart(
    chosen: Settings, practice: UUID, make_practice: Callable[[str], UUID]
) -> None:
    other = make_practice("lumiere")
    for where, number in ((practice, 1), (other, 2), (practice, 3)):
        with db.scope(where):
            publish(TOPIC, "counted", number=number)
    assert _numbers(practice) == [(1, 1), (2, 3)]
    assert _numbers(other) == [(1, 2)]


def test_catch_up_tells_what_is_above_the_number_in_the_topics_asked(practice: UUID) -> None:
    with db.scope(practice):
        publish("demo.a", "counted", number=1)
        publish("demo.b", "counted", number=2)
        publish("demo.a", "counted", number=3)
    with db.scope(practice, write=False):
        missed = catch_up(1, ["demo.a"])
        assert [event.seq for event in missed.events] == [3]
        assert (missed.seq, missed.reset) == (3, False)
        assert catch_up(3, ["demo.a"]).events == ()
        assert last_seq() == 3


def test_who_missed_too_much_or_knows_the_future_reloads(practice: UUID) -> None:
    with db.scope(practice):
        for number in range(20):
            publish(TOPIC, "counted", number=number)
    with db.scope(practice, write=False):
        assert catch_up(0, [TOPIC], limit=20).reset is False
        assert catch_up(0, [TOPIC], limit=19).reset is True
        assert catch_up(21, [TOPIC]).reset is True
        assert catch_up(21, [TOPIC]).seq == 20


def test_sweep_removes_the_old_and_tells_late_readers_to_reload(
    practice: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = db.utcnow() - timedelta(days=8)
    with monkeypatch.context() as patch:
        patch.setattr("core.realtime.events.db.utcnow", lambda: old)
        with db.scope(practice):
            publish(TOPIC, "counted", number=1)
            publish(TOPIC, "counted", number=2)
    with db.scope(practice):
        publish(TOPIC, "counted", number=3)
    with db.scope(practice):
        assert sweep() == 2
    assert _numbers(practice) == [(3, 3)]
    with db.scope(practice, write=False):
        assert catch_up(1, [TOPIC]).reset is True
        assert [event.seq for event in catch_up(2, [TOPIC]).events] == [3]
    with db.scope(practice):
        assert sweep() == 0
        publish(TOPIC, "counted", number=4)
    assert _numbers(practice, 3) == [(4, 4)]


def test_publishing_needs_a_practice_and_a_scope_that_writes(practice: UUID) -> None:
    with db.scope(), pytest.raises(db.NoPractice):
        publish(TOPIC, "counted")
    with db.scope(practice, write=False), pytest.raises(db.ReadOnlyScope):
        publish(TOPIC, "counted")


@pytest.mark.parametrize(
    ("topic", "type", "ids"),
    [
        ("demo", "counted", {}),
        ("demo.thing:Mrs Brown", "counted", {}),
        ("demo.thing:", "counted", {}),
        ("Demo.thing", "counted", {}),
        ("demo.thing", "rash on the arm", {}),
        ("demo.thing", "counted", {"note": "rash on the left arm"}),
        ("demo.thing", "counted", {"note": "Brown"}),
        ("demo.thing", "counted", {"note": "a" * 65}),
        ("demo.thing", "counted", {"note": 1.5}),
        ("demo.thing", "counted", {"note": True}),
        ("demo.thing", "counted", {"note": None}),
        ("demo.thing", "counted", {"Note": 1}),
    ],
)
def test_no_free_text_fits_into_an_event(
    practice: UUID, topic: str, type: str, ids: dict[str, object]
) -> None:
    with db.scope(practice), pytest.raises(BadEvent) as refused:
        publish(topic, type, **ids)  # type: ignore[arg-type]
    for value in ids.values():
        assert not isinstance(value, str) or value not in str(refused.value)


def test_ids_are_uuids_numbers_and_slugs(practice: UUID) -> None:
    one = uuid4()
    with db.scope(practice):
        publish(realtime.topic("demo.thing", one), "changed", thing=one, number=3, state="ready")
    with db.scope(practice, write=False):
        [event] = events_since(0)
    assert event.topic == f"demo.thing:{one}"
    assert event.ids == {"thing": str(one), "number": 3, "state": "ready"}
