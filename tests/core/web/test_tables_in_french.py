"""Tables to take away are in the language of who takes them, as their Excel opens them, and an import reads them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from core import db, patients, spreadsheets
from core.i18n import use_language
from core.notifications import Notification
from core.patients import exports, import_columns
from tests.support.house import House, Visitor

LUMIERE = "/p/lumiere"
SEVERAL = f"{LUMIERE}/patients/several"


def table_of(answer: Any, between: str = ";") -> list[dict[str, str]]:
    """The rows of a file as that Excel opens it whose separator this is."""
    assert answer.mimetype == "text/csv"
    content = answer.get_data()
    assert content.startswith(b"\xef\xbb\xbf"), "Excel takes it for something else than UTF-8"
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=between))


def test_the_list_of_patients_is_french_for_a_french_practice(house: House, nadia: Visitor) -> None:
    with house.at(house.lumiere) as session:
        session.get_one(
            patients.Patient, (house.lumiere, house.patient_id(house.lumiere, "Benali"))
        ).active = False
    answer = nadia.get(f"{LUMIERE}/admin/exports/patients.csv")
    rows = {row["Nom de famille"]: row for row in table_of(answer)}
    karim, jeanne = rows["Benali"], rows["Moreau-Petit"]
    assert (karim["Prénoms"], karim["Date de naissance"], karim["Sexe"]) == (
        "Karim",
        "1990-02-27",
        "Masculin",
    )
    assert (karim["Téléphone portable"], jeanne["Sexe"]) == ("+33639980002", "Féminin")
    assert {karim[list(karim)[-1]], jeanne[list(jeanne)[-1]]} == {"non", "oui"}


@pytest.mark.parametrize("several", [True, False])
def test_what_was_exported_is_imported_without_a_change(house: House, nadia: Visitor, several: bool) -> None:
    """In French, out of the practice and in again: everybody is here already, the same."""
    with house.at(house.lumiere, write=False):
        everybody, _restricted = exports.everybody()
    if several:
        answer = nadia.post(SEVERAL, {"patient": [str(one) for one in everybody], "action": "csv"})
    else:
        answer = nadia.get(f"{LUMIERE}/admin/exports/patients.csv")
    with house.at(house.lumiere):
        report = patients.import_csv(io.BytesIO(answer.get_data()))
    assert (report.unchanged, report.total) == (len(everybody), len(everybody)), report.bad_rows


@pytest.mark.parametrize("language", ["en-GB", "fr-FR", "en-XA", "ar-XB"])
def test_an_import_reads_what_was_exported_in_any_language(house: House, language: str) -> None:
    with house.at(house.riverside, write=False), use_language(language):
        everybody, _restricted = exports.everybody()
        lines = exports.lines(house.riverside, everybody)
    content = "".join(lines).encode()
    with house.at(house.riverside), use_language(language):
        report = patients.import_csv(io.BytesIO(content))
        layout = import_columns.find(content.decode())
    assert (report.unchanged, report.total) == (len(everybody), len(everybody)), report.bad_rows
    assert layout.fields.count(None) == 1


def test_states_and_answers_are_words(house: House, nadia: Visitor) -> None:
    with house.at(house.lumiere) as session:
        now = db.utcnow()
        session.add(
            Notification(
                channel="sms",
                template="photo_request.invitation",
                recipient="+33639980002",
                language="fr",
                body="Bonjour",
                state="dead",
                due_at=now,
                expires_at=now,
                patient_id=house.patient_id(house.lumiere, "Benali"),
            )
        )
    (message,) = table_of(nadia.get(f"{LUMIERE}/messages/export.csv"))
    assert {"Karim Benali", "SMS", "06 39 98 00 02"} < set(message.values())
    assert (message["État"], message["Patient"]) == ("Envoi impossible", "Karim Benali")
    staff = table_of(nadia.post(f"{LUMIERE}/admin/staff", {"q": "nadia", "action": "csv"}))
    assert [(one["Nom"], one["Second facteur"]) for one in staff] == [("Nadia Roussel", "non")]
    trail = table_of(nadia.get(f"{LUMIERE}/admin/audit/export.csv"))
    assert any("Liste du personnel exportée" in one.values() for one in trail)
    assert all(len(one["Quand"]) == len("2026-03-04 14:05:09") for one in trail)


@pytest.mark.parametrize("path", ["video_call", "photo_request"])
def test_lists_of_plugins_have_french_columns(
    house: House, nadia: Visitor, path: str, make_sample: Callable[[str], None]
) -> None:
    make_sample(path)
    rows = table_of(nadia.post(f"{LUMIERE}/{path}/", {"show": "all", "action": "csv"}))
    assert {"Nom de famille", "Prénoms", "Date de naissance", "État"} < set(rows[0])
    assert rows[0]["Nom de famille"] == "Benali"


@pytest.fixture
def make_sample(house: House) -> Callable[[str], None]:
    """Has a plugin make what it makes to try it with, for Karim Benali."""
    import importlib

    def make(plugin: str) -> None:
        sample = importlib.import_module(f"plugins.{plugin}.sample")
        sample.make(house.lumiere, house.patient_id(house.lumiere, "Benali"))

    return make


@pytest.mark.parametrize(
    ("language", "between"), [("en-GB", ","), ("fr-FR", ";"), ("en-FR", ";"), ("fr-CA", ";"), ("en-US", ",")]
)
def test_the_separator_is_that_of_the_readers_spreadsheet(language: str, between: str) -> None:
    with use_language(language):
        assert spreadsheets.separator() == between
        assert spreadsheets.line(["a", True, None], between).startswith(f"a{between}")
