"""Dates, numbers and phone numbers as the reader writes them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from core.i18n import (
    UnknownTimeZone,
    format_date,
    format_datetime,
    format_number,
    format_phone,
    format_relative,
    format_time,
    set_time_zone,
    use_language,
    use_time_zone,
)

SUMMER_EVENING = datetime(2026, 6, 30, 22, 30, tzinfo=UTC)


def test_moment_is_shown_in_the_practices_zone() -> None:
    with use_language("en-GB"), use_time_zone("Europe/London"):
        assert format_datetime(SUMMER_EVENING) == "30 Jun 2026, 23:30"
        assert format_time(SUMMER_EVENING) == "23:30"
    with use_language("fr-FR"), use_time_zone("Europe/Paris"):
        assert format_datetime(SUMMER_EVENING) == "1 juil. 2026, 00:30"
        assert format_date(SUMMER_EVENING, "long") == "1 juillet 2026"


def test_day_of_birth_is_no_moment_and_does_not_shift() -> None:
    with use_language("en"), use_time_zone("America/Los_Angeles"):
        assert format_date(date(1984, 3, 4), "short") == "04/03/1984"


def test_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_datetime(datetime(2026, 6, 30, 22, 30))


def test_unknown_zone_is_named() -> None:
    for name in ("Europe/Atlantis", "../../etc/passwd", ""):
        with pytest.raises(UnknownTimeZone):
            set_time_zone(name)


@pytest.mark.parametrize(
    ("ago", "english", "french"),
    [
        (timedelta(minutes=5), "5 minutes ago", "il y a 5 minutes"),
        (timedelta(hours=-2), "in 2 hours", "dans 2 heures"),
        (timedelta(days=1), "1 day ago", "il y a 1 jour"),
    ],
)
def test_relative_time(ago: timedelta, english: str, french: str) -> None:
    with use_language("en"):
        assert format_relative(SUMMER_EVENING - ago, SUMMER_EVENING) == english
    with use_language("fr"):
        assert format_relative(SUMMER_EVENING - ago, SUMMER_EVENING) == french


def test_numbers_are_grouped_as_people_here_do() -> None:
    with use_language("en-GB"):
        assert format_number(1234567.5) == "1,234,567.5"
    with use_language("fr-FR"):
        assert format_number(1234567.5) == "1\u202f234\u202f567,5"


def test_phone_number_is_national_at_home_and_international_abroad() -> None:
    with use_language("en-GB"):
        assert format_phone("+442079460018") == "020 7946 0018"
        assert format_phone("+33612345678") == "+33 6 12 34 56 78"
    with use_language("fr-FR"):
        assert format_phone("+33612345678") == "06 12 34 56 78"
        assert format_phone("+442079460018") == "+44 20 7946 0018"


def test_groups_of_a_number_keep_their_order_where_text_runs_the_other_way() -> None:
    with use_language("ar-XB"):
        assert format_phone("+442079460018") == "\u2066020 7946 0018\u2069"


def test_what_is_no_phone_number_is_shown_as_it_is() -> None:
    assert format_phone("ask at the desk") == "ask at the desk"
