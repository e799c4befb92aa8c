"""Dates of birth in the many forms in which people write them."""

import re
from datetime import date, datetime
from functools import lru_cache

from babel import Locale
from babel.dates import get_month_names

from core.i18n import _, time_zone
from core.patients.errors import InvalidBirthDate
from core.patients.names import normalise

OLDEST_YEARS = 130
_MONTH_LOCALES = ("en", "fr")
_ISO = re.compile(r"(\d{4})[-/.\s](\d{1,2})[-/.\s](\d{1,2})")
_NUMBERS = re.compile(r"(\d{1,2})\s*[-/.\s]\s*(\d{1,2})\s*[-/.\s]\s*(\d{4}|\d{2})")
_COMPACT = re.compile(r"\d{8}")
_DAY_WORD_YEAR = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|er|re|e)?[\s./-]*(?:of\s+)?([^\W\d_]+)\.?[\s,./-]*(\d{4}|\d{2})"
)
_WORD_DAY_YEAR = re.compile(r"([^\W\d_]+)\.?[\s./-]*(\d{1,2})(?:st|nd|rd|th)?[\s,./-]+(\d{4}|\d{2})")


def parse(text: str, *, locale: str = "en-GB", today: date | None = None) -> date:
    """The date of birth: 12/03/1980, 12.3.80, 1980-03-12, 12031980, 12 March 1980, 12 mars 1980 ...

    `locale` decides which of two numbers is the day. A year of two digits is the latest one that is not in the
    future. Raises InvalidBirthDate, also for a date that does not exist, lies ahead or is over 130 years ago.
    """
    today = today or _today()
    if not text.strip():
        raise InvalidBirthDate(_("Enter the date of birth."))
    candidates = _candidates(text, locale)
    if not candidates:
        raise InvalidBirthDate(_("Enter the date of birth with day, month and year, for example 27/03/1980."))
    found = _first_real(candidates, today)
    if found is None:
        raise InvalidBirthDate(_("This date does not exist. Check the day and the month."))
    return check(found, today=today)


def check(birth_date: date, *, today: date | None = None) -> date:
    """Returns the date when somebody alive can be born on it. Raises InvalidBirthDate."""
    today = today or _today()
    if birth_date > today:
        raise InvalidBirthDate(_("The date of birth lies in the future. Check the year."))
    if birth_date.year < today.year - OLDEST_YEARS:
        raise InvalidBirthDate(
            _("The date of birth is more than %(num)d years ago. Check the year.", num=OLDEST_YEARS)
        )
    return birth_date


def year_in(digits: str) -> int | None:
    """The year when these four digits are one in which somebody alive can be born."""
    this_year = _today().year
    if len(digits) == 4 and this_year - OLDEST_YEARS <= int(digits) <= this_year:
        return int(digits)
    return None


def recognise(text: str, *, locale: str = "en-GB", today: date | None = None) -> date | None:
    """The date when the text is one and somebody can be born on it, else None. For the search box."""
    today = today or _today()
    found = _first_real(_candidates(text, locale), today)
    if found is None or found > today or found.year < today.year - OLDEST_YEARS:
        return None
    return found


def age(birth_date: date, *, on: date | None = None) -> int:
    """Completed years."""
    on = on or _today()
    return on.year - birth_date.year - ((on.month, on.day) < (birth_date.month, birth_date.day))


def _today() -> date:
    """At the practice: in Nouméa tomorrow begins earlier."""
    return datetime.now(time_zone()).date()


def _candidates(text: str, locale: str) -> list[tuple[str, int, int]]:
    """Readings as (year as typed, month, day), the likeliest first."""
    text = " ".join(text.split())
    if match := _ISO.fullmatch(text):
        return [(match[1], int(match[2]), int(match[3]))]
    if match := _NUMBERS.fullmatch(text):
        return [_ordered(int(match[1]), int(match[2]), match[3], locale)]
    if _COMPACT.fullmatch(text) and text.isascii():
        return [
            _ordered(int(text[:2]), int(text[2:4]), text[4:], locale),
            (text[:4], int(text[4:6]), int(text[6:])),
        ]
    folded = text.casefold()
    if (match := _DAY_WORD_YEAR.fullmatch(folded)) and (month := _month(match[2])):
        return [(match[3], month, int(match[1]))]
    if (match := _WORD_DAY_YEAR.fullmatch(folded)) and (month := _month(match[1])):
        return [(match[3], month, int(match[2]))]
    return []


def _first_real(candidates: list[tuple[str, int, int]], today: date) -> date | None:
    for year, month, day in candidates:
        if len(year) == 4 and not 1800 <= int(year) <= 2200 and len(candidates) > 1:
            continue  # 19800312 read day first would be the year 312
        try:
            return _in_century(year, month, day, today)
        except ValueError:
            continue
    return None


def _in_century(year: str, month: int, day: int, today: date) -> date:
    if len(year) == 4:
        return date(int(year), month, day)
    century = today.year // 100 * 100
    for full in (century + int(year), century - 100 + int(year)):
        try:
            found = date(full, month, day)
        except ValueError:  # 29 February of one century may be missing in the other
            continue
        if found <= today:
            return found
    raise ValueError("no such day")


def _ordered(first: int, second: int, year: str, locale: str) -> tuple[str, int, int]:
    return (year, first, second) if _month_comes_first(locale) else (year, second, first)


@lru_cache
def _month_comes_first(locale: str) -> bool:
    pattern: str = Locale.parse(locale, sep="-").date_formats["short"].pattern
    return pattern.index("M") < pattern.index("d")


def _month(word: str) -> int | None:
    """From a full name, or from its beginning when that is at least three letters and fits one month only."""
    plain = normalise(word)
    months = _months()
    if plain in months:
        return months[plain]
    if len(plain) < 3:
        return None
    numbers = {number for name, number in months.items() if name.startswith(plain)}
    return numbers.pop() if len(numbers) == 1 else None


@lru_cache
def _months() -> dict[str, int]:
    return {
        normalise(name): number
        for locale in _MONTH_LOCALES
        for width in ("wide", "abbreviated")
        for number, name in get_month_names(width, locale=locale).items()
    }
