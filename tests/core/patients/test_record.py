"""The record: what is kept, what is refused, what the audit trail says of it."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import audit, patients
from core.patients import EditConflict, IdentifierTaken, InvalidDetails
from tests.support.house import House

pytestmark = pytest.mark.both_databases

ZOE: dict[str, Any] = {"given_names": "Zoë", "family_name": "Martin", "birth_date": "12/03/1980"}


def trail(house: House, patient_id: UUID) -> list[tuple[str, Any]]:
    with house.at(house.riverside, write=False) as session:
        entries = (
            select(audit.AuditEntry)
            .where(audit.AuditEntry.patient_id == patient_id)
            .order_by(audit.AuditEntry.seq)
        )
        return [(entry.action, entry.detail) for entry in session.scalars(entries)]


def test_details_are_kept_clean(house: House) -> None:
    with house.at(house.riverside):
        made = patients.create(
            **ZOE,
            sex="F",
            email=" Zoe@EXAMPLE.com ",
            mobile="07700 900123",
            language="French",
            nhs_number="401-023-2137",
        )
    with house.at(house.riverside, write=False):
        kept = patients.get(made.id)
        assert (kept.birth_date, kept.sex, kept.email) == (date(1980, 3, 12), "female", "Zoe@example.com")
        assert (kept.mobile, kept.language, kept.nhs_number) == ("+447700900123", "fr", "401 023 2137")


def test_every_fault_is_named_at_once_and_nothing_is_kept(house: House) -> None:
    with house.at(house.riverside):
        before = patients.count()
        with pytest.raises(InvalidDetails) as refused:
            patients.create(
                given_names=" ", family_name="7", birth_date="31/02/1980", sex="q", email="x@", mobile="12", phone="x",
                language="tlh", nhs_number="123", ins="1", local_id="-" * 65,
            )  # fmt: skip
        assert set(refused.value.problems) == {
            "given_names", "family_name", "birth_date", "sex", "email", "mobile", "phone", "language",
            "nhs_number",
            "ins", "local_id",
        }  # fmt: skip
        assert patients.count() == before


def test_a_number_belongs_to_one_patient_of_a_practice(house: House) -> None:
    with house.at(house.riverside):
        holder = patients.create(**ZOE, nhs_number="4010232137")
        with pytest.raises(IdentifierTaken) as refused:
            patients.create(
                given_names="Ann", family_name="Lee", birth_date="1/1/1990", nhs_number="4010232137"
            )
        assert (refused.value.field, refused.value.patient_id) == ("nhs_number", holder.id)
        # Whoever holds it may save it again.
        assert patients.update(holder.id, nhs_number="401 023 2137").version == 1
    with house.at(house.lumiere):
        assert patients.create(**ZOE, nhs_number="4010232137").version == 1


def test_the_trail_names_fields_and_never_values(house: House) -> None:
    with house.at(house.riverside):
        made = patients.create(**ZOE, mobile="07700 900123")
    with house.at(house.riverside):
        patients.update(made.id, mobile="07700 900124", email="zoe@example.com", family_name="Martin")
    with house.at(house.riverside):
        patients.update(made.id, email="zoe@example.com")
    with house.at(house.riverside, write=False):
        patients.open_record(made.id)
    with house.at(house.riverside):
        patients.deactivate(made.id)
        patients.deactivate(made.id)
        patients.reactivate(made.id)
    assert trail(house, made.id) == [
        ("patient.created", None),
        ("patient.changed", {"fields": ["email", "mobile"]}),
        ("patient.viewed", None),
        ("patient.deactivated", None),
        ("patient.reactivated", None),
    ]


def test_who_saves_an_old_version_is_told_and_changes_nothing(house: House) -> None:
    with house.at(house.riverside):
        made = patients.create(**ZOE)
    with house.at(house.riverside):
        patients.update(made.id, expected_version=1, email="first@example.com")
    with house.at(house.riverside), pytest.raises(EditConflict):
        patients.update(made.id, expected_version=1, email="second@example.com")
    with house.at(house.riverside, write=False):
        assert patients.get(made.id).email == "first@example.com"


def test_the_same_person_twice_is_noticed_whatever_the_accents(house: House) -> None:
    with house.at(house.riverside):
        made = patients.create(**ZOE)
        assert [one.id for one in patients.same_person("zoe", "MARTIN", date(1980, 3, 12))] == [made.id]
        assert patients.same_person("zoe", "MARTIN", date(1980, 3, 13)) == []
