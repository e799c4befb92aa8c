"""Finding patients with one box: a name, a date of birth, an NHS or INS number, a record number, a phone, or a mixture.

Whatever is typed becomes terms; a patient is found when every term fits. A term is a beginning of a search word, a
range of birth dates, or either of the two ("1980" may be a year or the start of a number).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Select, case, false, func, or_, select, true
from sqlalchemy.orm import selectinload

from core import audit, db, tenancy
from core.patients import birth_dates, names, phones
from core.patients.details import identifier_word
from core.patients.models import Patient, PatientSearchWord

MOST_TERMS = 8
_LONGEST_QUERY = 200
_LAST_CHARACTER = "\U0010ffff"
_NUMBER = re.compile(r"\+?\d[\d\s().\-/]*")


Order = Literal["name", "born", "added"]
"""By name (of a search: the likeliest first), the eldest first, or who was added last first."""
ORDERS: tuple[Order, ...] = get_args(Order)


@dataclass(frozen=True, slots=True)
class Term:
    """Fits a patient with a search word that begins with one of `prefixes`, or born from `born[0]` to `born[1]`."""

    prefixes: tuple[str, ...] = ()
    born: tuple[date, date] | None = None
    is_name: bool = False


def search(
    query: str, limit: int = 25, offset: int = 0, *, inactive: bool = False, order: Order = "name"
) -> list[Patient]:
    """The patients that fit, the likeliest first, with their identifiers loaded. An empty query lists all by name.

    Two queries, however many are found. `inactive`: also those who have left the practice.
    """
    terms = read_query(query)
    if query.strip() and not terms:
        return []
    sorted_by: dict[Order, Sequence[ColumnElement[Any]]] = {
        "name": (*_ranking(terms), Patient.search_name.asc(), Patient.id.asc()),
        "born": (Patient.birth_date.asc(), Patient.id.asc()),
        "added": (Patient.id.desc(),),  # a key begins with the time
    }
    statement = _matching(terms, inactive=inactive).order_by(*sorted_by[order])
    statement = statement.options(selectinload(Patient.identifiers)).limit(limit).offset(offset)
    found = list(db.session().scalars(statement))
    if terms:
        shown = [patient.id for patient in found[: audit.MOST_SHOWN]]
        audit.record("patient.searched", detail={"results": len(found)}, shown=shown)
    return found


def count(query: str = "", *, inactive: bool = False) -> int:
    """How many patients fit."""
    terms = read_query(query)
    if query.strip() and not terms:
        return 0
    matching = _matching(terms, inactive=inactive).with_only_columns(
        func.count(Patient.id), maintain_column_froms=True
    )
    return db.session().scalar(matching) or 0


def finds(patient_id: Any, query: str) -> ColumnElement[bool]:
    """For lists of what belongs to patients: does this search find the patient whom the column ``patient_id`` names,
    also one who has left? An empty query finds everybody.
    """
    terms = read_query(query)
    if not terms:
        return false() if query.strip() else true()
    matching = _matching(terms, inactive=True).with_only_columns(Patient.id)
    found: ColumnElement[bool] = patient_id.in_(matching)
    return found


def read_query(query: str) -> list[Term]:
    """What was typed, as terms, read the way the practice writes dates and phone numbers."""
    practice = tenancy.current()
    text = " ".join(query[:_LONGEST_QUERY].split())
    terms = (
        [_whole(text, practice.country, practice.language)]
        if _is_number_or_date(text, practice.language)
        else None
    )
    if terms is None:
        terms = _mixture(text.replace(",", " ").split(), practice.country, practice.language)
    return [term for term in terms if term.prefixes or term.born][:MOST_TERMS]


def _is_number_or_date(text: str, locale: str) -> bool:
    return bool(_NUMBER.fullmatch(text)) or birth_dates.recognise(text, locale=locale) is not None


def _whole(text: str, country: str, locale: str) -> Term:
    born = birth_dates.recognise(text, locale=locale)
    prefixes: list[str] = []
    if _NUMBER.fullmatch(text):
        digits = identifier_word(text)
        prefixes = list(dict.fromkeys([digits, *phones.search_prefixes(text, country)]))
        if born is None and (year := birth_dates.year_in(digits)):
            return Term(tuple(prefixes), (date(year, 1, 1), date(year, 12, 31)))
    return Term(tuple(prefixes), (born, born) if born else None)


def _mixture(tokens: list[str], country: str, locale: str) -> list[Term]:
    """Names, dates and numbers next to each other: the longest run of tokens that is a date or a number wins."""
    terms: list[Term] = []
    at = 0
    while at < len(tokens):
        for size in range(min(5, len(tokens) - at), 0, -1):
            run = " ".join(tokens[at : at + size])
            if any(char.isdigit() for char in run) and _is_number_or_date(run, locale):
                terms.append(_whole(run, country, locale))
                break
        else:
            size = 1
            terms.extend(_words(tokens[at]))
        at += size
    return terms


def _words(token: str) -> list[Term]:
    pieces = names.normalise(token).split()
    if any(char.isdigit() for char in token):
        return [Term(("".join(pieces),))] if pieces else []
    return [Term((piece,), is_name=True) for piece in pieces]


def _matching(terms: list[Term], *, inactive: bool) -> Select[Patient]:
    statement = select(Patient)
    if not inactive:
        statement = statement.where(Patient.active.is_(True))
    for term in terms:
        statement = statement.where(_fits(term))
    return statement


def _fits(term: Term) -> ColumnElement[bool]:
    ways: list[ColumnElement[bool]] = []
    if term.prefixes:
        word = PatientSearchWord.word
        begins = or_(*((word >= prefix) & (word < prefix + _LAST_CHARACTER) for prefix in term.prefixes))
        ways.append(Patient.id.in_(select(PatientSearchWord.patient_id).where(begins)))
    if term.born:
        ways.append(Patient.birth_date.between(*term.born))
    return or_(*ways)


def _ranking(terms: list[Term]) -> list[ColumnElement[int]]:
    """First those whose name begins as typed, family name or first name in front; then the rest."""
    typed = [term.prefixes[0] for term in terms if term.is_name]
    if not typed:
        return []
    orders = dict.fromkeys((" ".join(typed), " ".join([typed[-1], *typed[:-1]])))
    name = Patient.search_name
    return [case(*(((name >= order) & (name < order + _LAST_CHARACTER), 0) for order in orders), else_=1)]
