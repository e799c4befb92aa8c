"""Through the session: raw SQL, Core, the identity map, bulk statements, foreign tenants and foreign keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    delete,
    exists,
    func,
    insert,
    lambda_stmt,
    literal,
    literal_column,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, selectinload, undefer, with_loader_criteria

from core import db
from core.db import TenantModel, tenant_key
from core.links import Link
from core.patients import Patient, PatientIdentifier
from core.tenancy import Practice
from tests.support.house import House

pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("lumiere_stays_the_same")]

TENANT_MODELS = sorted(
    (m.class_ for m in db.Base.registry.mappers if issubclass(m.class_, TenantModel)),
    key=lambda model: model.__tablename__,
)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM core_patient",
        "SELECT * FROM core_patient WHERE practice_id = :there",
        "SELECT p.family_name FROM core_practice c JOIN core_patient p ON p.practice_id = c.id",
        "UPDATE core_patient SET sex = 'other'",
        "DELETE FROM core_patient",
        "SELECT 1",
    ],
)
def test_raw_sql_by_the_session(house: House, statement: str) -> None:
    asked = text(statement)
    if ":there" in statement:
        asked = asked.bindparams(there=house.lumiere.hex)
    for run in ("execute", "scalars", "scalar"):
        with house.at(house.riverside) as session, pytest.raises(db.RawSqlRefused):
            getattr(session, run)(asked)


def test_raw_sql_by_the_connection(house: House) -> None:
    with house.at(house.riverside) as session:
        for reach in (session.connection, lambda: session.connection(execution_options={"x": 1})):
            with pytest.raises(db.RawSqlRefused):
                reach()
        below = Session.connection(session)  # what somebody would have to write who knows the refusal
        with pytest.raises(db.RawSqlRefused):
            below.execute(text("SELECT family_name FROM core_patient"))
        if below.dialect.name == "sqlite":
            with pytest.raises(db.FenceHeld):
                below.exec_driver_sql("SELECT family_name FROM core_patient")
        else:
            found = set(below.exec_driver_sql("SELECT family_name FROM core_patient").scalars())
            assert "Whitfield" in found
            assert "Benali" not in found
            assert below.exec_driver_sql("DELETE FROM core_link").rowcount == 0


@pytest.mark.parametrize(
    "query",
    [
        lambda: select(Patient).from_statement(text("SELECT * FROM core_patient")),
        lambda: select(Patient).where(text("1 = 1 OR 1 = 1")),  # goes beside the filter without parentheses
        lambda: select(Patient).where(literal_column("1 = 1 OR 1")),
        lambda: select(Patient.id).order_by(text("(SELECT family_name FROM core_patient LIMIT 1)")),
        lambda: select(Practice.id, text("(SELECT count(*) FROM core_patient)")),
        lambda: select(Practice.id).where(text("EXISTS (SELECT 1 FROM core_patient)")),
        lambda: update(Patient).where(text("1 = 1 OR 1 = 1")).values(sex="other"),
        lambda: delete(PatientIdentifier).where(text("1 = 1 OR 1 = 1")),
    ],
)
def test_a_text_hidden_in_an_orm_query(house: House, query: Callable[[], Any]) -> None:
    for _ in range(2):  # the second time it is compiled already
        with house.at(house.riverside) as session, pytest.raises(db.RawSqlRefused):
            session.execute(query())


def test_core_sql_on_every_tenant_table(house: House) -> None:
    for model in TENANT_MODELS:
        table: Any = model.__table__
        for statement in (
            select(table),
            select(func.count()).select_from(table),
            select(Practice.slug).where(Practice.id.in_(select(table.c.practice_id))),
            table.delete(),
            table.update().values(practice_id=house.riverside),
            table.insert().values(practice_id=house.lumiere),
            insert(model).values(practice_id=house.lumiere),
        ):
            with house.at(house.riverside) as session:
                try:
                    found = session.execute(statement)
                except (db.RawSqlRefused, db.FenceHeld):
                    continue
                assert set(found.scalars()) <= {"riverside"}, f"{statement}"


def test_every_model_is_filtered(house: House, foreign_ids: dict[str, UUID]) -> None:
    with db.scope(across_practices=True, write=False) as session:
        there = [
            m
            for m in TENANT_MODELS
            if session.scalar(select(m.id).where(m.practice_id == house.lumiere).limit(1))
        ]
    assert len(there) > 12, "the other practice has something of nearly everything"
    for model in TENANT_MODELS:
        with house.at(house.riverside) as session:
            assert {row.practice_id for row in session.scalars(select(model)).unique()} <= {house.riverside}
            other: Any = aliased(model)
            assert set(session.scalars(select(other.practice_id))) <= {house.riverside}
            assert session.scalar(select(func.count()).where(other.practice_id == house.lumiere)) == 0
        with db.scope(write=False) as session, pytest.raises(db.NoPractice):
            session.scalars(select(model)).all()


def test_the_identity_map(house: House, benali: UUID) -> None:
    key = (house.lumiere, benali)
    with db.scope(across_practices=True, write=False) as session:
        patient = session.get(Patient, key)
        assert patient is not None
        session.expunge(patient)
    with house.at(house.riverside) as session:
        assert session.get(Patient, key) is None
        session.add(patient)  # a row of another practice smuggled into this session ...
        assert db.get(Patient, benali) is None, "... is not found by its id, for the key has the practice"
        patient.sex = "other"
        with pytest.raises(db.CrossPracticeWrite):
            session.flush()
        session.expunge(patient)
    with pytest.raises(db.CrossPracticeWrite), house.at(house.riverside) as session:
        session.merge(Patient(practice_id=house.lumiere, id=benali, family_name="Mine", given_names="All"))
        session.flush()


def test_refreshing_a_smuggled_row_brings_nothing_new(house: House, benali: UUID) -> None:
    with db.scope(across_practices=True, write=False) as session:
        patient = session.get(Patient, (house.lumiere, benali))
        session.expunge(patient)
    with house.at(house.riverside, write=False) as session:
        session.add(patient)
        with pytest.raises(
            Exception, match=r"(?i)could not refresh|does not say which practice|compares no practice"
        ):
            session.refresh(patient)


@pytest.mark.parametrize(
    "query",
    [
        lambda: select(Patient.id),
        lambda: union_all(select(Patient.id), select(Patient.id)),
        lambda: select(select(Patient.id).subquery().c.id),
        lambda: select(select(Patient.id).cte().c.id),
        lambda: select(Patient.id).execution_options(populate_existing=True),
        lambda: select(Patient.id).join(PatientIdentifier, literal(True), isouter=True),
        lambda: select(Patient.id).options(with_loader_criteria(Patient, literal(True))),
        lambda: lambda_stmt(lambda: select(Patient.id)),
        lambda: select(Patient.id).where(exists().where(PatientIdentifier.patient_id == Patient.id)),
        lambda: select(Patient).options(selectinload(Patient.identifiers), undefer("*")),
    ],
)
def test_every_shape_of_query(house: House, query: Callable[[], Any]) -> None:
    with db.scope(across_practices=True, write=False) as session:
        there = set(session.scalars(select(Patient.id).where(Patient.practice_id == house.lumiere)))
    with house.at(house.riverside, write=False) as session:
        found = {getattr(item, "id", item) for item in session.scalars(query())}
    assert found
    assert found.isdisjoint(there)


def test_bulk_statements_reach_no_further(house: House, benali: UUID) -> None:
    with house.at(house.riverside) as session:
        everywhere = literal(True)
        assert session.execute(update(Patient).where(everywhere).values(sex="other")).rowcount == 7
        assert session.execute(update(Patient).where(Patient.id == benali).values(sex="other")).rowcount == 0
        assert session.execute(delete(Patient).where(Patient.practice_id == house.lumiere)).rowcount == 0
        session.execute(delete(PatientIdentifier).where(everywhere))
    for bulk in (
        lambda session: session.execute(
            update(Patient), [{"practice_id": house.lumiere, "id": benali, "sex": "other"}]
        ),
        lambda session: session.execute(
            insert(Patient), [{"practice_id": house.lumiere, "family_name": "X"}]
        ),
        lambda session: session.bulk_insert_mappings(
            Patient, [{"practice_id": house.lumiere, "family_name": "X"}]
        ),
        lambda session: session.bulk_update_mappings(
            Patient, [{"practice_id": house.lumiere, "id": benali, "sex": "x"}]
        ),
        lambda session: session.bulk_save_objects([Patient(practice_id=house.lumiere, family_name="X")]),
    ):
        with pytest.raises(Exception), house.at(house.riverside) as session:  # noqa: B017 - see the fixture
            bulk(session)


def test_a_row_with_a_foreign_tenant(house: House, benali: UUID) -> None:
    row = {"patient_id": benali, "system": "local", "value": "1"}
    with pytest.raises(db.CrossPracticeWrite), house.at(house.riverside) as session:
        session.add(PatientIdentifier(practice_id=house.lumiere, **row))
    with pytest.raises(db.NoPractice), db.scope() as session:
        session.add(PatientIdentifier(**row))
    with pytest.raises(db.CrossPracticeWrite), db.scope() as session:
        session.add(PatientIdentifier(practice_id=house.lumiere, **row))
    with pytest.raises(db.CrossPracticeWrite), house.at(house.riverside) as session:
        session.scalars(select(Patient)).first().practice_id = house.lumiere


def test_a_foreign_key_into_another_practice(house: House, benali: UUID) -> None:
    with pytest.raises(IntegrityError), house.at(house.riverside) as session:
        session.add(PatientIdentifier(patient_id=benali, system="local", value="1"))


def test_every_foreign_key_between_tenant_tables_carries_the_practice() -> None:
    for model in TENANT_MODELS:
        table: Any = model.__table__
        for key in table.foreign_key_constraints:
            target = key.elements[0].column.table
            if "practice_id" in target.primary_key.columns:
                assert "practice_id" in key.column_keys, f"{table.name} -> {target.name} forgets the practice"
    assert tenant_key("patient_id", "core_patient").column_keys[0] == "practice_id"


def test_every_unique_rule_of_a_tenant_starts_with_the_practice() -> None:
    """Or a refusal would tell that another practice has such a row. The tokens of links are 160 random bits."""
    from sqlalchemy import Index, UniqueConstraint

    loose = set()
    for model in TENANT_MODELS:
        table: Any = model.__table__
        rules = [rule for rule in table.constraints if isinstance(rule, UniqueConstraint)]
        rules += [index for index in table.indexes if isinstance(index, Index) and index.unique]
        loose |= {(table.name, *rule.columns.keys()) for rule in rules if "practice_id" not in rule.columns}
    assert loose <= {(Link.__tablename__, "token_hash"), ("core_invitation", "token_hash")}
