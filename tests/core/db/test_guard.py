"""Practices are kept apart by the session itself, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import delete, exists, func, insert, select, text, union, update

from core import db
from core.patients import Patient, PatientIdentifier
from core.tenancy import Practice
from tests.support.house import House

pytestmark = pytest.mark.both_databases


@pytest.fixture
def foreign(house: House) -> UUID:
    """The id of a patient of the other practice."""
    return house.patient_id(house.lumiere, "Benali")


def names(house: House, practice_id: UUID) -> set[str]:
    with house.at(practice_id, write=False) as session:
        return set(session.scalars(select(Patient.family_name)))


def test_a_practice_sees_its_own_rows_only(house: House) -> None:
    assert "Whitfield" in names(house, house.riverside)
    assert "Benali" not in names(house, house.riverside)
    assert names(house, house.lumiere).isdisjoint(names(house, house.riverside))


@pytest.mark.parametrize(
    "query",
    [
        lambda: select(func.count()).select_from(Patient),
        lambda: select(func.count(Patient.id)),
        lambda: select(func.count()).select_from(union(select(Patient.id), select(Patient.id)).subquery()),
        lambda: (
            select(func.count())
            .select_from(Patient)
            .join(PatientIdentifier, PatientIdentifier.patient_id == Patient.id, isouter=True)
        ),
    ],
)
def test_counts_unions_and_joins_are_filtered(house: House, query: Callable[[], object]) -> None:
    with house.at(house.lumiere, write=False) as session:
        assert session.scalar(query()) == 5  # type: ignore[call-overload]


def test_a_tenant_row_inside_a_subquery_is_filtered(house: House) -> None:
    with house.at(house.riverside, write=False) as session:
        found = session.scalars(
            select(Practice.slug).where(exists().where(Patient.practice_id == Practice.id))
        ).all()
    assert found == ["riverside"]


def test_a_foreign_id_is_as_good_as_none(house: House, foreign: UUID) -> None:
    with house.at(house.riverside) as session:
        assert db.get(Patient, foreign) is None
        assert session.get(Patient, (house.lumiere, foreign)) is None
        assert session.scalar(select(Patient).where(Patient.id == foreign)) is None


def test_the_identity_map_gives_nothing_away(house: House, foreign: UUID) -> None:
    with db.scope(across_practices=True, write=False) as session:
        session.get(Patient, (house.lumiere, foreign))
        with house.at(house.riverside, write=False) as inner:
            assert inner is not session
            assert db.get(Patient, foreign) is None


def test_without_a_practice_every_query_fails(house: House) -> None:
    with db.scope(write=False) as session, pytest.raises(db.NoPractice):
        session.scalars(select(Patient)).all()
    with db.scope(write=False) as session, pytest.raises(db.NoPractice):
        session.scalar(select(func.count()).select_from(Patient))
    with db.scope() as session, pytest.raises(db.NoPractice):
        session.execute(delete(Patient))


def test_without_a_practice_a_tenant_row_in_a_subquery_fails_as_well(house: House) -> None:
    with db.scope(write=False) as session, pytest.raises(db.NoPractice):
        session.scalars(select(Practice.slug).where(Practice.id.in_(select(Patient.practice_id)))).all()


def test_bulk_update_and_delete_stay_inside(house: House) -> None:
    with house.at(house.riverside) as session:
        session.execute(update(Patient).values(sex="other"))
        session.execute(delete(PatientIdentifier))
    with house.at(house.lumiere, write=False) as session:
        assert "other" not in set(session.scalars(select(Patient.sex)))


def test_raw_sql_and_core_sql_on_tenant_tables_are_refused(house: House) -> None:
    table = Patient.__table__
    statements = [
        text("SELECT * FROM core_patient"),
        select(table),
        table.delete(),
        table.update().values(sex="other"),
        select(func.count()).select_from(table),
        insert(Patient).values(practice_id=house.lumiere),
    ]
    for statement in statements:
        with house.at(house.riverside) as session, pytest.raises(db.RawSqlRefused):
            session.execute(statement)


def test_a_row_cannot_be_written_into_another_practice(house: House, foreign: UUID) -> None:
    with pytest.raises(db.CrossPracticeWrite), house.at(house.riverside) as session:
        session.add(
            PatientIdentifier(practice_id=house.lumiere, patient_id=foreign, system="local", value="1")
        )
    with pytest.raises(db.CrossPracticeWrite), house.at(house.riverside) as session:
        session.execute(update(Patient).values(practice_id=house.lumiere))
    with pytest.raises(db.CrossPracticeWrite), house.at(house.riverside) as session:
        session.scalars(select(Patient)).first().practice_id = house.lumiere  # type: ignore[union-attr]


def test_a_foreign_key_cannot_reach_another_practice(house: House, foreign: UUID) -> None:
    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError), house.at(house.riverside) as session:
        session.add(PatientIdentifier(patient_id=foreign, system="local", value="1"))


def test_a_scope_never_changes_its_practice(house: House) -> None:
    with house.at(house.riverside), pytest.raises(db.PracticeAlreadySet):
        db.enter_practice(house.lumiere)


def test_a_read_only_scope_refuses_to_write(house: House) -> None:
    with pytest.raises(db.ReadOnlyScope), house.at(house.riverside, write=False) as session:
        session.scalars(select(Patient)).first().sex = "other"  # type: ignore[union-attr]
