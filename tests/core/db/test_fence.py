"""What the database is told of a transaction's practice, and when; on SQLite, what is held back at the last moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from core import db
from core.db import fence, guard
from core.db.scope import TenantSession
from core.patients.models import Patient, PatientSearchWord
from core.tenancy import Practice
from tests.support.house import House

on_postgresql = pytest.mark.postgresql


@contextmanager
def sent() -> Iterator[list[str]]:
    """Every message that goes to the database meanwhile, as it goes."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(db.engine(), "after_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine(), "after_cursor_execute", note)


def below(session: Session, statement: str) -> int:
    """Run raw SQL on the connection under a session, as nothing in the product can."""
    return Session.connection(session).exec_driver_sql(statement).scalar_one()


PATIENTS = "SELECT count(*) FROM core_patient"


@on_postgresql
def test_the_practice_travels_with_the_first_statement(house: House) -> None:
    with sent() as seen, house.at(house.riverside, write=False) as session:
        session.scalar(select(func.count()).select_from(Patient))
        session.scalar(select(func.count()).select_from(Patient))
    told = f"SET LOCAL careroom.practice_id = '{house.riverside}'; "
    assert [statement.startswith(told + "SELECT") for statement in seen] == [True] + [False] * (len(seen) - 1)
    assert len(seen) == 3, "the practice itself and two counts: nothing was said on its own"


@on_postgresql
def test_a_practice_that_is_entered_late_is_told_then(house: House) -> None:
    with db.scope(write=False) as session:
        assert session.get(Practice, house.lumiere) is not None
        assert below(session, PATIENTS) == 0
        db.enter_practice(house.lumiere)
        assert below(session, PATIENTS) == 5


@on_postgresql
def test_a_savepoint_that_rolls_back_takes_nothing_away(house: House) -> None:
    with db.scope() as session:
        session.get(Practice, house.lumiere)
        with pytest.raises(ZeroDivisionError), db.savepoint():
            db.enter_practice(house.lumiere)
            assert below(session, PATIENTS) == 5
            raise ZeroDivisionError
        assert below(session, PATIENTS) == 5, "the scope's practice is still set, and told again"


@on_postgresql
def test_a_new_transaction_of_the_same_scope_is_told_again(house: House) -> None:
    with house.at(house.lumiere) as session:
        assert below(session, PATIENTS) == 5
        db.rollback()
        assert below(session, PATIENTS) == 5
        session.commit()
        assert below(session, PATIENTS) == 5


@on_postgresql
def test_a_connection_goes_back_with_nothing_on_it(house: House) -> None:
    for practice_id in (house.riverside, house.lumiere):
        with house.at(practice_id) as session:
            below(session, PATIENTS)
    with db.scope(across_practices=True, write=False) as session:
        assert below(session, PATIENTS) == 12
    for _ in range(3):  # whichever connection of the pool
        with db.engine().connect() as connection:
            assert connection.execute(text(PATIENTS)).scalar_one() == 0
            assert connection.execute(text("SELECT current_user = session_user")).scalar_one()
        with db.scope(write=False) as session:
            assert below(session, PATIENTS) == 0


@on_postgresql
def test_scopes_inside_each_other_keep_their_own(house: House) -> None:
    with house.at(house.riverside, write=False) as outer:
        with house.at(house.lumiere, write=False) as inner:
            assert below(inner, PATIENTS) == 5
            assert below(outer, PATIENTS) == 7, "whose session, not who is innermost, decides"
        with db.scope(across_practices=True, write=False) as across:
            assert below(across, PATIENTS) == 12
            assert below(outer, PATIENTS) == 7


@on_postgresql
def test_cursors_on_the_server_and_many_rows_at_once_are_told_on_their_own(house: House) -> None:
    with db.scope(house.lumiere, write=False) as session:
        streamed = session.execute(select(Patient.id).execution_options(stream_results=True, yield_per=2))
        assert len(streamed.all()) == 5
    with db.scope(house.lumiere) as session:
        many = "UPDATE core_patient SET sex = %s WHERE family_name = %s"
        Session.connection(session).exec_driver_sql(many, [("other", "Benali"), ("other", "Okafor")])
    with db.scope(across_practices=True, write=False) as session:
        changed = session.scalars(select(Patient.family_name).where(Patient.sex == "other")).all()
    assert changed == ["Benali"], "Okafor is the other practice's"


# --- SQLite ------------------------------------------------------------------------------------------------------


def test_a_statement_without_its_practice_never_leaves(house: House) -> None:
    with house.at(house.riverside) as session:
        for statement in (PATIENTS, "DELETE FROM core_patient", "UPDATE core_patient SET sex = 'other'"):
            with pytest.raises(db.FenceHeld, match=r"does not say which practice|compares no practice"):
                below(session, statement)
        with pytest.raises(db.FenceHeld):
            below(session, f"{PATIENTS} WHERE practice_id = '{house.lumiere.hex}'")
    with db.scope() as session, pytest.raises(db.FenceHeld, match="no practice is set"):
        below(session, PATIENTS)
    with db.scope(across_practices=True, write=False) as session:
        assert below(session, PATIENTS) == 12


def test_one_foreign_row_among_many_is_enough(house: House) -> None:
    event.remove(TenantSession, "before_flush", guard._stamp)
    try:
        with pytest.raises(db.FenceHeld), house.at(house.riverside) as session:
            patient = house.patient_id(house.lumiere, "Benali")
            session.add_all(
                PatientSearchWord(practice_id=practice_id, patient_id=patient, word="x")
                for practice_id in (house.riverside, house.lumiere, house.riverside)
            )
            session.flush()
    finally:
        event.listen(TenantSession, "before_flush", guard._stamp)


@pytest.mark.both_databases
def test_the_connection_below_a_session_is_not_handed_out(house: House) -> None:
    with house.at(house.riverside, write=False) as session, pytest.raises(db.RawSqlRefused):
        session.connection()


@pytest.mark.both_databases
def test_the_fence_stands_around_the_engine(house: House) -> None:
    """Fails when the layer is taken out of core.db.engine."""
    engine = db.engine()
    assert event.contains(TenantSession, "after_begin", fence._join)
    assert event.contains(engine, "begin", fence._start)
    assert event.contains(engine, "checkin", fence._leave)
    held_by = fence._look if engine.dialect.name == "sqlite" else fence._tell
    assert event.contains(engine, "before_cursor_execute", held_by)
