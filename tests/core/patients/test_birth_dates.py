"""Dates of birth as people write them."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.patients import InvalidBirthDate, birth_dates

TODAY = date(2026, 11, 22)
BORN = date(1980, 3, 12)


@pytest.mark.parametrize(
    "text",
    [
        "12/03/1980", "12/3/1980", "12.3.80", "12-03-1980", "12 03 1980", "12 / 03 / 1980", "1980-03-12", "1980/3/12",
        "12031980", "19800312", "12 March 1980", "12 mar 1980", "12th March 1980", "12 mars 1980", "12 MARS 1980",
        "March 12, 1980", "12-Mar-1980", "12mars1980", "  12 march  80 ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("locale", ["en-GB", "fr-FR"])
def test_every_usual_form_is_read(text: str, locale: str) -> None:
    assert birth_dates.parse(text, locale=locale, today=TODAY) == BORN


@pytest.mark.parametrize(
    ("text", "born"),
    [
        ("1er août 1999", date(1999, 8, 1)),
        ("1 aout 1999", date(1999, 8, 1)),
        ("3 févr. 2001", date(2001, 2, 3)),
        ("3 fevrier 2001", date(2001, 2, 3)),
        ("3rd Sept 2001", date(2001, 9, 3)),
        ("29 février 2000", date(2000, 2, 29)),
    ],
)
def test_months_are_read_with_and_without_accents(text: str, born: date) -> None:
    assert birth_dates.parse(text, locale="fr-FR", today=TODAY) == born


@pytest.mark.parametrize(
    ("text", "year"),
    [("22/11/26", 2026), ("23/11/26", 1926), ("1/1/00", 2000), ("1/1/27", 1927), ("1/1/99", 1999)],
)
def test_two_digits_are_the_latest_year_that_is_not_ahead(text: str, year: int) -> None:
    assert birth_dates.parse(text, today=TODAY).year == year


def test_the_29th_of_february_finds_its_century() -> None:
    assert birth_dates.parse("29/02/24", today=TODAY) == date(2024, 2, 29)
    with pytest.raises(InvalidBirthDate):
        birth_dates.parse("29/02/25", today=TODAY)


def test_the_month_comes_first_where_people_write_it_so() -> None:
    assert birth_dates.parse("03/12/1980", locale="en-US", today=TODAY) == BORN


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Enter the date"),
        ("yesterday", "day, month and year"),
        ("12 brumaire 1980", "day, month and year"),
        ("12/1980", "day, month and year"),
        ("31/02/1980", "does not exist"),
        ("30 février 1980", "does not exist"),
        ("29/02/1900", "does not exist"),
        ("00/03/1980", "does not exist"),
        ("12/13/1980", "does not exist"),
        ("0000-00-00", "does not exist"),
        ("23/11/2026", "future"),
        ("1/1/2199", "future"),
        ("1/1/1895", "130 years"),
        ("1/1/0080", "130 years"),
    ],
)
def test_what_cannot_be_is_refused_with_words(text: str, words: str) -> None:
    with pytest.raises(InvalidBirthDate, match=words):
        birth_dates.parse(text, locale="fr-FR", today=TODAY)
    assert birth_dates.recognise(text, today=TODAY) is None


def test_today_and_130_years_ago_are_possible() -> None:
    assert birth_dates.parse("22/11/2026", today=TODAY) == TODAY
    assert birth_dates.parse("1/1/1896", today=TODAY) == date(1896, 1, 1)


@given(
    st.dates(date(1897, 1, 1), TODAY),
    st.sampled_from(["%d/%m/%Y", "%Y-%m-%d", "%d.%m.%Y", "%d%m%Y", "%d %B %Y"]),
)
def test_a_written_date_is_read_back(born: date, form: str) -> None:
    assert birth_dates.parse(born.strftime(form), today=TODAY) == born


@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    try:
        assert birth_dates.parse(text, today=TODAY) <= TODAY
    except InvalidBirthDate:
        assert birth_dates.recognise(text, today=TODAY) is None


@given(st.dates(date(1900, 1, 1), TODAY))
def test_age_counts_completed_years(born: date) -> None:
    age = birth_dates.age(born, on=TODAY)
    assert born.year + age <= TODAY.year
    assert birth_dates.age(born, on=TODAY + timedelta(days=366)) in (age + 1, age + 2)
