"""Patients: who they are, how they are found, and what happened with them.

patient = patients.create(given_names="Zoë", family_name="O'Brien", birth_date="12/03/1980", mobile="07700 900123")
patients.search("obrien zo 1980")
patients.open_record(patient.id)     a person reads the record: audited
patients.get(patient.id)             code needs the patient: not audited
"""

from core.patients import alerts, birth_dates, contact_states, ins, names, nhs_number, phones
from core.patients.errors import (
    EditConflict,
    IdentifierTaken,
    InvalidBirthDate,
    InvalidDetails,
    InvalidEmail,
    InvalidIns,
    InvalidName,
    InvalidNhsNumber,
    InvalidPhone,
    InvalidValue,
    PatientError,
    PatientNotFound,
)
from core.patients.imports import ImportReport, import_csv
from core.patients.models import INS, LOCAL, NHS_NUMBER, SEXES, Patient, PatientIdentifier
from core.patients.search import count, finds, search
from core.patients.service import (
    by_identifier,
    create,
    deactivate,
    get,
    get_for_workspace,
    get_many,
    note_viewed,
    open_record,
    reactivate,
    same_person,
    update,
)
from core.patients.timeline import TimelineEntry, collect

__all__ = [
    "INS",
    "LOCAL",
    "NHS_NUMBER",
    "SEXES",
    "EditConflict",
    "IdentifierTaken",
    "ImportReport",
    "InvalidBirthDate",
    "InvalidDetails",
    "InvalidEmail",
    "InvalidIns",
    "InvalidName",
    "InvalidNhsNumber",
    "InvalidPhone",
    "InvalidValue",
    "Patient",
    "PatientError",
    "PatientIdentifier",
    "PatientNotFound",
    "TimelineEntry",
    "alerts",
    "birth_dates",
    "by_identifier",
    "collect",
    "contact_states",
    "count",
    "create",
    "deactivate",
    "finds",
    "get",
    "get_for_workspace",
    "get_many",
    "import_csv",
    "ins",
    "names",
    "nhs_number",
    "note_viewed",
    "open_record",
    "phones",
    "reactivate",
    "same_person",
    "search",
    "update",
]
