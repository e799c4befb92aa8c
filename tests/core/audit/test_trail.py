"""Entries are written with the change they speak of, numbered without a gap, and only ever added."""

from __future__ import annotations

import threading
from contextlib import suppress
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text, update

from core import audit, db, tenancy
from core.audit import Actor, AuditEntry
from tests.support.databases import as_owner
from tests.support.house import House


def _entries(practice_id: UUID) -> list[AuditEntry]:
    with db.scope(practice_id, write=False) as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.seq)))


def _count(practice_id: UUID) -> int:
    return len(_entries(practice_id))


def test_an_entry_says_who_did_what_to_whom_from_where(house: House) -> None:
    patient_id, photo_id = db.uuid7(), db.uuid7()
    audit.set_origin(request_id="r1", address="192.0.2.7")
    with audit.use_actor(Actor("staff", "7", "Amira Khan")), house.at(house.riverside):
        audit.record(
            "photo.seen", patient_id=patient_id, subject=("photo", photo_id), detail={"n": 2, "id": photo_id}
        )
    last = _entries(house.riverside)[-1]
    assert (last.actor_kind, last.actor_id, last.actor_name) == ("staff", "7", "Amira Khan")
    assert (last.action, last.patient_id, last.subject_type, last.subject_id) == (
        "photo.seen", patient_id, "photo", photo_id,
    )  # fmt: skip
    assert last.detail == {"n": 2, "id": str(photo_id)}
    assert (last.request_id, last.address) == ("r1", "192.0.2.7")


def test_an_entry_vanishes_with_the_change_it_spoke_of(house: House) -> None:
    before = _count(house.riverside)
    with house.at(house.riverside):
        audit.record("photo.kept")
        db.rollback()
    assert _count(house.riverside) == before
    assert audit.verify(house.riverside).intact


def test_an_entry_of_a_rolled_back_savepoint_vanishes_and_the_others_stay(house: House) -> None:
    with house.at(house.riverside):
        audit.record("first.kept")
        with suppress(ValueError), db.savepoint():
            audit.record("second.undone")
            raise ValueError
        audit.record("third.kept")
    actions = [entry.action for entry in _entries(house.riverside)]
    assert actions[-2:] == ["first.kept", "third.kept"]


def test_what_is_noted_while_another_hook_runs_before_the_commit_is_written(house: House) -> None:
    with house.at(house.riverside):
        audit.record("early.one")
        db.before_commit(lambda: audit.record("late.one"), order=90)
    assert [entry.action for entry in _entries(house.riverside)][-2:] == ["early.one", "late.one"]


def test_each_practice_has_a_chain_of_its_own(house: House) -> None:
    before = _count(house.lumiere)
    with house.at(house.riverside):
        audit.record("only.here")
    assert _count(house.lumiere) == before


def test_without_a_practice_nothing_can_be_noted(configured: object) -> None:
    with db.scope(), pytest.raises(db.NoPractice):
        audit.record("patient.viewed")


@pytest.mark.both_databases
def test_entries_of_parallel_transactions_have_consecutive_numbers(house: House) -> None:
    before = _count(house.riverside)
    faults: list[Exception] = []

    def write(number: int) -> None:
        try:
            for turn in range(5):
                with tenancy.practice_scope(house.riverside):
                    audit.record("parallel.write", detail={"thread": number, "turn": turn})
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert [entry.seq for entry in _entries(house.riverside)] == list(range(1, before + 31))
    assert audit.verify(house.riverside).intact


@pytest.mark.both_databases
def test_two_first_entries_at_once_start_one_chain(configured: object) -> None:
    with db.scope():
        practice_id = tenancy.create_practice("fresh", "Fresh").id
    start = threading.Barrier(4)
    faults: list[Exception] = []

    def write() -> None:
        try:
            start.wait()
            with db.scope(practice_id):
                audit.record("first.entry")
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert audit.verify(practice_id) == audit.VerifyResult(True, 4)


# --- reading -------------------------------------------------------------------------------------------------------


def test_what_is_only_read_is_noted_when_it_is_flushed(house: House) -> None:
    with house.at(house.riverside, write=False):
        audit.record("patient.viewed")
        assert [entry.action for entry in audit.pending()] == ["patient.viewed"]
        audit.flush_pending()
        assert audit.pending() == []
        assert _entries(house.riverside)[-1].action == "patient.viewed"
    assert [entry.action for entry in _entries(house.riverside)].count("patient.viewed") == 1


def test_what_was_read_and_not_flushed_is_noted_when_the_scope_ends(house: House) -> None:
    with house.at(house.riverside, write=False):
        audit.record("patient.viewed")
    assert _entries(house.riverside)[-1].action == "patient.viewed"


def test_when_the_trail_cannot_be_written_the_reading_fails(house: House) -> None:
    with as_owner() as connection:
        connection.execute(text("ALTER TABLE core_audit_head RENAME TO elsewhere"))
    with pytest.raises(Exception, match="core_audit_head"), house.at(house.riverside, write=False):
        audit.record("patient.viewed")


def test_when_the_trail_cannot_be_flushed_the_request_fails(house: House) -> None:
    with as_owner() as connection:
        connection.execute(text("ALTER TABLE core_audit_head RENAME TO elsewhere"))
    with house.at(house.riverside, write=False):
        audit.record("patient.viewed")
        with pytest.raises(Exception, match="core_audit_head"):
            audit.flush_pending()


# --- only ever added -----------------------------------------------------------------------------------------------


def test_changing_an_entry_is_refused(house: House) -> None:
    with pytest.raises(audit.AppendOnly), house.at(house.riverside) as session:
        session.scalars(select(AuditEntry).limit(1)).one().action = "nothing.happened"


def test_deleting_an_entry_is_refused(house: House) -> None:
    with pytest.raises(audit.AppendOnly), house.at(house.riverside) as session:
        session.delete(session.scalars(select(AuditEntry).limit(1)).one())


@pytest.mark.parametrize("statement", [delete(AuditEntry), update(AuditEntry).values(action="x")])
def test_changing_entries_in_bulk_is_refused(house: House, statement: object) -> None:
    with pytest.raises(audit.AppendOnly), house.at(house.riverside) as session:
        session.execute(statement)  # type: ignore[call-overload]


@pytest.mark.parametrize("detail", [{"when": object()}, {"x": float("nan")}, {"text": "x" * 5000}])
def test_a_detail_that_is_no_short_plain_json_is_refused(house: House, detail: dict[str, object]) -> None:
    with house.at(house.riverside), pytest.raises(audit.UnfitDetail):
        audit.record("x.y", detail=detail)


def test_the_history_of_a_patient_comes_newest_first_and_page_by_page(house: House) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        for number in range(5):
            audit.record("photo.seen", patient_id=patient_id, detail={"n": number})
    with house.at(house.riverside, write=False):
        first = audit.history(patient_id=patient_id, limit=2)
        second = audit.history(patient_id=patient_id, limit=2, before_seq=first[-1].seq)
    assert [(entry.detail or {})["n"] for entry in [*first, *second]] == [4, 3, 2, 1]


def test_the_actor_of_a_thread_is_forgotten_for_the_next_one() -> None:
    audit.set_actor(Actor("staff", "7", "Amira"))
    audit.set_origin(request_id="r", address="a")
    audit.clear_context()
    assert audit.actor() == audit.SYSTEM
    assert audit.origin() == audit.Origin()
