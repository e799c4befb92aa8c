"""The list of a practice's patients as a table: the columns that an import understands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select

from core import db, tenancy
from core.patients.models import Patient, PatientIdentifier
from core.spreadsheets import line

HEADER: Final = (
    "Given names", "Family name", "Date of birth", "Sex", "Email", "Mobile", "Phone", "Language", "NHS number", "INS",
    "Local ID", "Active",
)  # fmt: skip
_BATCH: Final = 500


def everybody() -> tuple[list[UUID], set[UUID]]:
    """All patients of the current practice, in the table's order; and those of them whose records are restricted."""
    rows = db.session().execute(select(Patient.id, Patient.restricted).order_by(Patient.id)).all()
    return [row.id for row in rows], {row.id for row in rows if row.restricted}


def lines(
    practice_id: UUID, patient_ids: Sequence[UUID], opened: Collection[UUID] | None = None
) -> Iterator[str]:
    """The table's lines of these patients, header first. Call it in no scope: it reads in portions, each in its own,
    and none is open while a line is on its way.

    opened: the restricted records that may be in it; None: all. One that was restricted meanwhile is not in it.
    """
    yield line(HEADER)
    for at in range(0, len(patient_ids), _BATCH):
        with tenancy.practice_scope(practice_id, write=False):
            portion = _portion(patient_ids[at : at + _BATCH], opened)
        yield from portion


def _portion(patient_ids: Sequence[UUID], opened: Collection[UUID] | None) -> list[str]:
    session = db.session()
    found = session.scalars(select(Patient).where(Patient.id.in_(patient_ids)).order_by(Patient.id)).all()
    numbers: dict[tuple[object, str], str] = {
        (row.patient_id, row.system): row.value
        for row in session.scalars(
            select(PatientIdentifier).where(PatientIdentifier.patient_id.in_(patient_ids))
        )
    }
    return [
        line(
            (
                patient.given_names,
                patient.family_name,
                patient.birth_date.isoformat(),
                patient.sex,
                patient.email or "",
                patient.mobile or "",
                patient.phone or "",
                patient.language or "",
                *(numbers.get((patient.id, system), "") for system in ("nhs_number", "ins", "local")),
                "yes" if patient.active else "no",
            )
        )
        for patient in found
        if not patient.restricted or opened is None or patient.id in opened
    ]
