"""When a practice is open."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from core.tenancy import Practice, hours
from core.tenancy.hours import Hours, Span

WEEK = {
    0: (Span(time(8, 30), time(12, 30)), Span(time(14), time(18))),
    1: (Span(time(8, 30), time(12, 30)),),
}
CHRISTMAS = date(2028, 12, 25)  # a Monday


def practice(**profile: object) -> Practice:
    return Practice(slug="x", name="X", time_zone="Europe/Paris", profile=profile)


OPEN = practice(**Hours(WEEK, {CHRISTMAS: "Christmas"}).stored())


def paris(text: str) -> datetime:
    from zoneinfo import ZoneInfo

    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Paris"))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2028-12-18T08:30", True),
        ("2028-12-18T08:29", False),
        ("2028-12-18T12:30", False),
        ("2028-12-18T17:59", True),
        ("2028-12-20T10:00", False),
        ("2028-12-25T10:00", False),
    ],
)
def test_open_and_closed(moment: str, expected: bool) -> None:
    assert hours.is_open(OPEN, paris(moment).astimezone(UTC)) is expected


def test_nothing_is_said_of_a_practice_that_says_nothing() -> None:
    assert hours.is_open(practice(), datetime(2028, 1, 1, tzinfo=UTC)) is None
    assert hours.next_opening(practice(), datetime(2028, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("after", "opens"),
    [
        ("2028-12-18T07:00", "2028-12-18T08:30"),
        ("2028-12-18T13:00", "2028-12-18T14:00"),
        ("2028-12-19T13:00", "2028-12-26T08:30"),
        ("2028-03-26T10:00", "2028-03-27T08:30"),
    ],
)
def test_the_next_opening_passes_over_closed_days_and_keeps_the_wall_clock(after: str, opens: str) -> None:
    assert hours.next_opening(OPEN, paris(after).astimezone(UTC)) == paris(opens)


def test_what_is_stored_comes_back_and_what_makes_no_sense_is_closed() -> None:
    kept = Hours(WEEK, {CHRISTMAS: "Christmas"})
    assert hours.read(hours=kept.stored()["hours"], closed_days=kept.stored()["closed_days"]) == kept
    assert hours.read({"0": [["18:00", "08:00"]], "x": 1, "2": None}, {"soon": ""}) == Hours({}, {})


def test_a_span_ends_after_it_begins() -> None:
    with pytest.raises(ValueError, match="closes before"):
        Span(time(12), time(12))
