"""The trail leaves the house as FHIR AuditEvents that a validator takes, as JSON lines, and as a table."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner
from fhir.resources.R4B.auditevent import AuditEvent

from core import audit, db, tenancy
from core.audit.fhir import code_of
from core.cli import main
from core.settings import Settings
from tests.support.house import House
from tests.support.photos import a_request_with_photos
from tests.support.running import environment_of


@pytest.fixture
def careroom(house: House, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Call the command line on this house; the lines of its output."""

    def call(*arguments: str) -> list[str]:
        result = CliRunner().invoke(main, ["audit", *arguments], env=environment_of(house.settings))
        assert result.exit_code == 0, result.output
        return result.stdout.splitlines()

    return call


def test_every_kind_of_entry_is_a_valid_auditevent(house: House, careroom: Callable[..., list[str]]) -> None:
    a_request_with_photos(house, house.riverside)
    patient_id = house.patient_id(house.riverside, "Whitfield")
    audit.set_origin(request_id="r" * 32, address="192.0.2.7")
    with house.at(house.riverside), audit.use_actor(audit.Actor("patient", str(db.uuid7()), "patient")):
        audit.record("link.used", patient_id=patient_id, detail={"part": "", "shown": []})
        audit.record(
            "record.opened", patient_id=patient_id, reason="Emergency", detail={"n": 1, "none": None}
        )
    audit.clear_context()
    events = [AuditEvent.model_validate_json(line) for line in careroom("export", "riverside")]
    assert len(events) > 8
    with house.at(house.riverside, write=False) as session:
        entries = session.query(audit.AuditEntry).order_by(audit.AuditEntry.seq).all()
    assert [event.id for event in events] == [str(entry.id) for entry in entries]
    last = next(event for event in events if event.subtype[0].code == "record.opened")
    assert last.recorded == entries[-2].at.replace(microsecond=entries[-2].at.microsecond // 1000 * 1000)
    assert last.agent[0].network.address == "192.0.2.7"
    assert last.agent[0].who.reference == f"Patient/{patient_id}"
    assert last.purposeOfEvent[0].text == "Emergency"
    assert last.entity[0].what.reference == f"Patient/{patient_id}"
    assert {one.url.rpartition(":")[2]: one.valueString for one in last.extension[1:]} == {
        "hash": entries[-2].hash, "previous-hash": entries[-2].prev_hash,
    }  # fmt: skip


def test_an_export_is_noted_and_is_of_one_patient_or_since_a_day_when_asked(
    house: House, careroom: Callable[..., list[str]]
) -> None:
    ids = a_request_with_photos(house, house.riverside)
    other = house.patient_id(house.riverside, "Whitfield")
    if other == ids["patient_id"]:
        other = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside):
        audit.record("patient.viewed", patient_id=other)
    lines = [json.loads(line) for line in careroom(
        "export", "riverside", "--format", "ndjson", "--patient", str(ids["patient_id"])
    )]  # fmt: skip
    assert {line["patient_id"] for line in lines} == {str(ids["patient_id"])}
    assert lines[-1]["action"] == "audit.exported"
    assert (lines[-1]["actor_kind"], lines[-1]["actor_id"]) == ("system", "cli")
    tomorrow = (db.utcnow() + timedelta(days=1)).date().isoformat()
    assert careroom("export", "riverside", "--since", tomorrow) == []


def test_a_table_runs_no_formula(house: House, careroom: Callable[..., list[str]]) -> None:
    with house.at(house.riverside), audit.use_actor(audit.Actor("staff", "9", "=HYPERLINK(1)")):
        audit.record("patient.viewed", detail={"part": 'é, "x"'})
    rows = list(csv.DictReader(io.StringIO("\n".join(careroom("export", "riverside", "--format", "csv")))))
    found = next(row for row in rows if row["actor_id"] == "9")
    assert found["actor_name"] == "'=HYPERLINK(1)"
    assert json.loads(found["detail"]) == {"part": 'é, "x"'}


def test_another_practices_entries_are_not_in_it(house: House, careroom: Callable[..., list[str]]) -> None:
    with house.at(house.lumiere):
        audit.record("patient.viewed", patient_id=UUID(int=7))
    assert str(UUID(int=7)) not in "\n".join(careroom("export", "riverside", "--format", "ndjson"))


def test_the_command_line_verifies(house: House, careroom: Callable[..., list[str]]) -> None:
    assert re.fullmatch(r"intact: \d+ entries", careroom("verify", "riverside")[-1])
    assert re.fullmatch(r"intact: \d+ entries", careroom("verify-platform")[-1])


def test_the_platforms_trail_leaves_in_the_same_formats(
    house: House, careroom: Callable[..., list[str]]
) -> None:
    with db.scope(), audit.use_actor(audit.Actor("staff", "9", "=Olga")):
        audit.record_platform("sign_in.failed", subject=("ab_user", UUID(int=9)), detail={"tries": 3})
    [event] = [AuditEvent.model_validate_json(line) for line in careroom("export-platform")][:1]
    assert (event.subtype[0].code, event.source.site) == ("sign_in.failed", "Careroom")
    table = list(csv.DictReader(io.StringIO("\n".join(careroom("export-platform", "--format", "csv")))))
    assert (table[0]["actor_name"], table[0]["patient_id"]) == ("'=Olga", "")
    assert table[0]["action_in_words"] == "Sign-in failed"
    assert [row["action"] for row in table[1:]] == ["audit.exported"] * 2
    tomorrow = (db.utcnow() + timedelta(days=1)).date().isoformat()
    assert careroom("export-platform", "--since", tomorrow) == []


def test_a_long_trail_is_read_in_batches(configured: Settings) -> None:
    with db.scope():
        practice_id = tenancy.create_practice("long", "Long").id
    for _ in range(3):
        with db.scope(practice_id):
            for _ in range(400):
                audit.record("patient.viewed")
    seqs = [entry.seq for entry in audit.every(practice_id, audit.Filter(action="patient"))]
    assert seqs == list(range(1, 1201))


@pytest.mark.parametrize(
    ("action", "code"),
    [("patient.viewed", "R"), ("patient.created", "C"), ("photo_request.photo_received", "C"),
     ("patient.changed", "U"), ("file.deleted", "D"), ("link.unlocked", "E")],
)  # fmt: skip
def test_what_was_done_has_fhirs_letter(action: str, code: str) -> None:
    assert code_of(action) == code
