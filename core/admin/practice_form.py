"""Reading the forms of a practice's profile: what was typed, what it means, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from itertools import pairwise
from typing import Any, Final
from zoneinfo import available_timezones

from babel.core import get_global
from email_validator import EmailNotValidError, validate_email
from stdnum import luhn
from stdnum.exceptions import ValidationError as NumberError
from stdnum.fr import siret
from werkzeug.datastructures import MultiDict

from core import i18n
from core.i18n import LazyString, _, _l
from core.patients import phones
from core.patients.errors import InvalidPhone
from core.tenancy import Practice
from core.tenancy.hours import MOST_SPANS, Hours, Span

Form = MultiDict[str, str]
Errors = dict[str, str]
LOCALES: Final = ("en-GB", "en-IE", "fr-FR", "fr-BE", "fr-CH", "fr-LU")
_ODS: Final = re.compile(r"[A-Z0-9]{3,8}")
_NEW_CLOSED_DAYS: Final = 3


class Wrong(ValueError):
    """What was typed cannot be taken; the message is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A number by which authorities know a practice. Raises Wrong from ``parse``."""

    name: str
    title: LazyString
    help: LazyString
    countries: tuple[str, ...]
    parse: Callable[[str], str]


def parse_ods(text: str) -> str:
    """An ODS code of the NHS: three to eight letters and digits, in capitals."""
    code = re.sub(r"\s", "", text).upper()
    if not _ODS.fullmatch(code) or not any(letter.isdigit() for letter in code):
        raise Wrong(_("An ODS code has 3 to 8 letters and digits, for example A81001."))
    return code


def parse_siret(text: str) -> str:
    """A SIRET: 14 digits whose check digits hold, those of the establishment and of its SIREN."""
    digits = re.sub(r"[\s.]", "", text)
    if not re.fullmatch(r"[0-9]{14}", digits):
        raise Wrong(_("A SIRET has 14 digits."))
    try:
        return str(siret.validate(digits))
    except NumberError:
        raise Wrong(
            _("The check digits of this SIRET do not match. Please look for a slip of a digit.")
        ) from None


def parse_rpps(text: str) -> str:
    """An RPPS number: 11 digits, the last of them a check digit (Luhn)."""
    digits = re.sub(r"[\s.]", "", text)
    if not re.fullmatch(r"[0-9]{11}", digits):
        raise Wrong(_("An RPPS number has 11 digits."))
    if not luhn.is_valid(digits):
        raise Wrong(
            _("The check digit of this RPPS number does not match. Please look for a slip of a digit.")
        )
    return digits


IDENTIFIERS: Final = (
    Identifier("ods", _l("ODS code"), _l("Of your organisation in the NHS, for example A81001."), ("GB",), parse_ods),
    Identifier("siret", _l("SIRET"), _l("14 digits, on your invoices."), ("FR",), parse_siret),
    Identifier("rpps", _l("RPPS number"), _l("11 digits, of the clinician in charge."), ("FR",), parse_rpps),
)  # fmt: skip


def identifiers_for(country: str) -> list[Identifier]:
    """Those that a practice of this country has."""
    return [item for item in IDENTIFIERS if country in item.countries]


# --- profile -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Profile:
    """What the first page of the form says. ``identifiers``, ``languages``: for the practice's profile."""

    name: str
    phone: str | None
    email: str | None
    address: str | None
    language: str
    time_zone: str
    identifiers: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ()


def read_profile(form: Form, practice: Practice) -> tuple[Profile | None, Errors]:
    """The profile, or what is wrong with each field. What is stored stays an answer, wherever it came from."""
    errors: Errors = {}
    country = practice.country

    def take(name: str, parse: Callable[[str], Any]) -> Any:
        try:
            return parse(form.get(name, "").strip())
        except Wrong as wrong:
            errors[name] = str(wrong)
            return None

    found = Profile(
        name=take("name", _name),
        phone=take("phone", lambda text: _phone(text, country)),
        email=take("email", _email),
        address=take("address", _address),
        language=take("language", lambda text: _one_of(text, locales(practice))),
        time_zone=take("time_zone", lambda text: _one_of(text, (practice.time_zone, *available_timezones()))),
        identifiers={
            item.name: value
            for item in identifiers_for(country)
            if (value := take(item.name, _unless_empty(item.parse)))
        },
        languages=take("languages", lambda _text: _languages(form)),
    )
    return (None if errors else found), errors


def _unless_empty(parse: Callable[[str], str]) -> Callable[[str], str | None]:
    return lambda text: parse(text) if text else None


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name:
        raise Wrong(_("Fill this in."))
    if len(name) > 120:
        raise Wrong(_("This is too long: use at most %(most)s characters.", most=120))
    return name


