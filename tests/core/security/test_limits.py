"""Limits count failures: together in Redis, alone in memory, and never shut everybody out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core import settings
from core.security import limits
from core.security.limits import Limit
from core.settings import Settings

THREE = Limit("tests.three", "3 per hour")


@pytest.fixture
def counting(make_settings: Callable[..., Settings]) -> Iterator[Callable[..., None]]:
    """Start counting under settings with some changed."""

    def start(**changes: object) -> None:
        settings.configure(make_settings(rate_limits=True, **changes))
        limits.forget()

    yield start
    limits.forget()


def test_the_fourth_of_three_is_one_too_many(counting: Callable[..., None]) -> None:
    counting()
    assert [limits.count(THREE, "192.0.2.1") for _ in range(5)] == [True] * 3 + [False] * 2
    assert limits.is_exhausted(THREE, "192.0.2.1")


def test_each_key_and_each_limit_is_counted_apart(counting: Callable[..., None]) -> None:
    counting()
    for _ in range(4):
        limits.count(THREE, "192.0.2.1")
    assert limits.count(THREE, "192.0.2.2")
    assert limits.count(Limit("tests.other", "3 per hour"), "192.0.2.1")


def test_asking_counts_nothing(counting: Callable[..., None]) -> None:
    counting()
    assert not any(limits.is_exhausted(THREE, "x") for _ in range(10))


def test_switched_off_they_let_everything_through(make_settings: Callable[..., Settings]) -> None:
    settings.configure(make_settings(rate_limits=False))
    assert all(limits.count(THREE, "x") for _ in range(10))


@pytest.mark.redis
def test_processes_count_together_in_redis(counting: Callable[..., None], redis_url: str) -> None:
    counting(redis_url=redis_url)
    assert [limits.count(THREE, "shared") for _ in range(2)] == [True, True]
    limits.forget()  # as another process would: only what is in Redis is known
    assert [limits.count(THREE, "shared") for _ in range(2)] == [True, False]


def test_without_an_answer_from_redis_this_process_counts_for_itself(counting: Callable[..., None]) -> None:
    counting(redis_url="redis://127.0.0.1:1/0")
    assert [limits.count(THREE, "x") for _ in range(4)] == [True] * 3 + [False]
