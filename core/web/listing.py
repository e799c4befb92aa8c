"""What a long list is asked for: words that find patients, days, an order, a page; and the list as a table.

The words are a name or a date of birth, so a list that is searched is posted; all the rest may stand in an address.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import chain
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from flask import Response, abort, flash, g, request
from sqlalchemy import ColumnElement

from core import audit, db, i18n
from core.files import disposition
from core.i18n import _, format_number, ngettext
from core.spreadsheets import MARK, line, separator
from core.web import coming_back, emergency, sent

EXPORT: Final = "core.export_patients"
MOST_ROWS: Final = 10_000
"""In a table to take away: whoever wants more chooses fewer days at a time."""
_LONGEST: Final = 200
_MOST_PAGES: Final = 1_000_000

Item = TypeVar("Item")
Rows = Sequence[tuple[UUID | None, Sequence[object]]]
"""Of a table: the patient whom a line is about, and its cells."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks a list for. since, until: days in the practice's time zone, both included."""

    words: str = ""
    since: date | None = None
    until: date | None = None
    order: str = ""
    page: int = 1

    @property
    def narrows(self) -> bool:
        """Does it leave anything out?"""
        return bool(self.words or self.since or self.until)

    def during(self, column: Any) -> list[ColumnElement[bool]]:
        """The conditions that keep a column of times within the days."""
        conditions: list[ColumnElement[bool]] = []
        begins, ends = self.moments()
        if begins:
            conditions.append(column >= begins)
        if ends:
            conditions.append(column < ends)
        return conditions

    def moments(self) -> tuple[datetime | None, datetime | None]:
        """When the days begin and end; the second is not of them."""
        begins = _midnight(self.since) if self.since else None
        return begins, _midnight(self.until + timedelta(days=1)) if self.until else None

    def on_page(self, total: int, size: int) -> tuple[Asked, int]:
        """The same on a page that there is, and how many pages there are."""
        pages = max(1, -(-total // size))
        return replace(self, page=min(self.page, pages)), pages

    def address(self, usual: str = "") -> dict[str, Any]:
        """What may stand in an address: everything but the words and the page, and not what is usual."""
        return {
            "since": self.since.isoformat() if self.since else None,
            "until": self.until.isoformat() if self.until else None,
            "order": self.order if self.order != usual else None,
        }


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A page of a list, and how many there are in all; ``asked`` says which page it is."""

    rows: list[Item]
    total: int
    pages: int
    asked: Asked


def asked(orders: Sequence[str] = ("",), *, words_in_address: bool = False) -> Asked:
    """What the request asks for; of ``orders`` the first is the usual one. Nonsense counts as not asked.

    words_in_address: the list is of no people, so that words may come in an address.
    """
    given = request.values
    coming_back.again()
    words = (given if words_in_address else request.form).get("q", "")
    order = given.get("order", "")
    return Asked(
        words=" ".join(words[:_LONGEST].split()),
        since=_day(given.get("since", "")),
        until=_day(given.get("until", "")),
        order=order if order in orders else orders[0],
        page=min(max(sent.number(given.get("page")) or 1, 1), _MOST_PAGES),
    )


def one_of(name: str, choices: Collection[str], usual: str) -> str:
    """A further choice of the request; the usual one where it asks for none. Anything else is not found."""
    chosen = request.values.get(name, usual)
    if chosen not in choices:
        abort(404)
    return chosen


def note(given: Asked, total: int, patient_ids: Iterable[UUID]) -> None:
    """Put on the trail whom the page shows, and that they were searched for."""
    audit.lists(patient_ids)
    if given.words:
        detail = {"results": total, "part": request.endpoint or ""}
        audit.record("patient.searched", detail=detail)


def may_export() -> bool:
    """May this person take lists of patients away?"""
    return EXPORT in g.permissions


def is_too_long(total: int) -> bool:
    """Is the list too long for a table? Then the person is told what to do."""
    if total <= MOST_ROWS:
        return False
    words = _(
        "A table has at most %(number)s lines. Choose fewer days, and take the rest after that.",
        number=format_number(MOST_ROWS),
    )
    flash(words, "warning")
    return True


def taken_away(name: str, columns: Sequence[object], total: int, rows: Callable[[], Rows]) -> Response | None:
    """What a list's button "Export as CSV" answers; None where there is no table, and the person is told why.

    rows: asked only where the list is not too long.
    """
    return None if is_too_long(total) else spreadsheet(name, columns, rows())


def spreadsheet(name: str, columns: Sequence[object], rows: Rows) -> Response | None:
    """Rows as a file for spreadsheets, in the reader's language, each with the patient whom it is about, on the trail.

    Those about restricted records that this person may not open now stay out: the file's name and a message say how
    many. None where nothing is left. It takes the right to export patients (403).
    """
    if not may_export():
        g.lacking = EXPORT
        abort(403)
    people = {patient_id for patient_id, _cells in rows if patient_id is not None}
    closed = emergency.closed(people)
    kept = [cells for patient_id, cells in rows if patient_id not in closed]
    if closed:
        tell_left_out(len(closed))
    if not kept:
        if not closed:
            flash(_("There is nothing to put into a table."), "warning")
        return None
    left_out = {"left_out": len(closed)} if closed else {}
    shown = sorted(people - closed)
    detail = {"format": "csv", "part": request.endpoint or "", **left_out}
    audit.record("patients.exported", detail=detail, shown=shown[: audit.MOST_SHOWN])
    audit.lists(shown)
    return table(name_without(name, len(closed)), columns, kept)


def name_without(name: str, restricted: int) -> str:
    """The name of a table's file. One that is not whole says so wherever it goes: a message is seen once only."""
    if not restricted:
        return name
    stem = name.removesuffix(".csv")
    return _("%(name)s-without-%(number)s-restricted.csv", name=stem, number=restricted)


def tell_left_out(restricted: int) -> None:
    """Say on the next page how many restricted records a table is without."""
    words = ngettext(
        "%(num)d restricted record is not in the table. Open it first and say why you need it.",
        "%(num)d restricted records are not in the table. Open them first and say why you need them.",
        restricted,
    )
    flash(words, "warning")


def table(name: str, columns: Sequence[object], rows: Iterable[Sequence[object]]) -> Response:
    """Rows of anything as a file for spreadsheets; whoever calls it puts that on the trail."""
    between = separator()
    return table_file(name, ["".join(line(cells, between) for cells in (columns, *rows))])


def table_file(name: str, lines: Iterable[str]) -> Response:
    """A table's lines as a file to take away. name: in the reader's language, with its ending."""
    answer = Response((piece.encode() for piece in chain([MARK], lines)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = disposition(name, "attachment")
    return answer


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2200 else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), i18n.local(db.utcnow()).tzinfo)