def _phone(text: str, country: str) -> str | None:
    try:
        return phones.parse_phone(text, country) if text else None
    except InvalidPhone as error:
        raise Wrong(str(error)) from None


def _email(text: str) -> str | None:
    if not text:
        return None
    try:
        return validate_email(text, check_deliverability=False).normalized
    except EmailNotValidError:
        raise Wrong(_("This is not an e-mail address. It reads like name@example.org.")) from None


def _address(text: str) -> str | None:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    address = "\n".join(line for line in lines if line)
    if len(address) > 400:
        raise Wrong(_("This is too long: use at most %(most)s characters.", most=400))
    return address or None


def _one_of(text: str, answers: Collection[str]) -> str:
    if text not in answers:
        raise Wrong(_("Choose one of the answers."))
    return text


def _languages(form: Form) -> tuple[str, ...]:
    chosen = tuple(code for code in i18n.LANGUAGES if code in form.getlist("languages"))
    if not chosen:
        raise Wrong(_("Choose at least one language."))
    return chosen


def locales(practice: Practice) -> list[str]:
    """The languages with their formats to choose from, the practice's own one among them."""
    return list(dict.fromkeys((*LOCALES, practice.language)))


def time_zones(practice: Practice) -> list[str]:
    """The time zones to choose from: those of the country first, the practice's own one among them."""
    territories: Mapping[str, str] = get_global("zone_territories")
    zones = {*(territories.keys() & available_timezones()), practice.time_zone}
    return sorted(zones, key=lambda zone: (territories.get(zone, practice.country) != practice.country, zone))


# --- opening hours -----------------------------------------------------------------------------------------------


def read_hours(form: Form) -> tuple[Hours | None, Errors]:
    """The opening hours, or what is wrong with each day (fields "day-0" to "day-6", "closed-0" ...)."""
    errors: Errors = {}
    week: dict[int, tuple[Span, ...]] = {}
    for day in range(7):
        try:
            week[day] = _spans(form, day)
        except Wrong as wrong:
            errors[f"day-{day}"] = str(wrong)
    closed: dict[date, str] = {}
    names = form.getlist("closed_name")
    for place, text in enumerate(form.getlist("closed_day")):
        name = " ".join(names[place].split())[:80] if place < len(names) else ""
        if not text.strip():
            if name:
                errors[f"closed-{place}"] = _("Which day is it? Choose a date.")
            continue
        try:
            closed[date.fromisoformat(text.strip())] = name
        except ValueError:
            errors[f"closed-{place}"] = _("This is not a date.")
    return (None if errors else Hours(week, closed)), errors


def _clock(text: str) -> time:
    """A time of day as the practice's clock shows it. Raises ValueError, for a time with a zone, too."""
    found = time.fromisoformat(text)
    if found.tzinfo is not None:
        raise ValueError(text)
    return found


def _spans(form: Form, day: int) -> tuple[Span, ...]:
    found: list[Span] = []
    for place in range(MOST_SPANS):
        opens, closes = (form.get(f"day-{day}-{place}-{end}", "").strip() for end in ("from", "until"))
        if not opens and not closes:
            continue
        if not opens or not closes:
            raise Wrong(_("Enter both times, or neither."))
        try:
            found.append(Span(_clock(opens), _clock(closes)))
        except ValueError:
            raise Wrong(_("The practice must open before it closes. Times read like 08:30.")) from None
    if any(first.closes > second.opens for first, second in pairwise(found)):
        raise Wrong(_("The second opening begins after the first has ended."))
    return tuple(found)


def typed_hours(form: Form) -> tuple[dict[int, list[tuple[str, str]]], list[tuple[str, str]]]:
    """What was typed, word for word, to be shown again."""
    week = {
        day: [
            (form.get(f"day-{day}-{place}-from", ""), form.get(f"day-{day}-{place}-until", ""))
            for place in range(MOST_SPANS)
        ]
        for day in range(7)
    }
    names = form.getlist("closed_name")
    days = [
        (day, names[place] if place < len(names) else "")
        for place, day in enumerate(form.getlist("closed_day"))
    ]
    return week, days


def shown_hours(hours: Hours, today: date) -> tuple[dict[int, list[tuple[str, str]]], list[tuple[str, str]]]:
    """What is stored, as the form shows it: closed days to come, and room for more."""
    week = {}
    for day in range(7):
        spans = [(f"{span.opens:%H:%M}", f"{span.closes:%H:%M}") for span in hours.week.get(day, ())]
        week[day] = [*spans, *[("", "")] * MOST_SPANS][:MOST_SPANS]
    days = [(day.isoformat(), name) for day, name in sorted(hours.closed.items()) if day >= today]
    return week, [*days, *[("", "")] * _NEW_CLOSED_DAYS]
