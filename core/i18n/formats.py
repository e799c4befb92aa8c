"""Dates, times, numbers and phone numbers as the reader writes them, in the practice's time zone."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

import phonenumbers
from babel import dates, numbers

from core.i18n.reader import babel_locale, direction, time_zone

Style = Literal["short", "medium", "long", "full"]


def local(moment: datetime) -> datetime:
    """The moment on the clocks of the practice. Raises ValueError for a datetime without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone: the platform keeps aware UTC datetimes")
    return moment.astimezone(time_zone())


def format_date(day: date, style: Style = "medium") -> str:
    """The day ("4 Mar 2026"); of a datetime, the day that the practice's calendar shows."""
    if isinstance(day, datetime):
        day = local(day).date()
    return dates.format_date(day, style, locale=babel_locale())


def format_time(moment: datetime, style: Style = "short") -> str:
    """The time of day at the practice ("14:05")."""
    return dates.format_time(local(moment), style, locale=babel_locale())


def format_datetime(moment: datetime, style: Style = "medium") -> str:
    """Day and time at the practice, to the minute in every style ("4 Mar 2026, 14:05")."""
    here, locale = local(moment), babel_locale()
    pattern = locale.datetime_formats.get(style) or locale.datetime_formats["medium"]
    time = dates.format_time(here, "short", locale=locale)
    return (
        str(pattern).replace("{0}", time).replace("{1}", dates.format_date(here.date(), style, locale=locale))
    )


def format_relative(moment: datetime, now: datetime | None = None) -> str:
    """How long ago, or until when, seen from now: "5 minutes ago", "in 2 hours"."""
    delta = local(moment) - local(now or datetime.now(UTC))
    return dates.format_timedelta(delta, add_direction=True, threshold=0.95, locale=babel_locale())


def format_number(number: float | Decimal) -> str:
    """With the reader's grouping and decimal sign: "1,234.5", "1 234,5"."""
    return numbers.format_decimal(number, locale=babel_locale())


def country_name(code: str) -> str:
    """What a country is called ("FR": France); a code that is none stays as it is."""
    return str(babel_locale().territories.get(code, code))


def language_name(code: str) -> str:
    """What a language is called ("fr": French); a code that is none stays as it is."""
    return str(babel_locale().languages.get(code, code))


def format_phone(number: str) -> str:
    """A number in E.164 as people here write it; abroad it keeps its country code. What is no number stays as it is."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    # By country code, not by region: numbers set apart for drama and tests belong to no region.
    at_home = parsed.country_code == phonenumbers.country_code_for_region(babel_locale().territory or "")
    style = (
        phonenumbers.PhoneNumberFormat.NATIONAL if at_home else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    )
    return _kept_in_order(phonenumbers.format_number(parsed, style))


def _kept_in_order(groups: str) -> str:
    """Groups of digits, which stand in the same order where text runs from right to left."""
    return f"\u2066{groups}\u2069" if direction() == "rtl" else groups
