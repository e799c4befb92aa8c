"""A patient's timeline tells everything that happened with them, or somebody has said why not."""

from __future__ import annotations

import ast
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import audit, patients
from core.audit import Actor
from core.patients import Patient, contact_states, imports
from core.security import emergency
from core.web import timeline
from tests.support.house import House, Visitor
from tests.support.pages import text

ROOT = Path(timeline.__file__).parents[1]
PATIENTS = "/p/riverside/patients"


def noted_about_patients() -> Iterator[str]:
    """The codes that the core notes with a patient, as far as they stand where they are noted."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or ast.unparse(node.func) != "audit.record":
                continue
            if any(keyword.arg == "patient_id" for keyword in node.keywords):
                yield from words(node.args[0])


def words(argument: Any) -> Iterator[str]:
    for node in ast.walk(argument):
        if isinstance(node, ast.Constant) and "." in str(node.value):
            yield str(node.value)


def test_all_that_is_noted_about_patients_is_told_or_somebody_said_why_not() -> None:
    families = {code.partition(".")[0] for code in noted_about_patients()}
    assert families >= {"patient", "link", "emergency", "notification"}
    described = {code for code in audit.described() if code.partition(".")[0] in families}
    assert described - timeline.TOLD.keys() - timeline.NOT_TOLD == set(), (
        "tell it, or say in NOT_TOLD why not"
    )
    assert timeline.NOT_TOLD & timeline.TOLD.keys() == set()
    assert timeline.TOLD.keys() | timeline.NOT_TOLD <= described, "nothing notes these any more"


@pytest.fixture
def margaret(house: House) -> UUID:
    return house.patient_id(house.riverside, "Whitfield")


def test_it_tells_who_restricted_a_record_and_who_opened_it_all_the_same(
    amira: Visitor, house: House, margaret: UUID
) -> None:
    with house.at(house.riverside), audit.use_actor(Actor("staff", "7", "Tom Reed")):
        emergency.set_restricted(margaret, True)
        emergency.set_restricted(margaret, False)
        audit.record("emergency.opened", patient_id=margaret, detail={"why": "restricted"})
        audit.record("patient.exported", patient_id=margaret)
    page = text(amira.get(f"{PATIENTS}/{margaret}/timeline"))
    for said in (
        "Record restricted",
        "Restriction of a record lifted",
        "Record opened in an emergency",
        "Export of all data made",
    ):
        assert f"{said} By Tom Reed" in page


def test_it_tells_that_a_record_came_with_an_import_and_what_the_patient_did(
    amira: Visitor, house: House
) -> None:
    row = b"given_names,family_name,birth_date,mobile\nAda,Ley,01/02/1990,07700 900123\n"
    with house.at(house.riverside), audit.use_actor(Actor("staff", "7", "Tom Reed")):
        assert imports.import_csv(io.BytesIO(row)).created == 1
    with house.at(house.riverside) as session, audit.use_actor(Actor("patient", "x", "patient")):
        ada = session.scalars(select(Patient.id).where(Patient.family_name == "Ley")).one()
        contact_states.verify(patients.get(ada), "sms", "link")
    page = text(amira.get(f"{PATIENTS}/{ada}/timeline"))
    assert page.count("Record created") == 1
    assert "Record created Import of a list · By Tom Reed" in page
    assert "Contact data confirmed Texts · By the patient" in page
