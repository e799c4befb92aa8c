"""The list of a practice's patients as a table: the columns that an import understands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select

from core import db
from core.patients.models import Patient, PatientIdentifier
from core.spreadsheets import line

HEADER: Final = (
    "Given names", "Family name", "Date of birth", "Sex", "Email", "Mobile", "Phone", "Language", "NHS number", "INS",
    "Local ID", "Active",
)  # fmt: skip
_BATCH: Final = 500


def lines() -> Iterator[str]:
    """The table's lines, header first, of the current practice, read in portions. In an open scope."""
    yield line(HEADER)
    last = None
    while True:
        query = select(Patient).order_by(Patient.id).limit(_BATCH)
        if last is not None:
            query = query.where(Patient.id > last)
        found = list(db.session().scalars(query))
        if not found:
            return
        numbers: dict[tuple[object, str], str] = {
            (row.patient_id, row.system): row.value
            for row in db.session().scalars(
                select(PatientIdentifier).where(PatientIdentifier.patient_id.in_([one.id for one in found]))
            )
        }
        for patient in found:
            yield line(
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
        last = found[-1].id
