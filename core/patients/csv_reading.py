"""Reading the tables that spreadsheets and clinical systems save: any usual encoding, separator and quoting.

A row that cannot be read is answered as such and costs no other row, not even when a quotation mark is left open.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from core.i18n import _
from core.patients.errors import InvalidValue

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_ROWS: Final = 50_000
DELIMITERS: Final = (",", ";", "\t", "|")
_LONGEST_CELL_IN_LINES = 6
_LONGEST_LINE = 20_000

# What people upload instead, by the first bytes.
_MAGIC = (
    (b"PK\x03\x04", "workbook"),
    (b"\xd0\xcf\x11\xe0", "workbook"),
    (b"%PDF", "document"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"{\\rtf", "document"),
)


class NotATable(InvalidValue):
    """The file is no table that can be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row. `number` counts as a spreadsheet does, the header being 1. `fault`: why its cells cannot be trusted."""

    number: int
    cells: list[str]
    fault: str | None = None


def decode(content: bytes) -> str:
    """The text of a file in UTF-8 (with or without mark), UTF-16 with its mark, or Windows-1252. Raises NotATable."""
    if not content.strip():
        raise NotATable(_("The file is empty. Choose the file with your list of patients."))
    if len(content) > MOST_BYTES:
        raise NotATable(_("The file is larger than 10 MB. Split it into several files."))
    _refuse_other_kinds(content)
    for encoding in ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise NotATable(
        _("The characters of this file cannot be read. Save it as “CSV UTF-8” and choose it again.")
    )


def records(text: str, delimiter: str) -> Iterator[Record]:
    """Every row that is not blank, in order, the header first. Raises NotATable after MOST_ROWS."""
    lines = text.splitlines()
    at = number = 0
    while at < len(lines):
        cells, fault, used = _next_row(lines, at, delimiter)
        at += used
        number += 1
        if number > MOST_ROWS + 1:
            raise NotATable(
                _("The file has more than %(num)d rows. Split it into several files.", num=MOST_ROWS)
            )
        if any(cell.strip() for cell in cells):
            yield Record(number, [cell.strip() for cell in cells], fault)


def _next_row(lines: list[str], at: int, delimiter: str) -> tuple[list[str], str | None, int]:
    """Cells, fault and how many lines it took. A quoted cell may hold a few line breaks."""
    line = lines[at]
    if len(line) > _LONGEST_LINE:
        return line[:200].split(delimiter), _("This row is far too long."), 1
    if '"' not in line:
        return line.split(delimiter), None, 1
    for used in range(1, min(_LONGEST_CELL_IN_LINES, len(lines) - at) + 1):
        cells, is_open = _quoted(lines[at : at + used], delimiter)
        if not is_open:
            return cells, None, used
    return line.split(delimiter), _("A quotation mark in this row is not closed."), 1


def _quoted(lines: list[str], delimiter: str) -> tuple[list[str], bool]:
    """The cells of these lines, and whether a quotation mark is still open at their end."""
    text = [f"{line}\n" for line in lines[:-1]] + lines[-1:]
    try:
        return next(csv.reader(text, delimiter=delimiter, strict=True)), False
    except csv.Error as error:
        # A mark that closes in a later row, yet in the middle of a cell, was opened by mistake.
        if "unexpected end" in str(error) or len(lines) > 1:
            return [], True
    # A stray mark inside a cell, such as 5" or "Bob" Smith: it stands for itself.
    return next(csv.reader(text, delimiter=delimiter)), False


def _refuse_other_kinds(content: bytes) -> None:
    kind = next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)
    if kind == "workbook":
        raise NotATable(
            _("This is an Excel workbook. In Excel choose “Save as”, “CSV UTF-8”, and choose that file here.")
        )
    if kind == "picture":
        raise NotATable(_("This is a picture. Choose a CSV file with your list of patients."))
    if kind == "document":
        raise NotATable(_("This is a document. Choose a CSV file with your list of patients."))
