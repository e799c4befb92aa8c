"""Tables for spreadsheets (CSV): a line of them, cells that no spreadsheet takes for a formula, and what is put between
cells where the reader is.

    yield MARK + line(columns, between)
    yield from (line(cells, between) for cells in rows)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from babel.numbers import get_decimal_symbol

from core import i18n
from core.i18n import _

MARK: Final = "\ufeff"
"""At the beginning of a file: without it, Excel takes UTF-8 for something else."""
_FORMULA: Final = re.compile(r"[=+\-@\t\r\n]")
_SPECIAL: Final = re.compile(r'[,;\t"\r\n]')
_NUMBER: Final = re.compile(r"[+-][0-9][0-9 ]*(?:[.,][0-9]+)?")


def separator() -> str:
    """What stands between cells for the reader: where a comma is the decimal sign, Excel wants a semicolon."""
    return ";" if get_decimal_symbol(i18n.babel_locale()) == "," else ","


def harmless(text: str) -> str:
    """A cell that a spreadsheet does not run: an apostrophe goes before what would begin a formula. Numbers stay, of
    telephones too ("+44 7700 900123")."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def in_words(value: object) -> str:
    """A cell in the reader's language. Days and times stand as every spreadsheet reads them, whatever its language:
    2026-03-04, and 2026-03-04 14:05 on the practice's clocks."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return i18n.local(value).strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, date) else str(value)


def line(cells: Iterable[object], between: str = ",") -> str:
    """A line of a table, with its end; every cell in words, and harmless."""
    return between.join(_quoted(harmless(in_words(cell))) for cell in cells) + "\r\n"


def _quoted(text: str) -> str:
    # Quoted for every separator: a program that takes another one must not begin a cell, and a formula, in this one.
    if not _SPECIAL.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'
