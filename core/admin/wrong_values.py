"""What is wrong with a value, in plain words: pydantic's errors as sentences that a practice admin can act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from core.i18n import _, format_number, ngettext

Context = Mapping[str, Any]


def sentence(error: Mapping[str, Any], *, whole: bool = True) -> str:
    """One sentence for one of pydantic's errors. whole: numbers here are whole ones.

    A validator's own ValueError, whose message is meant for people, is given as it is.
    """
    kind, context = str(error["type"]), error.get("ctx") or {}
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error") or _("This value cannot be used."))
    if kind in (
        "int_parsing",
        "int_type",
        "int_from_float",
        "float_parsing",
        "float_type",
        "decimal_parsing",
    ):
        return _("Enter a whole number.") if whole else _("Enter a number.")
    known = _SENTENCES.get(kind)
    return known(context) if known else _("This value cannot be used.")


def _at_least(context: Context) -> str:
    return _("Enter %(number)s or more.", number=format_number(context["ge"]))


def _more_than(context: Context) -> str:
    return _("Enter a number above %(number)s.", number=format_number(context["gt"]))


def _at_most(context: Context) -> str:
    return _("Enter %(number)s or less.", number=format_number(context["le"]))


def _less_than(context: Context) -> str:
    return _("Enter a number below %(number)s.", number=format_number(context["lt"]))


def _too_long(context: Context) -> str:
    longest = context["max_length"]
    return ngettext(
        "This is too long: %(num)d character is allowed.",
        "This is too long: %(num)d characters are allowed.",
        longest,
    )


def _too_short(context: Context) -> str:
    shortest = context["min_length"]
    if shortest == 1:
        return _("Fill this in.")
    return ngettext("Enter at least %(num)d character.", "Enter at least %(num)d characters.", shortest)


def _too_few(context: Context) -> str:
    return ngettext("Choose at least %(num)d.", "Choose at least %(num)d.", context["min_length"])


def _too_many(context: Context) -> str:
    return ngettext("At most %(num)d is allowed.", "At most %(num)d are allowed.", context["max_length"])


_SENTENCES: dict[str, Callable[[Context], str]] = {
    "missing": lambda _context: _("Fill this in."),
    "greater_than_equal": _at_least,
    "greater_than": _more_than,
    "less_than_equal": _at_most,
    "less_than": _less_than,
    "multiple_of": lambda c: _("Enter a multiple of %(number)s.", number=format_number(c["multiple_of"])),
    "finite_number": lambda _context: _("Enter a number."),
    "int_parsing_size": lambda _context: _("This number is too large."),
    "decimal_max_places": lambda c: ngettext(
        "Use at most %(num)d decimal place.", "Use at most %(num)d decimal places.", c["decimal_places"]
    ),
    "string_too_long": _too_long,
    "string_too_short": _too_short,
    "string_pattern_mismatch": lambda _context: _("This is not in the form that is needed here."),
    "string_type": lambda _context: _("Fill this in."),
    "too_short": _too_few,
    "too_long": _too_many,
    "literal_error": lambda _context: _("Choose one of the answers."),
    "enum": lambda _context: _("Choose one of the answers."),
    "url_parsing": lambda _context: _("Enter a web address that begins with https://."),
    "url_scheme": lambda _context: _("Enter a web address that begins with https://."),
}
