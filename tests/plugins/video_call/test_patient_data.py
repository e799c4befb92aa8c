"""What is handed over, what is erased, what must stay, and what goes by itself after a time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core import audit, db, files, retention, tenancy
from core.patient_data import PatientDataContext
from core.patients import Patient
from core.plugin_system import plugin_settings, registry
from core.sdk import listing
from plugins.video_call import demo, finding, hooks, sample, states
from plugins.video_call.models import Background, Call, Consent, Document, LineEntry, Message, Participant
from tests.plugins.video_call.conftest import clinician, make_call
from tests.support.house import House

TABLES = (Call, Participant, Message, Document, Consent)


@pytest.fixture
def made(house: House) -> UUID:
    """Everything that two calls of Margaret Whitfield can leave behind; her id."""
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with audit.use_actor(clinician(house)):
        sample.make(house.riverside, patient_id)
    return patient_id


def ask(house: House, patient_id: UUID, hook: str, **options: Any) -> Any:
    with house.at(house.riverside) as session:
        patient = session.get_one(Patient, (house.riverside, patient_id))
        return getattr(hooks, hook)(PatientDataContext(tenancy.current(), patient, **options))


def left(house: House) -> dict[str, int]:
    with house.at(house.riverside, write=False) as session:
        counted = {
            model.__name__: session.scalar(select(func.count()).select_from(model)) or 0 for model in TABLES
        }
        practices_own = select(Background.file_id)  # nobody's data
        of_patients = select(func.count()).select_from(files.File).where(files.File.id.not_in(practices_own))
        counted["File"] = session.scalar(of_patients) or 0
        return {name: number for name, number in counted.items() if number}


def test_the_export_tells_everything(house: House, made: UUID) -> None:
    (part,) = ask(house, made, "export_patient")
    assert part.name == "consultations.json"
    over, now = part.content
    assert (over["result"], over["notes"]) == ("Completed", "Review in a week.")
    assert over["began"]
    assert over["ended"]
    assert [line["text"] for line in now["chat"]] == ["Good morning", ""]
    assert now["chat"][1]["file"].name == "chat-2-2.jpg"
    assert [document["title"] for document in now["documents"]] == ["Drawing"]
    assert now["agreements"][0]["answer"] == "No answer"
    assert "Ines Costa" not in str(part.content), "a guest's name is the guest's"


@pytest.mark.both_databases
def test_erased_everything_goes_files_too(house: House, made: UUID) -> None:
    make_call(house, states.READY, family_name="Okafor")
    before = left(house)
    said = ask(house, made, "erase_patient", preview=True)
    assert [one.count for one in said] == [2]
    assert left(house) == before, "a preview changes nothing"
    ask(house, made, "erase_patient")
    assert left(house) == {"Call": 1, "Participant": 1}


def test_what_the_law_wants_kept_stays_without_the_rest(house: House, made: UUID) -> None:
    with house.at(house.riverside), audit.use_actor(clinician(house, "helen")):
        plugin_settings.save(registry.get("video_call"), {"record_years": 20})
    said = ask(house, made, "erase_patient")
    stays = next(one for one in said if one.stays)
    assert stays.count == 2
    assert stays.until is not None
    assert stays.until.year >= db.utcnow().year + 19
    assert "Message" not in left(house)
    assert left(house)["Document"] == 1
    with house.at(house.riverside, write=False) as session:
        assert "Review in a week." in {call.notes for call in session.scalars(select(Call))}


def test_old_consultations_go_when_the_practice_says_so(house: House, made: UUID) -> None:
    missed = make_call(house, states.MISSED, family_name="Okafor")
    with house.at(house.riverside) as session:
        for call in session.scalars(select(Call).where(Call.state.in_(states.OVER))):
            call.ended_at = db.utcnow() - timedelta(days=400)
        session.add(LineEntry(call_id=missed.id, role="patient", kind="lost", detail={}))
    before = db.utcnow() - timedelta(days=365)
    for name, gone in (("video_call.not_held", 1), ("video_call.held", 1)):
        kind = retention.find(name)
        assert kind is not None
        with house.at(house.riverside):
            assert kind.count(before) == gone
            assert kind.remove(before, 10) == gone
            assert kind.remove(before, 10) == 0
    with house.at(house.riverside, write=False) as session:
        assert [call.state for call in session.scalars(select(Call))] == [states.IN_CALL]
        assert session.scalar(select(func.count()).select_from(LineEntry)) == 0, "the log goes with its call"


def test_the_demonstration_shows_who_waits_once(house: House) -> None:
    for _time in range(2):
        with audit.use_actor(clinician(house)):
            demo.seed(house.riverside)
    with house.at(house.riverside, write=False):
        now, planned = (
            finding.page(finding.Wanted("all", listing.Asked(), outcome)) for outcome in ("now", "planned")
        )
        assert [row.state for row in now.rows + planned.rows] == [states.READY, states.SCHEDULED]
        over = finding.page(finding.Wanted("past", listing.Asked()))
        assert over.total == 1
        assert over.rows[0].minutes == 11
        assert over.rows[0].call.outcome == "completed"
