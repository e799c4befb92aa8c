"""Whom a clinical system means: found without doubt, or a choice, never a guess."""

from __future__ import annotations

from typing import Any

import pytest

from core import patients
from core.patients import launching
from core.patients.launching import Launched
from tests.support.house import House

pytestmark = pytest.mark.both_databases

MARGARET = {"nhs_number": "999 000 0018", "birth_date": "14/03/1951"}


def find(house: House, **typed: str) -> Launched:
    with house.at(house.riverside, write=False):
        return launching.find(typed)


def name(launched: Launched) -> str | None:
    return launched.patient.display_name if launched.patient else None


@pytest.mark.parametrize(
    "typed",
    [
        {"nhs_number": "9990000018"},
        {"nhs_number": "999-000-0018"},
        MARGARET,
        {**MARGARET, "family_name": "Whitfield"},
        {**MARGARET, "family_name": "Marriedname"},  # people change their names
        {"nhs_number": "9990000018", "family_name": "WHITFIELD"},
        {"nhs_number": "9990000018", "name": "Whitfield, Margaret Ann"},
        {"birth_date": "1951-03-14", "family_name": "Whitfield", "given_names": "Margaret"},
        {"birth_date": "14.3.1951", "name": "WHITFIELD, Margaret"},
        {"birth_date": "14.3.1951", "name": "Margaret Whitfield"},
    ],
)
def test_what_leaves_no_doubt_opens_the_patient(house: House, typed: dict[str, str]) -> None:
    assert name(find(house, **typed)) == "Margaret Whitfield"


def test_accents_and_case_of_a_name_do_not_matter(house: House) -> None:
    assert name(find(house, birth_date="21/06/1994", name="GARNIER ELODIE")) == "Élodie Garnier"


@pytest.mark.parametrize(
    ("typed", "doubt", "candidates"),
    [
        ({"nhs_number": "9434765919"}, "nobody", 0),
        ({"nhs_number": "9990000018", "birth_date": "15/03/1951"}, "contradiction", 1),
        ({"nhs_number": "9990000018", "family_name": "Okafor"}, "contradiction", 1),
        ({"nhs_number": "9990000018", "name": "Mary Whitfield"}, "contradiction", 1),
        ({"nhs_number": "9990000018", "family_name": "Whitfield", "given_names": "Mary"}, "contradiction", 1),
        ({"nhs_number": "9990000018", "name": "Margaret Okafor"}, "contradiction", 1),
        ({"nhs_number": "9434765919", "birth_date": "14/03/1951", "name": "Margaret Whitfield"}, "contradiction", 1),
        ({"nhs_number": "9990000019"}, "unreadable", 0),
        ({"nhs_number": "9990000019", "birth_date": "14/03/1951", "name": "Margaret Whitfield"}, "unreadable", 1),
        ({"birth_date": "32/03/1951", "name": "Margaret Whitfield"}, "unreadable", 0),
        ({"birth_date": "14/03/1951", "family_name": "Whitfield"}, "several", 1),
        ({"birth_date": "14/03/1951", "name": "Peggy Whitfield"}, "several", 1),
        ({"birth_date": "14/03/1951", "name": "Samuel Okafor"}, "nobody", 0),
        ({"birth_date": "14/03/1951"}, "too_little", 0),
        ({"name": "Margaret Whitfield"}, "too_little", 0),
        ({}, "too_little", 0),
    ],
)  # fmt: skip
def test_any_doubt_is_a_choice(house: House, typed: dict[str, str], doubt: str, candidates: int) -> None:
    found = find(house, **typed)
    assert (found.patient, found.doubt, len(found.candidates)) == (None, doubt, candidates)
    with house.at(house.riverside, write=False):
        assert launching.explanation(found)


def test_two_of_one_name_and_birthday_are_a_choice(house: House) -> None:
    twin: dict[str, Any] = {"given_names": "Margaret", "family_name": "Whitfield", "birth_date": "14/03/1951"}
    with house.at(house.riverside):
        patients.create(**twin)
    found = find(house, birth_date="14/03/1951", name="Margaret Whitfield")
    assert (found.doubt, len(found.candidates)) == ("several", 2)


@pytest.mark.parametrize("told", ["Ben Ley", "LEY, Ben", "Ben Thomas Ley"])
def test_a_twins_name_with_the_others_number_is_a_choice(house: House, told: str) -> None:
    with house.at(house.riverside):
        ada = patients.create(given_names="Ada", family_name="Ley", birth_date="1/2/1990", local_id="EMIS-7")
        ben = patients.create(given_names="Ben", family_name="Ley", birth_date="1/2/1990")
    found = find(house, local_id="EMIS-7", birth_date="01/02/1990", name=told)
    assert (found.patient, found.doubt) == (None, "contradiction")
    assert set(launching.patient_ids(found)) == {ada.id, ben.id}
    assert name(find(house, local_id="EMIS-7", birth_date="01/02/1990", name="Ada Ley")) == "Ada Ley"
    assert name(find(house, local_id="EMIS-7", birth_date="01/02/1990", name="Ada Newman")) == "Ada Ley"


def test_numbers_of_two_patients_are_a_choice(house: House) -> None:
    with house.at(house.riverside):
        other = patients.create(
            given_names="Ada", family_name="Ley", birth_date="1/1/1990", local_id="EMIS-7"
        )
    found = find(house, nhs_number="9990000018", local_id="EMIS-7")
    assert (found.doubt, len(found.candidates)) == ("several", 2)
    assert other.id in launching.patient_ids(found)


def test_another_practices_patient_is_nobody_here(house: House) -> None:
    found = find(house, birth_date="08/07/1948", name="Jeanne Moreau-Petit")
    assert (found.doubt, found.candidates) == ("nobody", ())


def test_the_values_fill_a_form(house: House) -> None:
    found = find(house, birth_date="1990-02-01", name="LEY, Ada Mary", nhs_number="943 476 5919")
    assert found.values == {
        "birth_date": "01/02/1990",
        "family_name": "LEY",
        "given_names": "Ada Mary",
        "nhs_number": "943 476 5919",
    }
