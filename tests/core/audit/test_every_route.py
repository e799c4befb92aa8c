"""Whoever opens or changes anything of a patient's leaves an entry that names the patient: every route, walked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select

from core import audit, db, patients
from core.audit import AuditEntry
from core.authoring.surfaces import send, url_of
from core.links import Link
from core.notifications import Notification
from tests.core.web.test_gate import every_request
from tests.support.house import House, Visitor
from tests.support.photos import a_request_with_photos

OF_A_PATIENT = {"patient_id", "request_id", "photo_id", "notification_id"}
NEEDS_MORE = {
    # What each asks for beyond an id, so that its answer is a success and not a refusal.
    "patients.save": lambda made: made.form,
    "patients.set_active": lambda made: {"active": "1"},
    "photo_request.create": lambda made: {"channels": "sms", "id": str(uuid4())},
    "photo_request.again": lambda made: {"id": str(uuid4())},
    "photo_request.reject": lambda made: {"reason": "blurred"},
    "photo_request.comment": lambda made: {"comment": "healing"},
}
MUST_SUCCEED = {
    "patients.show", "patients.edit", "patients.save", "patients.set_active", "panels.patient_panel",
    "photo_request.new", "photo_request.create", "photo_request.preview", "photo_request.show",
    "photo_request.again", "photo_request.cancel", "photo_request.unlock", "photo_request.take",
    "photo_request.release", "photo_request.complete", "photo_request.keep_all", "photo_request.photo",
    "photo_request.picture", "photo_request.keep", "photo_request.comment",
    "messages.dismiss", "messages.retry",
}  # fmt: skip


class Made:
    """A patient with everything that routes can ask for."""

    def __init__(self, house: House) -> None:
        self.ids = a_request_with_photos(house, house.riverside)
        with house.at(house.riverside) as session:
            row = session.scalars(select(Notification).limit(1)).one()
            self.ids["notification_id"] = row.id
            patient = patients.get(self.ids["patient_id"])
            self.born = patient.birth_date
            self.form = {
                "given_names": patient.given_names,
                "family_name": patient.family_name,
                "birth_date": patient.birth_date.strftime("%d/%m/%Y"),
                "sex": patient.sex,
                "mobile": patient.mobile or "",
                "email": patient.email or "",
                "version": str(patient.version),
            }
            self.path = re.search(r"/l/[a-z2-7]{32}", row.body).group()  # type: ignore[union-attr]


def entries(house: House, patient_id: UUID) -> int:
    with house.at(house.riverside, write=False) as session:
        found = session.scalar(select(func.count()).where(AuditEntry.patient_id == patient_id))
    return int(found or 0)


def test_every_staff_route_of_a_patient_leaves_an_entry(
    app: Flask, house: House, visitor: Callable[[], Visitor]
) -> None:
    made = Made(house)
    people = {}
    for name in ("amira", "helen"):
        people[name] = visitor()
        people[name].sign_in(name)
    succeeded: set[str] = set()
    for rule, method in sorted(every_request(app, "staff"), key=lambda one: (one[1] != "GET", one[0].rule)):
        if not rule.arguments & OF_A_PATIENT:
            continue
        url = url_of(rule, "riverside", made.ids)
        if method == "POST":
            _freshen(house, made, rule.endpoint)
        person = people["helen" if rule.endpoint.startswith("messages.") else "amira"]
        more = NEEDS_MORE.get(rule.endpoint, lambda made: {})(made)
        before = entries(house, made.ids["patient_id"])
        answer = person.post(url, more) if method == "POST" else send(person, method, url)
        assert answer.status_code < 500, f"{method} {rule.rule}"
        if answer.status_code < 400:
            succeeded.add(rule.endpoint)
            assert entries(house, made.ids["patient_id"]) > before, f"{method} {rule.rule} leaves no trace"
    assert succeeded >= MUST_SUCCEED, sorted(MUST_SUCCEED - succeeded)
    assert audit.verify(house.riverside).intact


def _freshen(house: House, made: Made, endpoint: str) -> None:
    """Undo what the routes before this one did, so that it finds something to do."""
    with house.at(house.riverside) as session:
        if endpoint.startswith("messages."):
            row = session.get_one(Notification, (house.riverside, made.ids["notification_id"]))
            row.state, row.last_error, row.masked_at = "failed", "unreachable", None
        if endpoint == "patients.save":
            made.form["version"] = str(patients.get(made.ids["patient_id"]).version)


def test_every_page_of_a_patients_link_leaves_an_entry(
    app: Flask, house: House, visitor: Callable[[], Visitor]
) -> None:
    made = Made(house)
    phone = visitor()
    before = entries(house, made.ids["patient_id"])
    answer = phone.post(made.path, {"day": made.born.day, "month": made.born.month, "year": made.born.year})
    assert answer.status_code == 303
    assert entries(house, made.ids["patient_id"]) > before, "opening the link leaves a trace"
    with house.at(house.riverside, write=False) as session:
        link_id = session.scalars(select(Link.id).where(Link.subject_id == made.ids["request_id"])).one()
    ids: dict[str, Any] = {**made.ids, "link_id": link_id}
    succeeded: set[str] = set()
    for rule, method in sorted(every_request(app, "patient"), key=lambda one: (one[1] != "GET", one[0].rule)):
        before = entries(house, made.ids["patient_id"])
        answer = send(phone, method, url_of(rule, "riverside", ids))
        assert answer.status_code < 500, f"{method} {rule.rule}"
        if answer.status_code < 400:
            succeeded.add(rule.endpoint)
            assert entries(house, made.ids["patient_id"]) > before, f"{method} {rule.rule} leaves no trace"
    assert {f"photo_request_patient.{name}" for name in ("start", "arrived_list", "thumb")} <= succeeded
    with house.at(house.riverside, write=False) as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
        assert (last.actor_kind, last.actor_id) == ("patient", str(link_id))


def test_what_is_refused_or_unknown_names_nobody(house: House, visitor: Callable[[], Visitor]) -> None:
    amira = visitor()
    amira.sign_in("amira")
    unknown = uuid4()
    assert amira.get(f"/p/riverside/patients/{unknown}").status_code == 404
    assert entries(house, unknown) == 0


def test_a_form_shown_again_with_what_is_wrong_leaves_an_entry(
    house: House, visitor: Callable[[], Visitor]
) -> None:
    amira = visitor()
    amira.sign_in("amira")
    patient_id = house.patient_id(house.riverside, "Whitfield")
    before = entries(house, patient_id)
    assert amira.post(f"/p/riverside/patients/{patient_id}/edit", {"family_name": ""}).status_code == 422
    assert entries(house, patient_id) == before + 1


def test_a_search_names_whom_it_showed(house: House, visitor: Callable[[], Visitor]) -> None:
    amira = visitor()
    amira.sign_in("amira")
    patient_id = house.patient_id(house.riverside, "Whitfield")
    amira.post("/p/riverside/patients", {"q": "Whitfield"})
    with house.at(house.riverside, write=False) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "patient.searched")).one()
    assert entry.detail == {"results": 1, "shown": [str(patient_id)]}


@pytest.mark.parametrize("undone", [True, False])
def test_an_entry_that_a_savepoint_took_back_does_not_count(house: House, undone: bool) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        audit.concerns(patient_id)
        try:
            with db.savepoint():
                audit.record("photo.kept", patient_id=patient_id)
                if undone:
                    raise LookupError
        except LookupError:
            pass
        assert (patient_id in audit.unnamed()) is undone
