"""The list of patients: sorted, and several of them at once."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from flask_appbuilder.security.sqla.models import Role, User
from sqlalchemy import select

from core import patients, spreadsheets
from core.audit import AuditEntry
from core.patients.search import ORDERS
from core.security import emergency, roles
from tests.support.house import House, Visitor

LIST = "/p/riverside/patients"
SEVERAL = "/p/riverside/patients/several"


def names(answer: Any) -> list[str]:
    assert answer.status_code == 200
    return [
        unescape(one).strip()
        for one in re.findall(r'class="patient-row-name">([^<]+)', answer.get_data(as_text=True))
    ]


@pytest.mark.parametrize(
    ("order", "first", "last"),
    [
        ("name", "Garnier, Élodie", "Whitfield, Margaret"),
        ("born", "O'Sullivan, George", "Novak, Daniel"),
        ("added", "Novak, Daniel", "Whitfield, Margaret"),
        ("nonsense", "Garnier, Élodie", "Whitfield, Margaret"),
    ],
)
def test_the_list_is_sorted_as_asked(amira: Visitor, order: str, first: str, last: str) -> None:
    found = names(amira.post(LIST, {"order": order}))
    assert (found[0], found[-1]) == (first, last)


@pytest.mark.both_databases
def test_every_order_holds_over_the_pages(house: House) -> None:
    with house.at(house.riverside, write=False):
        for order in ORDERS:
            whole = [one.id for one in patients.search("", 50, order=order)]
            assert [
                one.id for at in range(0, 7, 2) for one in patients.search("", 2, at, order=order)
            ] == whole


def test_several_are_taken_off_the_list_and_put_back(amira: Visitor, house: House) -> None:
    chosen = [str(house.patient_id(house.riverside, name)) for name in ("Okafor", "Raman")]
    answer = amira.post(SEVERAL, {"patient": chosen, "action": "leave"})
    page = amira.get(answer.headers["Location"])
    assert "2 patients are off the list" in page.get_data(as_text=True)
    assert not {"Okafor, Samuel", "Raman, Priya"} & set(names(page))
    amira.post(SEVERAL, {"patient": chosen, "action": "back"})
    assert {"Okafor, Samuel", "Raman, Priya"} <= set(names(amira.get(LIST)))
    with house.at(house.riverside, write=False) as session:
        trail = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("patient.")))
        assert sorted(one for one in trail if "activated" in one) == [
            "patient.deactivated", "patient.deactivated", "patient.reactivated", "patient.reactivated",
        ]  # fmt: skip


def test_nobody_ticked_and_wrong_ids_change_nothing(amira: Visitor, house: House) -> None:
    moreau = str(house.patient_id(house.lumiere, "Moreau-Petit"))
    for ids in ([], [str(uuid4())], [moreau]):
        answer = amira.post(SEVERAL, {"patient": ids, "action": "leave"})
        assert "Tick at least one patient" in amira.get(answer.headers["Location"]).get_data(as_text=True)
    assert amira.post(SEVERAL, {"patient": ["x"], "action": "leave"}).status_code == 400
    okafor = str(house.patient_id(house.riverside, "Okafor"))
    assert amira.post(SEVERAL, {"patient": [okafor], "action": "burn"}).status_code == 400
    with house.at(house.lumiere, write=False):
        assert patients.get(house.patient_id(house.lumiere, "Moreau-Petit")).active


def test_a_table_of_those_ticked_holds_no_formula_and_names_them_on_the_trail(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    with house.at(house.riverside):
        odd = patients.create(given_names="=cmd", family_name="Zz", birth_date="1/2/1990").id
    helen = visitor()
    helen.sign_in("helen")
    okafor = house.patient_id(house.riverside, "Okafor")
    answer = helen.post(SEVERAL, {"patient": [str(odd), str(okafor)], "action": "csv"})
    assert answer.status_code == 200
    assert 'filename="patients.csv"' in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    assert [(row["Family name"], row["First names"], row["Date of birth"]) for row in rows] == [
        ("Okafor", "Samuel", "1987-11-02"),
        ("Zz", "'=cmd", "1990-02-01"),
    ]
    with house.at(house.riverside, write=False) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "patients.exported")).one()
        assert set(entry.shown) == {odd, okafor}


@pytest.mark.parametrize("name", ["=cmd", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\tx"])
def test_no_cell_begins_a_formula(name: str) -> None:
    assert spreadsheets.harmless(name) == f"'{name}"
    assert spreadsheets.harmless("+447700900123") == "+447700900123"


def test_a_plus_begins_no_formula_in_the_table(house: House, visitor: Callable[[], Visitor]) -> None:
    with house.at(house.riverside):
        odd = patients.create(given_names="+1+cmd", family_name="Zz", birth_date="1/2/1990").id
    helen = visitor()
    helen.sign_in("helen")
    (row,) = table_of(helen.post(SEVERAL, {"patient": [str(odd)], "action": "csv"}))
    assert row["First names"] == "'+1+cmd"


def table_of(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def test_restricted_records_are_left_out_of_the_table_and_counted(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    okafor, raman = (house.patient_id(house.riverside, name) for name in ("Okafor", "Raman"))
    with house.at(house.riverside):
        emergency.set_restricted(okafor, True)
    helen = visitor()
    helen.sign_in("helen")
    both = {"patient": [str(okafor), str(raman)], "action": "csv"}
    answer = helen.post(SEVERAL, both)
    assert [row["Family name"] for row in table_of(answer)] == ["Raman"]
    assert 'filename="patients-without-1-restricted.csv"' in answer.headers["Content-Disposition"]
    assert "1 restricted record is not in the table" in helen.get(LIST).get_data(as_text=True)
    with house.at(house.riverside, write=False) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "patients.exported")).one()
        assert (list(entry.shown), (entry.detail or {})["left_out"]) == ([raman], 1)
    alone = helen.post(SEVERAL, {"patient": [str(okafor)], "action": "csv"})
    assert "1 restricted record is not in the table" in helen.get(alone.headers["Location"]).get_data(
        as_text=True
    )
    with house.at(house.riverside) as session:
        user = session.scalars(select(User).where(User.username == "helen")).one()
        emergency.open_record(okafor, user, "restricted", "She has called and needs an answer.")
    assert [row["Family name"] for row in table_of(helen.post(SEVERAL, both))] == ["Okafor", "Raman"]


def test_who_may_open_restricted_records_gets_them_in_the_table(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    okafor = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside) as session:
        emergency.set_restricted(okafor, True)
        role = session.scalars(select(Role).where(Role.name == "practice_admin")).unique().one()
        role.permissions += roles._rows(frozenset({emergency.VIEW_RESTRICTED}))
    helen = visitor()
    helen.sign_in("helen")
    answer = helen.post(SEVERAL, {"patient": [str(okafor)], "action": "csv"})
    assert [row["Family name"] for row in table_of(answer)] == ["Okafor"]
    assert 'filename="patients.csv"' in answer.headers["Content-Disposition"]


def test_who_may_not_hand_data_out_gets_no_table(house: House, visitor: Callable[[], Visitor]) -> None:
    grace = visitor()
    grace.sign_in("grace")
    okafor = str(house.patient_id(house.riverside, "Okafor"))
    assert grace.post(SEVERAL, {"patient": [okafor], "action": "csv"}).status_code == 403
    assert 'value="csv"' not in grace.get(LIST).get_data(as_text=True)
