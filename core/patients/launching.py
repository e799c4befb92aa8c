"""Which patient a clinical system means: found without doubt, or a choice for a person, never a guess.

A number decides when nothing else that was handed over speaks against it: neither another birthday nor the name of
somebody else. Without a number, the date of birth and the whole name decide when they fit one patient alone.
Everything else is a choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import selectinload

from core import db, tenancy
from core.i18n import _
from core.patients import details, names
from core.patients.models import Patient, PatientIdentifier

IDENTITY: Final = ("nhs_number", "ins", "local_id", "birth_date", "family_name", "given_names", "name")
"""What a clinical system may hand over. ``name``: a whole name in either order, for systems that keep it in one."""

MOST_CANDIDATES: Final = 10
_LONGEST: Final = 200

Doubt = Literal["", "nobody", "several", "contradiction", "unreadable", "too_little"]


@dataclass(frozen=True, slots=True)
class Launched:
    """patient: without doubt. Else ``doubt`` says why not, and candidates are whom it may be, the likeliest first.

    values: what was handed over and can be read, as a form takes it. problems: what cannot be read, as sentences.
    by: the fields that decided, for the trail.
    """

    patient: Patient | None
    doubt: Doubt = ""
    candidates: tuple[Patient, ...] = ()
    values: dict[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


def given(raw: Mapping[str, str]) -> dict[str, str]:
    """The fields of an identity that were handed over, trimmed; everything else is left aside."""
    return {name: text for name in IDENTITY if (text := raw.get(name, "").strip()[:_LONGEST])}


def find(raw: Mapping[str, str]) -> Launched:
    """Whom the identity means in the current practice. Two queries."""
    typed = given(raw)
    practice = tenancy.current()
    known = {name: text for name, text in typed.items() if name != "name"}
    cleaned = details.clean(known, country=practice.country, locale=practice.language, partial=True)
    values, problems = cleaned.values, tuple(cleaned.problems.values())
    shown = _as_typed(typed, values)
    numbers = {
        details.IDENTIFIERS[name]: value for name in details.IDENTIFIERS if (value := values.get(name))
    }
    born: date | None = values.get("birth_date")
    words = _words(typed)
    holders = _holders(numbers)
    namesakes = _born(born, words) if born and words else []
    whom = tuple(dict.fromkeys([*holders, *namesakes]))[:MOST_CANDIDATES]

    def doubtful(doubt: Doubt) -> Launched:
        return Launched(None, doubt, whom, shown, problems)

    if problems:
        return doubtful("unreadable")
    if len(holders) == 1:
        holder = holders[0]
        if _contradicts(holder, numbers, born, words, namesakes):
            return doubtful("contradiction")
        return Launched(holder, values=shown, by=tuple(sorted(typed)))
    if holders:
        return doubtful("several")
    if numbers:
        return doubtful("contradiction" if whom else "nobody")
    if not born or not words:
        return doubtful("too_little")
    exact = [one for one in namesakes if _words_of(one) == words]
    if len(exact) == 1:
        return Launched(exact[0], values=shown, by=tuple(sorted(typed)))
    return doubtful("several" if whom else "nobody")


def explanation(launched: Launched) -> str:
    """Why it is a choice, in a sentence for the person who chooses."""
    return {
        "": "",
        "nobody": _("Nobody at this practice has these details."),
        "several": _("More than one patient fits these details."),
        "contradiction": _(
            "The details do not all belong to the same patient. Compare them before you go on."
        ),
        "unreadable": _("The clinical system sent something that cannot be read."),
        "too_little": _(
            "The clinical system did not say enough: it takes a number, or the name and the date of birth."
        ),
    }[launched.doubt]


def _as_typed(typed: Mapping[str, str], values: Mapping[str, object]) -> dict[str, str]:
    """As the form for a new patient takes it: a name in one piece is put where it is read best."""
    shown = {name: text for name, text in typed.items() if name != "name"}
    if isinstance(born := values.get("birth_date"), date):
        shown["birth_date"] = born.strftime("%d/%m/%Y")
    whole = typed.get("name", "")
    if whole and not shown.keys() & {"family_name", "given_names"}:
        before, comma, after = whole.partition(",")
        if comma:
            shown["family_name"], shown["given_names"] = before.strip(), after.strip()
        else:
            shown["given_names"], _space, shown["family_name"] = whole.rpartition(" ")
    return {name: text for name, text in shown.items() if text}


def _words(typed: Mapping[str, str]) -> frozenset[str]:
    parts = [typed.get(name, "") for name in ("family_name", "given_names")]
    if not all(parts):
        parts = [typed["name"]] if typed.get("name") else [part for part in parts if part]
    return frozenset(names.normalise(" ".join(parts)).split())


def _words_of(patient: Patient) -> frozenset[str]:
    return frozenset(patient.search_name.split())


def _contradicts(
    patient: Patient,
    numbers: Mapping[str, str],
    born: date | None,
    words: frozenset[str],
    namesakes: Sequence[Patient],
) -> bool:
    """Does anything else that was handed over speak against this patient?"""
    for system, value in numbers.items():
        held = patient.identifier(system)
        if held is not None and held != value:
            return True
    if born is None:
        return not _bears(patient, words)
    if patient.birth_date != born:
        return True
    # People change their names, not their birthdays; but the name may be a twin's.
    return any(_closeness(one, words) > _closeness(patient, words) for one in namesakes)


def _bears(patient: Patient, words: frozenset[str]) -> bool:
    """Is it this patient's name? Family and given name both speak where both were handed over."""
    family = frozenset(names.normalise(patient.family_name).split())
    given_names = frozenset(names.normalise(patient.given_names).split())
    if words <= family or words <= given_names:
        return True
    return bool(words & family) and bool(words & given_names)


def _closeness(patient: Patient, words: frozenset[str]) -> tuple[int, bool]:
    own = _words_of(patient)
    return len(words & own), own == words


def _holders(numbers: Mapping[str, str]) -> list[Patient]:
    if not numbers:
        return []
    asked = [
        (PatientIdentifier.system == system) & (PatientIdentifier.value == value)
        for system, value in numbers.items()
    ]
    holders = select(PatientIdentifier.patient_id).where(or_(*asked))
    return _load(select(Patient).where(Patient.id.in_(holders)))


def _born(born: date, words: frozenset[str]) -> list[Patient]:
    """Those born on the day whose name shares a word, whole names first."""
    found = [
        one
        for one in _load(select(Patient).where(Patient.birth_date == born).limit(500))
        if words & _words_of(one)
    ]
    return sorted(found, key=lambda one: (-len(words & _words_of(one)), one.search_name))


def _load(statement: Select[Patient]) -> list[Patient]:
    query = statement.options(selectinload(Patient.identifiers)).order_by(Patient.search_name)
    return list(db.session().scalars(query))


def patient_ids(launched: Launched) -> list[UUID]:
    """Whom the choice shows, for the trail."""
    return [one.id for one in launched.candidates]
