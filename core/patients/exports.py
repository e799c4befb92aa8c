"""The list of a practice's patients as a table in the reader's language, which an import reads again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from core import db, i18n, tenancy
from core.i18n import _
from core.patients import details, import_columns
from core.patients.models import Patient
from core.spreadsheets import line, separator

_BATCH: Final = 500


def everybody() -> tuple[list[UUID], set[UUID]]:
    """All patients of the current practice, in the table's order; and those of them whose records are restricted."""
    rows = db.session().execute(select(Patient.id, Patient.restricted).order_by(Patient.id)).all()
    return [row.id for row in rows], {row.id for row in rows if row.restricted}


def header() -> list[str]:
    """What the columns are called: the details as an import names them, and whether somebody is still a patient."""
    return [*(import_columns.title(field) for field in details.FIELDS), _("On the list")]


def lines(
    practice_id: UUID, patient_ids: Sequence[UUID], opened: Collection[UUID] | None = None
) -> Iterator[str]:
    """The table's lines of these patients, header first, for whoever reads when this is called. Take them in no scope:
    they are read in portions, each in its own, and none is open while a line is on its way.

    opened: the restricted records that may be in it; None: all. One that was restricted meanwhile is not in it.
    """
    return _lines(practice_id, patient_ids, opened, i18n.locale_tag())


def cells(patient: Patient) -> list[object]:
    """A patient's cells, as :func:`header` names them. The identifiers must have been loaded with the patient."""
    written: dict[str, object] = {
        **{name: getattr(patient, name) for name in details.COLUMNS},
        **{name: patient.identifier(system) for name, system in details.IDENTIFIERS.items()},
        "sex": details.SEXES.get(patient.sex),
    }
    return [*(written[field] for field in details.FIELDS), patient.active]


def _lines(
    practice_id: UUID, patient_ids: Sequence[UUID], opened: Collection[UUID] | None, language: str
) -> Iterator[str]:
    with i18n.use_language(language):
        between, titles = separator(), header()
    yield line(titles, between)
    for at in range(0, len(patient_ids), _BATCH):
        with tenancy.practice_scope(practice_id, write=False), i18n.use_language(language):
            found = _portion(patient_ids[at : at + _BATCH])
            portion = [
                line(cells(patient), between)
                for patient in found
                if not patient.restricted or opened is None or patient.id in opened
            ]
        yield from portion


def _portion(patient_ids: Sequence[UUID]) -> Sequence[Patient]:
    wanted = select(Patient).where(Patient.id.in_(patient_ids)).order_by(Patient.id)
    return db.session().scalars(wanted.options(selectinload(Patient.identifiers))).all()
