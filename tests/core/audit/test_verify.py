"""Whoever changes the trail behind our back is found out, and where."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import text

from core import audit, db, settings, tenancy
from core.settings import Settings
from tests.support.databases import as_owner

pytestmark = pytest.mark.both_databases


@pytest.fixture
def practice_id(configured: object) -> UUID:
    """A practice with six entries."""
    with db.scope():
        made = tenancy.create_practice("watched", "Watched").id
    with db.scope(made):
        for number in range(1, 7):
            audit.record(
                "patient.viewed", patient_id=db.uuid7(), detail={"number": number, "text": "é <b> 1.0"}
            )
    assert audit.verify(made) == audit.VerifyResult(True, 6)
    return made


def _tamper(statement: str) -> None:
    with as_owner() as connection:
        assert connection.execute(text(statement)).rowcount > 0


@pytest.mark.parametrize(
    "assignment",
    [
        "action = 'patient.listed'",
        "actor_name = 'Somebody Else'",
        "patient_id = NULL",
        "detail = '{\"number\": 9}'",
        "address = '10.0.0.1'",
        "at = '2020-01-01 00:00:00'",
        "reason = 'because'",
    ],
)
def test_a_changed_entry_is_found(practice_id: UUID, assignment: str) -> None:
    _tamper(f"UPDATE core_audit_entry SET {assignment} WHERE seq = 3")
    result = audit.verify(practice_id)
    assert (result.intact, result.first_bad_seq, result.fault, result.entries) == (False, 3, "changed", 2)


def test_a_deleted_entry_is_found(practice_id: UUID) -> None:
    _tamper("DELETE FROM core_audit_entry WHERE seq = 4")
    assert audit.verify(practice_id) == audit.VerifyResult(False, 3, 4, "missing")


def test_a_deleted_end_is_found(practice_id: UUID) -> None:
    _tamper("DELETE FROM core_audit_entry WHERE seq > 4")
    assert audit.verify(practice_id) == audit.VerifyResult(False, 4, 5, "cut")


def test_swapped_entries_are_found(practice_id: UUID) -> None:
    for old, new in ((2, 102), (3, 2), (102, 3)):
        _tamper(f"UPDATE core_audit_entry SET seq = {new} WHERE seq = {old}")
    result = audit.verify(practice_id)
    assert (result.intact, result.first_bad_seq) == (False, 2)


def test_an_entry_sealed_anew_is_found_by_the_one_after_it(practice_id: UUID) -> None:
    """A clever hand changes an entry and computes its hash again: the next one still holds the old hash."""
    from core.audit.chain import digest
    from core.audit.models import AuditEntry

    _tamper("UPDATE core_audit_entry SET action = 'patient.listed' WHERE seq = 3")
    with db.scope(practice_id, write=False) as session:
        forged = digest(session.query(AuditEntry).filter_by(seq=3).one())
    _tamper(f"UPDATE core_audit_entry SET hash = '{forged}' WHERE seq = 3")
    assert audit.verify(practice_id) == audit.VerifyResult(False, 3, 4, "relinked")


def test_a_chain_cut_together_with_its_head_no_longer_fits_what_comes_next(practice_id: UUID) -> None:
    _tamper("UPDATE core_audit_head SET seq = 4")
    result = audit.verify(practice_id)
    assert (result.intact, result.first_bad_seq) == (False, 4)


def test_the_platforms_chain_is_checked_too(practice_id: UUID) -> None:
    with db.scope():
        audit.record_platform("sign_in.failed", detail={"account": "unknown"})
        audit.record_platform("sign_in.failed", detail={"account": "unknown"})
    assert audit.verify_platform() == audit.VerifyResult(True, 2)
    _tamper("UPDATE core_platform_audit_entry SET action = 'sign_in.succeeded' WHERE seq = 1")
    assert audit.verify_platform() == audit.VerifyResult(False, 0, 1, "changed")


def test_a_chain_longer_than_one_page_is_walked_to_its_end(practice_id: UUID) -> None:
    with db.scope(practice_id):
        for _ in range(700):
            audit.record("patient.viewed")
    assert audit.verify(practice_id) == audit.VerifyResult(True, 706)
    _tamper("UPDATE core_audit_entry SET actor_id = 'x' WHERE seq = 650")
    assert audit.verify(practice_id).first_bad_seq == 650


def _rebuild_without_the_key(statement: str) -> None:
    """What an administrator of the database can do: change an entry, and every hash after it, and the head."""
    from unittest.mock import patch

    from core.audit import chain
    from core.audit.models import AuditEntry, AuditHead

    _tamper(statement)
    with patch.object(chain, "chain_key", return_value=b"guessed" * 4), as_owner() as connection:
        practice = connection.execute(text("SELECT practice_id FROM core_audit_head")).scalar_one()
        practice_id = practice if isinstance(practice, UUID) else UUID(str(practice))
        with db.scope(practice_id, write=False) as session:
            entries = session.query(AuditEntry).order_by(AuditEntry.seq).all()
            session.expunge_all()
        previous = "0" * 64
        for entry in entries:
            entry.prev_hash = previous
            previous = entry.hash = chain.digest(entry)
            connection.execute(
                text("UPDATE core_audit_entry SET prev_hash = :p, hash = :h WHERE seq = :s"),
                {"p": entry.prev_hash, "h": entry.hash, "s": entry.seq},
            )
        seal = chain.head_seal(practice_id, len(entries), previous)
        connection.execute(
            text(f"UPDATE {AuditHead.__tablename__} SET hash = :h, seal = :seal"),
            {"h": previous, "seal": seal},
        )


def test_a_whole_chain_built_anew_without_the_key_is_found(practice_id: UUID) -> None:
    _rebuild_without_the_key("UPDATE core_audit_entry SET action = 'nothing.happened' WHERE seq = 3")
    assert audit.verify(practice_id) == audit.VerifyResult(False, 0, 1, "changed")


def test_the_newest_entries_taken_away_with_a_head_that_fits_are_missed(practice_id: UUID) -> None:
    """The head is set back to an entry that is there, with its true hash: only the seal tells."""
    with as_owner() as connection:
        kept = connection.execute(text("SELECT hash FROM core_audit_entry WHERE seq = 4")).scalar_one()
    _tamper("DELETE FROM core_audit_entry WHERE seq > 4")
    _tamper(f"UPDATE core_audit_head SET seq = 4, hash = '{kept}'")
    assert audit.verify(practice_id) == audit.VerifyResult(False, 4, 5, "cut")


def test_what_an_earlier_master_key_sealed_is_verified_by_it(
    practice_id: UUID, make_settings: Callable[..., Settings]
) -> None:
    old = settings.current().master_key.get_secret_value()
    settings.configure(make_settings(master_key="B" * 42 + "A"))
    assert not audit.verify(practice_id).intact
    settings.configure(make_settings(master_key="B" * 42 + "A", old_master_keys=old))
    with db.scope(practice_id):
        audit.record("patient.viewed")
    assert audit.verify(practice_id) == audit.VerifyResult(True, 7)
