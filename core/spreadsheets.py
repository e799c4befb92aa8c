"""Tables for spreadsheets (CSV): a line of them, and cells that no spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import Final

_FORMULA: Final = re.compile(r"[=+\-@\t\r\n]")
_NUMBER: Final = re.compile(r"[+-][0-9][0-9 ]*(?:[.,][0-9]+)?")


def harmless(text: str) -> str:
    """A cell that a spreadsheet does not run: an apostrophe goes before what would begin a formula. Numbers stay, of
    telephones too ("+44 7700 900123")."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def line(cells: Iterable[str]) -> str:
    """A line of a table, with its end; every cell harmless."""
    target = io.StringIO()
    csv.writer(target, lineterminator="\r\n").writerow([harmless(cell) for cell in cells])
    return target.getvalue()
