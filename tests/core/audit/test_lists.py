"""Whoever sees a list of patients leaves an entry that names those on it."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from flask import Flask
from sqlalchemy import event, select

from core import audit, db
from core.audit import AuditEntry, Filter, UnfitDetail
from core.authoring.surfaces import requests, url_of
from core.notifications import Notification
from core.patients import Patient
from core.tenancy import Practice
from tests.support.house import House, Visitor
from tests.support.photos import a_request_with_photos

pytestmark = pytest.mark.both_databases


def entries(house: House, action: str | None = None) -> list[AuditEntry]:
    with house.at(house.riverside, write=False) as session:
        found = session.scalars(select(AuditEntry).order_by(AuditEntry.seq)).all()
        session.expunge_all()
    return [entry for entry in found if action in (None, entry.action)]


def names(house: House) -> dict[UUID, str]:
    with house.at(house.riverside, write=False) as session:
        return {one.id: one.display_name for one in session.scalars(select(Patient))}


def shown_on(page: str, everybody: dict[UUID, str]) -> set[UUID]:
    """Whom a page names, whichever way round, leaving out the bell: its items know no patient, only a title."""
    body = "".join(part.partition("</details>")[2] or part for part in page.split('class="bell'))
    found = set()
    for id, name in everybody.items():
        given, _space, family = name.partition(" ")
        if name in body or f"{family}, {given}" in body:
            found.add(id)
    return found


@pytest.mark.parametrize("person", ["amira", "helen"])
def test_every_page_that_shows_a_name_leaves_an_entry_that_names_the_patient(
    person: str, app: Flask, house: House, visitor: Callable[[], Visitor]
) -> None:
    ids: dict[str, Any] = a_request_with_photos(house, house.riverside)
    with house.at(house.riverside) as session:
        for row in session.scalars(select(Notification)):
            row.state, row.last_error = "failed", "unreachable"
    somebody = visitor()
    somebody.sign_in(person)
    everybody, showed = names(house), set()
    for rule, method in requests(app, "staff"):
        if method != "GET" or rule.endpoint.startswith("bell."):
            continue
        before = len(entries(house))
        answer = somebody.get(url_of(rule, "riverside", ids))
        if answer.status_code != 200 or not answer.mimetype.startswith("text/"):
            continue
        fresh = entries(house)[before:]
        named = {entry.patient_id for entry in fresh} | {id for entry in fresh for id in entry.shown}
        shown = shown_on(answer.get_data(as_text=True), everybody)
        if shown:
            showed.add(rule.endpoint)
        assert shown <= named, f"{rule.endpoint} shows {[everybody[id] for id in shown - named]}"
    wanted = {"patients.index", "today.index", "photo_request.index"}
    assert showed >= (wanted if person == "amira" else {"messages.index"}), showed
    assert audit.verify(house.riverside).intact


def test_a_page_of_many_lists_leaves_one_entry(house: House, amira: Visitor) -> None:
    a_request_with_photos(house, house.riverside)
    before = len(entries(house))
    amira.get("/p/riverside/")
    (entry,) = entries(house)[before:]
    assert (entry.action, entry.patient_id, entry.detail["part"]) == ("patients.listed", None, "today.index")  # type: ignore[index]
    amira.get("/p/riverside/patients")
    assert set(entries(house)[-1].shown) == set(names(house))


def test_a_longer_list_takes_more_entries_and_names_everybody(house: House) -> None:
    many = {db.uuid7() for _ in range(audit.MOST_SHOWN * 2 + 1)}
    with house.at(house.riverside):
        audit.lists(many)
        portions = audit.unlisted()
        for portion in portions:
            audit.record("patients.listed", shown=portion)
        audit.clear_context()
    assert [len(portion) for portion in portions] == [audit.MOST_SHOWN, audit.MOST_SHOWN, 1]
    assert {id for entry in entries(house, "patients.listed") for id in entry.shown} == many


def test_an_entry_about_a_list_is_about_nothing_else(house: House) -> None:
    with house.at(house.riverside):
        with pytest.raises(UnfitDetail):
            audit.record("x.y", shown=[db.uuid7()], subject=("core_link", db.uuid7()))
        with pytest.raises(UnfitDetail):
            audit.record("x.y", shown=[db.uuid7() for _ in range(audit.MOST_SHOWN + 1)])


def test_by_patient_finds_the_lists_that_the_patient_was_on(house: House, amira: Visitor) -> None:
    whitfield = house.patient_id(house.riverside, "Whitfield")
    amira.post("/p/riverside/patients", {"q": "Whitfield"})
    amira.get("/p/riverside/patients")
    amira.get(f"/p/riverside/patients/{whitfield}")
    with house.at(house.riverside, write=False):
        found = [entry.action for entry in audit.history(patient_id=whitfield)]
        assert audit.history(patient_id=db.uuid7()) == []
    assert found[:3] == ["patient.viewed", "patients.listed", "patient.searched"]


def test_lists_are_found_by_their_own_index(house: House) -> None:
    sent: list[tuple[str, Any]] = []

    def hear(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    with house.at(house.riverside, write=False):
        event.listen(db.engine(), "before_cursor_execute", hear)
        audit.history(chosen=Filter(patient_id=db.uuid7()))
        event.remove(db.engine(), "before_cursor_execute", hear)
    statement, parameters = next(one for one in sent if "core_audit_entry" in one[0])
    if db.engine().dialect.name != "sqlite":
        return  # PostgreSQL reads a table of a few rows without any index
    raw = sqlite3.connect(db.engine().url.database or "")
    plan = " ".join(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))
    raw.close()
    assert "ix_core_audit_entry_several" in plan
    assert "ix_core_audit_entry_patient" in plan


def test_the_export_names_each_of_them(house: House, amira: Visitor) -> None:
    amira.get("/p/riverside/patients")
    entry = entries(house, "patients.listed")[-1]
    with house.at(house.riverside, write=False) as session:
        practice = session.get_one(Practice, house.riverside)
        lines = [*audit.lines([entry], "fhir", practice), *audit.lines([entry], "csv", practice)]
    made = AuditEvent.model_validate_json(lines[0])
    people = [one.what.reference for one in made.entity or () if one.what]
    assert people == [f"Patient/{id}" for id in entry.shown]
    assert made.type.code == "110110"
    (row,) = csv.DictReader(io.StringIO("".join(lines[1:])))
    assert row["action_in_words"] == "List of patients seen"
    assert all(str(id) in row["detail"] for id in entry.shown)


def test_the_page_says_how_many_and_whom_one_asked_for(
    house: House, amira: Visitor, visitor: Callable[[], Visitor]
) -> None:
    amira.get("/p/riverside/patients")
    helen = visitor()
    helen.sign_in("helen")
    everybody = names(house)
    whitfield = house.patient_id(house.riverside, "Whitfield")
    page = helen.get("/p/riverside/admin/audit?action=patients.listed").get_data(as_text=True)
    assert f"{len(everybody)} patients" in page
    assert "List of patients seen" in page
    one = helen.get(f"/p/riverside/admin/audit?patient={whitfield}").get_data(as_text=True)
    assert f"and {len(everybody) - 1} other patients" in one
    assert everybody[whitfield] in one
