"""Who a page is about, in words: what a clinician compares before doing anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core import db, i18n, patients
from core.i18n import _, ngettext
from core.patients import Patient, birth_dates, nhs_number
from core.patients import ins as ins_numbers


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the page is about: what a clinician compares before doing anything."""

    name: str
    initials: str
    birth_date: date
    age: str
    sex: str
    numbers: list[tuple[str, str]]
    is_test: bool
    active: bool


def identity(patient: Patient) -> Identity:
    """The identity in words. Copied out, so that it can be shown whatever becomes of the session."""
    held = patient.identifier(patients.NHS_NUMBER)
    return Identity(
        name=patient.display_name,
        initials=patient.initials,
        birth_date=patient.birth_date,
        age=age_in_words(patient.birth_date),
        sex=sex_in_words(patient.sex),
        numbers=_numbers(patient),
        is_test=held is not None and nhs_number.is_test(held),
        active=patient.active,
    )


def sex_in_words(sex: str) -> str:
    return {"female": _("Female"), "male": _("Male"), "other": _("Other")}.get(sex, _("Sex not recorded"))


def age_in_words(born: date) -> str:
    """In years; of small children in months, of newborns in days, as in clinical use."""
    today = i18n.local(db.utcnow()).date()
    days = (today - born).days
    if days < 28:
        return ngettext("%(num)d day old", "%(num)d days old", days)
    years = birth_dates.age(born, on=today)
    if years < 2:
        months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
        return ngettext("%(num)d month old", "%(num)d months old", months)
    return ngettext("%(num)d year old", "%(num)d years old", years)


def _numbers(patient: Patient) -> list[tuple[str, str]]:
    numbers = []
    if value := patient.nhs_number:
        numbers.append((_("NHS number"), value))
    if value := patient.identifier(patients.INS):
        numbers.append((_("INS number"), ins_numbers.formatted(value)))
    if value := patient.identifier(patients.LOCAL):
        numbers.append((_("Record number"), value))
    return numbers
