"""A patient's data: handed over when it is asked for, gone when it is erased, nothing left when the plugin goes."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table, inspect

from core import audit, db, tenancy
from core.authoring.inspection import HELEN, Inspection, Sample
from core.authoring.migrations import tables_of
from core.authoring.rules import NothingToDo, NotMeasured
from core.authoring.tenancy import models_of
from core.db import migrate
from core.patient_data import Erased, ExportPart, PatientDataContext
from core.patients import Patient
from core.plugin_system import registry


def is_about_patients(place: Inspection) -> bool:
    """Does a table of the plugin name patients?"""
    tables = [cast(Table, model.__table__) for model in models_of(place.plugin.package)]
    return any("patient_id" in table.columns for table in tables)


def look(place: Inspection) -> list[str]:
    """Both hooks are there; the export holds something; after erasure no row speaks of the patient, or says why."""
    if not is_about_patients(place):
        raise NothingToDo("no table of it names patients")
    functions = vars(place.plugin.hooks) if place.plugin.hooks else {}
    missing = [
        f"the hook {name} is missing" for name in ("export_patient", "erase_patient") if name not in functions
    ]
    if missing:
        return missing
    if not place.has_sample:
        raise NotMeasured("there is no sample.py that makes one of everything")
    sample = place.make(place.house.riverside)
    wrong = []
    with place.house.at(sample.practice_id, write=False):
        parts = functions["export_patient"](_context(sample))
    if not parts or not all(isinstance(part, ExportPart) for part in parts):
        wrong.append("export_patient hands over nothing of a patient who has something")
    with place.house.at(sample.practice_id), audit.use_actor(HELEN):
        erased = functions["erase_patient"](_context(sample))
    if not erased or not all(isinstance(one, Erased) for one in erased):
        wrong.append("erase_patient does not say what went")
    elif not any(one.stays for one in erased):
        wrong += [f"after erasure {table} still speaks of the patient" for table in speaking(place, sample)]
    return wrong


def _context(sample: Sample) -> PatientDataContext:
    patient = db.session().get_one(Patient, (sample.practice_id, sample.patient_id))
    return PatientDataContext(tenancy.current(), patient)


def speaking(place: Inspection, sample: Sample) -> list[str]:
    """The plugin's tables in which a value still is, or holds, something of the sample's patient."""
    patient = place.house.patient(sample.practice_id, sample.patient_id)
    marks = {str(patient.id), patient.id.hex, patient.family_name, str(patient.email), str(patient.mobile)}
    found = []
    for model in models_of(place.plugin.package):
        names = [column.key for column in inspect(model).column_attrs]
        with place.house.at(sample.practice_id, write=False) as session:
            values = [str(getattr(row, name)) for row in session.query(model).all() for name in names]
        if any(mark in value for value in values for mark in marks):
            found.append(str(model.__tablename__))
    return found


def uninstall(place: Inspection) -> list[str]:
    """Taken back as a whole, the plugin leaves no table, and no row of the core that a foreign key holds."""
    wrong = []
    for model in models_of(place.plugin.package):
        for key in cast(Table, model.__table__).foreign_key_constraints:
            if key.referred_table.name.startswith("core_") and key.ondelete not in ("CASCADE", "SET NULL"):
                wrong.append(
                    f"the foreign key of {model.__tablename__} to {key.referred_table.name} "
                    'would hold a row of the core: say ondelete="CASCADE"'
                )
    branches = registry.branches()
    if place.name not in branches:
        if not wrong and not models_of(place.plugin.package):
            raise NothingToDo("no tables")
        return wrong
    if place.has_sample:
        place.make(place.house.riverside)
    db.dispose()
    db.configure(place.house.settings)
    migrate.downgrade(branches, f"{place.name}@base")
    wrong += [f"the table {name} is left" for name in sorted(tables_of(place.name))]
    migrate.upgrade(branches)
    return wrong
