"""A patient's details as somebody typed them, cleaned one by one: every fault is found, none hides another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from email_validator import EmailNotValidError, validate_email

from core import settings
from core.i18n import _, _l, offered_languages
from core.patients import birth_dates, ins, names, nhs_number, phones
from core.patients.errors import InvalidEmail, InvalidName, InvalidValue
from core.patients.models import INS, LOCAL, NHS_NUMBER

REQUIRED: Final = ("given_names", "family_name", "birth_date")
COLUMNS: Final = (*REQUIRED, "sex", "email", "mobile", "phone", "language")
IDENTIFIERS: Final = {"nhs_number": NHS_NUMBER, "ins": INS, "local_id": LOCAL}
"""Field name and identifier system."""
FIELDS: Final = (*COLUMNS, *IDENTIFIERS)

SEXES: Final = {"female": _l("Female"), "male": _l("Male"), "other": _l("Other")}
"""What is written where it is known: on pages, and in tables that an import reads again."""
_SEX_WORDS = {
    "female": ("female", "f", "woman", "femme", "feminin", "2"),
    "male": ("male", "m", "man", "homme", "h", "masculin", "1"),
    "other": ("other", "autre", "o", "x", "indeterminate", "indetermine", "9"),
    "unknown": ("unknown", "inconnu", "not known", "non connu", "u", "i", "0"),
}
"""What clinical systems write; the digits are ISO 5218."""
_SEXES = {word: sex for sex, words in _SEX_WORDS.items() for word in words}
_LANGUAGES = {
    "english": "en",
    "anglais": "en",
    "eng": "en",
    "french": "fr",
    "francais": "fr",
    "fra": "fr",
    "fre": "fr",
}
_LONGEST_LOCAL_ID = 64


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`values`: what can be kept, by field. `problems`: field and sentence for what cannot."""

    values: dict[str, Any]
    problems: dict[str, str]


def clean(raw: Mapping[str, object], *, country: str, locale: str, partial: bool = False) -> Cleaned:
    """Clean the fields that are given. `partial`: the required ones may be missing (not empty).

    `country` reads phone numbers, `locale` reads dates. Raises nothing for wrong values, KeyError for unknown fields.
    """
    readers = _readers(country, locale)
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for field, given in raw.items():
        try:
            values[field] = readers[field](given)
        except InvalidValue as error:
            problems[field] = error.message
    for field in () if partial else REQUIRED:
        if field not in raw:
            problems[field] = required_message(field)
    return Cleaned(values, problems)


def required_message(field: str) -> str:
    return {
        "given_names": _("Enter the first names."),
        "family_name": _("Enter the family name."),
        "birth_date": _("Enter the date of birth."),
    }[field]


def search_words(values: Mapping[str, Any]) -> set[str]:
    """All beginnings under which somebody with these clean values is found; the date of birth is a column itself."""
    words = names.search_words(values["given_names"], values["family_name"])
    words.update(number.removeprefix("+") for key in ("mobile", "phone") if (number := values.get(key)))
    words.update(identifier_word(value) for field in IDENTIFIERS if (value := values.get(field)))
    return {word[:240] for word in words if word}


def identifier_word(value: str) -> str:
    """ "EMIS-00123" is found as emis00123: separators are typed or not."""
    return names.normalise(value).replace(" ", "")


def _readers(country: str, locale: str) -> dict[str, Callable[[object], Any]]:
    return {
        "given_names": lambda given: _name("given_names", given),
        "family_name": lambda given: _name("family_name", given),
        "birth_date": lambda given: (
            birth_dates.check(given)
            if isinstance(given, date)
            else birth_dates.parse(_text(given), locale=locale)
        ),
        "sex": _sex,
        "email": _optional(_email),
        "mobile": _optional(lambda text: phones.parse_mobile(text, country)),
        "phone": _optional(lambda text: phones.parse_phone(text, country)),
        "language": _optional(_language),
        "nhs_number": _optional(nhs_number.parse),
        "ins": _optional(ins.parse),
        "local_id": _optional(_local_id),
    }


def _text(given: object) -> str:
    return "" if given is None else str(given).strip()


def _optional(read: Callable[[str], str]) -> Callable[[object], str | None]:
    return lambda given: read(text) if (text := _text(given)) else None


def _name(field: str, given: object) -> str:
    text = _text(given)
    if not text:
        raise InvalidName(required_message(field))
    return names.clean_name(text)


def _sex(given: object) -> str:
    word = names.normalise(_text(given))
    if not word:
        return "unknown"
    if word in _SEXES:
        return _SEXES[word]
    for sex, said in SEXES.items():
        if word == names.normalise(str(said)):
            return sex
    raise InvalidValue(_("Enter the sex as female, male, other or unknown."))


def _email(text: str) -> str:
    try:
        checked = validate_email(
            text, check_deliverability=False, test_environment=settings.current().is_open_house
        )
    except EmailNotValidError:
        raise InvalidEmail(
            _("This is not an e-mail address. Check it, for example name@example.com.")
        ) from None
    if len(checked.normalized) > 254:
        raise InvalidEmail(_("This e-mail address is too long."))
    return checked.normalized


def _language(text: str) -> str:
    word = names.normalise(text)
    code = _LANGUAGES.get(word, word.split()[0] if word else "")
    if code not in offered_languages():
        raise InvalidValue(
            _(
                "Messages cannot be sent in this language. Choose one of: %(codes)s.",
                codes=", ".join(offered_languages()),
            )
        )
    return code


def _local_id(text: str) -> str:
    if len(text) > _LONGEST_LOCAL_ID or not text.isprintable() or not identifier_word(text):
        raise InvalidValue(
            _("Enter the record number with letters and digits, at most %(num)d.", num=_LONGEST_LOCAL_ID)
        )
    return text
