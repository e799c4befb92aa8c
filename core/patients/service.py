"""The record of a patient: create, find, open, change, deactivate. Each is on the audit trail, with no value in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload, selectinload

from core import audit, db, tenancy
from core.i18n import _
from core.patients import details, names
from core.patients.errors import EditConflict, IdentifierTaken, InvalidDetails, PatientNotFound
from core.patients.models import Patient, PatientIdentifier, PatientSearchWord
from core.realtime.events import publish, topic

TOPIC = "core.patient"
"""``core.patient:<id>``: the details of this patient changed."""


def create(
    *,
    given_names: str,
    family_name: str,
    birth_date: date | str,
    sex: str = "unknown",
    email: str | None = None,
    mobile: str | None = None,
    phone: str | None = None,
    language: str | None = None,
    nhs_number: str | None = None,
    ins: str | None = None,
    local_id: str | None = None,
) -> Patient:
    """Add a patient to the current practice. Values may be as people type them.

    Raises InvalidDetails with every wrong field, IdentifierTaken when another patient has an identifier.
    """
    raw = {field: value for field, value in locals().items() if field in details.FIELDS}
    values = _cleaned(raw)
    _refuse_taken(values, of=None)
    patient = Patient(id=db.uuid7(), active=True)
    with _identifiers_guarded(values, patient.id):
        add(patient, values)
    audit.record("patient.created", patient_id=patient.id)
    return patient


def get(patient_id: UUID) -> Patient:
    """The patient with identifiers loaded, for code that works on somebody it already shows; leaves no audit entry.

    Raises PatientNotFound, also for a patient of another practice.
    """
    patient = db.session().scalar(
        select(Patient).where(Patient.id == patient_id).options(selectinload(Patient.identifiers))
    )
    if patient is None:
        raise PatientNotFound()
    return patient


def get_for_workspace(patient_id: UUID) -> Patient:
    """The same with alerts and contact states, for pages that show them beside the name. One query: all are few."""
    beside = (
        joinedload(Patient.identifiers),
        joinedload(Patient.alerts),
        joinedload(Patient.contact_states),
    )
    patient = (
        db.session()
        .scalars(
            select(Patient)
            .where(Patient.id == patient_id)
            .options(*beside)
            .execution_options(populate_existing=not db.is_write())
        )
        .unique()
        .one_or_none()
    )
    if patient is None:
        raise PatientNotFound()
    return patient


def get_many(patient_ids: Collection[UUID]) -> dict[UUID, Patient]:
    """Several at once by id, identifiers loaded, for lists of other things; ids of nobody are left out."""
    # On a patient's own page the patient is here already.
    held = (db.held(Patient, id) for id in patient_ids)
    found = {one.id: one for one in held if one is not None and "identifiers" in one.__dict__}
    missing = [id for id in patient_ids if id not in found]
    if missing:
        statement = select(Patient).where(Patient.id.in_(missing)).options(joinedload(Patient.identifiers))
        found |= {patient.id: patient for patient in db.session().scalars(statement).unique()}
    return found


def open_record(patient_id: UUID) -> Patient:
    """The patient, for a person who is about to read the record: audited. Raises PatientNotFound."""
    patient = get(patient_id)
    note_viewed(patient.id)
    return patient


def note_viewed(patient_id: UUID, part: str | None = None) -> None:
    """Put on the audit trail that the current person read the record, or a named part of it."""
    audit.record("patient.viewed", patient_id=patient_id, detail={"part": part} if part else None)


def update(patient_id: UUID, *, expected_version: int | None = None, **changes: object) -> Patient:
    """Change some details (the fields of create()); answers the patient, changed or not.

    `expected_version`: what the person saw when they began. Raises PatientNotFound, EditConflict, InvalidDetails,
    IdentifierTaken; then nothing is changed.
    """
    patient = _locked(patient_id)
    if expected_version is not None and patient.version != expected_version:
        raise EditConflict()
    values = _cleaned(changes, partial=True)
    _refuse_taken(values, of=patient.id)
    with _identifiers_guarded(values, patient.id):
        changed = change(patient, values, identifiers_of(patient))
    if changed:
        db.session().refresh(patient, ["identifiers"])
        audit.record("patient.changed", patient_id=patient.id, detail={"fields": sorted(changed)})
        publish(topic(TOPIC, patient.id), "changed")
    return patient


def deactivate(patient_id: UUID) -> Patient:
    """The patient has left: searches leave them out, the record stays. Raises PatientNotFound."""
    return _set_active(patient_id, False, "patient.deactivated")


def reactivate(patient_id: UUID) -> Patient:
    """The patient is back. Raises PatientNotFound."""
    return _set_active(patient_id, True, "patient.reactivated")


def same_person(given_names: str, family_name: str, birth_date: date) -> list[Patient]:
    """Patients with this name (accents and case aside) and this date of birth: probably the same person twice."""
    statement = select(Patient).where(
        Patient.birth_date == birth_date, Patient.search_name == names.search_name(family_name, given_names)
    )
    return list(db.session().scalars(statement.options(selectinload(Patient.identifiers)).limit(5)))


def by_identifier(system: str, value: str) -> Patient | None:
    """The patient who has this (bare) identifier in the current practice."""
    holder = select(PatientIdentifier.patient_id).where(
        PatientIdentifier.system == system, PatientIdentifier.value == value
    )
    return db.session().scalar(
        select(Patient).where(Patient.id.in_(holder)).options(selectinload(Patient.identifiers))
    )


# --- on clean values, shared with the import --------------------------------------------------------------------------


def add(patient: Patient, values: Mapping[str, Any]) -> None:
    """Put a new patient with its identifiers and search words into the session; `patient.id` must be set."""
    for field in details.COLUMNS:
        setattr(patient, field, values.get(field))
    patient.sex = patient.sex or "unknown"
    patient.search_name = names.search_name(patient.family_name, patient.given_names)
    identifiers = [
        PatientIdentifier(patient_id=patient.id, system=system, value=value)
        for field, system in details.IDENTIFIERS.items()
        if (value := values.get(field))
    ]
    words = [
        PatientSearchWord(patient_id=patient.id, word=word) for word in sorted(details.search_words(values))
    ]
    db.session().add_all([patient, *identifiers, *words])


def identifiers_of(patient: Patient) -> list[PatientIdentifier]:
    return list(
        db.session().scalars(select(PatientIdentifier).where(PatientIdentifier.patient_id == patient.id))
    )


def change(patient: Patient, values: Mapping[str, Any], identifiers: list[PatientIdentifier]) -> set[str]:
    """Write clean values onto a patient; answers the names of the fields that really changed."""
    changed = {f for f in details.COLUMNS if f in values and getattr(patient, f) != values[f]}
    for field in changed:
        setattr(patient, field, values[field])
    held = {one.system: one for one in identifiers}
    for field, system in details.IDENTIFIERS.items():
        if field not in values or values[field] == (held[system].value if system in held else None):
            continue
        changed.add(field)
        _set_identifier(patient, system, values[field], held)
    if changed:
        patient.version += 1
        patient.search_name = names.search_name(patient.family_name, patient.given_names)
        _index_words(patient, held)
    return changed


def _set_identifier(
    patient: Patient, system: str, value: str | None, held: dict[str, PatientIdentifier]
) -> None:
    session = db.session()
    if value is None:
        session.delete(held.pop(system))
    elif system in held:
        held[system].value = value
    else:
        held[system] = PatientIdentifier(patient_id=patient.id, system=system, value=value)
        session.add(held[system])


def _index_words(patient: Patient, held: Mapping[str, PatientIdentifier]) -> None:
    session = db.session()
    values: dict[str, Any] = {field: getattr(patient, field) for field in details.COLUMNS}
    values |= {f: held[system].value for f, system in details.IDENTIFIERS.items() if system in held}
    wanted = details.search_words(values)
    for row in session.scalars(select(PatientSearchWord).where(PatientSearchWord.patient_id == patient.id)):
        if row.word in wanted:
            wanted.discard(row.word)
        else:
            session.delete(row)
    session.add_all(PatientSearchWord(patient_id=patient.id, word=word) for word in sorted(wanted))


# --- inner --------------------------------------------------------------------------------------------------------


def _cleaned(raw: Mapping[str, object], *, partial: bool = False) -> dict[str, Any]:
    practice = tenancy.current()
    cleaned = details.clean(raw, country=practice.country, locale=practice.language, partial=partial)
    if cleaned.problems:
        raise InvalidDetails(cleaned.problems)
    return cleaned.values


def _locked(patient_id: UUID) -> Patient:
    patient = db.session().scalar(
        select(Patient)
        .where(Patient.id == patient_id)
        .options(selectinload(Patient.identifiers))
        .with_for_update(of=Patient)
        .execution_options(populate_existing=True)
    )
    if patient is None:
        raise PatientNotFound()
    return patient


def _set_active(patient_id: UUID, active: bool, action: str) -> Patient:
    patient = _locked(patient_id)
    if patient.active != active:
        patient.active = active
        patient.version += 1
        audit.record(action, patient_id=patient.id)
        publish(topic(TOPIC, patient.id), "changed")
    return patient


def taken_message(field: str) -> str:
    return {
        "nhs_number": _("Another patient here already has this NHS number. Check it, or open that patient."),
        "ins": _("Another patient here already has this INS number. Check it, or open that patient."),
        "local_id": _("Another patient here already has this record number. Check it, or open that patient."),
    }[field]


def _refuse_taken(values: Mapping[str, Any], *, of: UUID | None) -> None:
    for field, system in details.IDENTIFIERS.items():
        value = values.get(field)
        if value and (holder := by_identifier(system, value)) is not None and holder.id != of:
            raise IdentifierTaken(field, taken_message(field), holder.id)


@contextmanager
def _identifiers_guarded(values: Mapping[str, Any], patient_id: UUID) -> Iterator[None]:
    """Somebody else may save the same identifier between our look and our write: answered as if we had seen it."""
    try:
        with db.savepoint():
            yield
            db.session().flush()
    except IntegrityError:
        _refuse_taken(values, of=patient_id)
        raise
