"""Take one layer away: another holds the line, and a test says which layer is missing.

The layers, outermost first: the gate (membership, then permissions of that membership), the guard (filter, stamp), the
keys (they carry the practice), the fence and PostgreSQL's policies. On SQLite the fence itself stands in for the
policies: it lets nothing out that does not name the practice of its scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import delete, event, func, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from core import db, tenancy
from core.authoring.surfaces import send, url_of
from core.db import fence, guard, rls
from core.db.scope import TenantSession
from core.patients import Patient, PatientIdentifier
from core.web import gate
from tests.core.web.test_gate import every_request
from tests.support.databases import as_owner
from tests.support.house import House, Visitor

pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("lumiere_stays_the_same")]

HELD = (db.FenceHeld, db.CrossPracticeWrite, db.RawSqlRefused, db.NoPractice, DatabaseError)
Attempt = Callable[[Session, House, UUID], Any]


@contextmanager
def without(target: Any, name: str, listener: Callable[..., Any], **how: Any) -> Iterator[None]:
    event.remove(target, name, listener)
    try:
        yield
    finally:
        event.listen(target, name, listener, **how)


def _count(session: Session, house: House, benali: UUID) -> Any:
    return session.scalar(
        select(func.count()).select_from(Patient).where(Patient.practice_id != house.riverside)
    )


def _all_names(session: Session, house: House, benali: UUID) -> Any:
    return [p.family_name for p in session.scalars(select(Patient)) if p.practice_id != house.riverside]


def _by_id(session: Session, house: House, benali: UUID) -> Any:
    return session.scalar(select(Patient).where(Patient.id == benali))


def _by_key(session: Session, house: House, benali: UUID) -> Any:
    return session.get(Patient, (house.lumiere, benali))


def _through_the_practice(session: Session, house: House, benali: UUID) -> Any:
    query = select(Patient.family_name).join(tenancy.Practice, tenancy.Practice.id == Patient.practice_id)
    return session.scalars(query.where(tenancy.Practice.slug == "lumiere")).all()


def _update(session: Session, house: House, benali: UUID) -> Any:
    return session.execute(update(Patient).where(Patient.id == benali).values(sex="other")).rowcount


def _delete(session: Session, house: House, benali: UUID) -> Any:
    return session.execute(delete(Patient).where(Patient.practice_id == house.lumiere)).rowcount


def _insert(session: Session, house: House, benali: UUID) -> Any:
    session.add(PatientIdentifier(practice_id=house.lumiere, patient_id=benali, system="local", value="mine"))
    session.flush()
    return "written"


def _attach(session: Session, house: House, benali: UUID) -> Any:
    session.add(
        PatientIdentifier(practice_id=house.riverside, patient_id=benali, system="local", value="mine")
    )
    session.flush()
    return "written"


ATTEMPTS: tuple[Attempt, ...] = (
    _count, _all_names, _by_id, _by_key, _through_the_practice, _update, _delete, _insert, _attach,
)  # fmt: skip


def try_everything(house: House, benali: UUID) -> None:
    """Each attempt ends in an error, or with nothing."""
    for attempt in ATTEMPTS:
        got = None
        with suppress(*HELD), house.at(house.riverside) as session:
            with suppress(*HELD):
                got = attempt(session, house, benali)
            session.rollback()
        assert not got, f"{attempt.__name__} got {got!r}"


def test_with_every_layer_in_place(house: House, benali: UUID) -> None:
    try_everything(house, benali)


def test_without_the_guards_filter(house: House, benali: UUID) -> None:
    with without(TenantSession, "do_orm_execute", guard._filter):
        try_everything(house, benali)


def test_without_the_guards_stamp(house: House, benali: UUID) -> None:
    with without(TenantSession, "before_flush", guard._stamp):
        try_everything(house, benali)


def test_without_the_whole_guard(house: House, benali: UUID) -> None:
    with (
        without(TenantSession, "do_orm_execute", guard._filter),
        without(TenantSession, "before_flush", guard._stamp),
    ):
        try_everything(house, benali)


def test_without_what_holds_below_the_guard(house: House, benali: UUID) -> None:
    """PostgreSQL's policies are off on every table; on SQLite the last look is."""
    if db.engine().dialect.name == "sqlite":
        with without(db.engine(), "before_cursor_execute", fence._look):
            try_everything(house, benali)
        return
    with as_owner() as connection:
        for table in rls.tables(connection):
            connection.execute(text(f"ALTER TABLE {table.quoted} DISABLE ROW LEVEL SECURITY"))
    try_everything(house, benali)


def test_when_the_database_is_told_nothing(house: House, benali: UUID) -> None:
    """The fence's session listener is gone: PostgreSQL closes, SQLite has the guard."""
    with without(TenantSession, "after_begin", fence._join):
        if db.engine().dialect.name == "postgresql":
            with house.at(house.lumiere, write=False) as session:
                assert session.scalars(select(Patient)).all() == [], "closed when unset, even for one's own"
        try_everything(house, benali)


def test_the_attempts_succeed_where_no_layer_is_left(house: House, benali: UUID) -> None:
    """Or the tests above would prove nothing."""
    engine = db.engine()
    if engine.dialect.name == "postgresql":
        with as_owner() as connection:
            for table in rls.tables(connection):
                connection.execute(text(f"ALTER TABLE {table.quoted} DISABLE ROW LEVEL SECURITY"))
    sqlite = engine.dialect.name == "sqlite"
    look = without(engine, "before_cursor_execute", fence._look) if sqlite else nullcontext()
    got = {}
    with (
        look,
        without(TenantSession, "do_orm_execute", guard._filter),
        without(TenantSession, "before_flush", guard._stamp),
    ):
        for attempt in ATTEMPTS:
            with suppress(*HELD), house.at(house.riverside) as session:
                with suppress(*HELD):
                    got[attempt] = attempt(session, house, benali)
                session.rollback()
    succeeded = {attempt.__name__ for attempt, found in got.items() if found}
    assert succeeded == {attempt.__name__ for attempt in ATTEMPTS} - {"_attach"}, "only the keys are left"


# --- the gate ----------------------------------------------------------------------------------------------------


def visit_everything(app: Flask, house: House, helen: Visitor, ids: dict[str, UUID]) -> int:
    """Helen, of Riverside, asks for every page of Lumière by every method, with ids that exist there."""
    asked = 0
    for rule, method in every_request(app, "staff"):
        answer = send(helen, method, url_of(rule, "lumiere", ids))
        assert answer.status_code in (403, 404), f"{method} {rule.rule}: {answer.status_code}"
        page = answer.get_data(as_text=True)
        for secret in ("Benali", "Moreau-Petit", "+33639980002"):
            assert secret not in page, f"{method} {rule.rule}"
        asked += 1
    return asked


def test_without_the_gates_check_of_membership(
    app: Flask, house: House, helen: Visitor, foreign_ids: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions come from the membership in this very practice, and there is none."""

    def of_everybody(user_id: int) -> dict[tenancy.Practice, list[str]]:
        return {practice: ["practice_admin"] for practice in db.session().scalars(select(tenancy.Practice))}

    monkeypatch.setattr(gate.tenancy, "memberships_of", of_everybody)
    assert visit_everything(app, house, helen, foreign_ids) > 20


def test_without_the_gates_check_of_permissions(
    app: Flask, house: House, helen: Visitor, foreign_ids: dict[str, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.security.permissions import declared

    everything = frozenset(item.name for item in declared())
    monkeypatch.setattr(gate, "current_permissions", lambda: everything)
    assert visit_everything(app, house, helen, foreign_ids) > 20


# --- a missing layer is noticed ----------------------------------------------------------------------------------


def test_the_guard_listens() -> None:
    assert event.contains(TenantSession, "do_orm_execute", guard._filter)
    assert event.contains(TenantSession, "before_flush", guard._stamp)


def test_the_fence_stands(configured: object) -> None:
    below = fence._look if db.engine().dialect.name == "sqlite" else fence._tell
    assert event.contains(TenantSession, "after_begin", fence._join)
    assert event.contains(db.engine(), "before_cursor_execute", below)
    assert event.contains(db.engine(), "before_cursor_execute", fence._refuse_text)


def test_the_gate_stands_before_everything(app: Flask) -> None:
    before = app.before_request_funcs[None]
    earlier = {function.__module__ for function in before[: before.index(gate._open)]}
    assert earlier <= {"core.web.metrics"}, "which counts and lets nobody in"


def test_nothing_but_core_db_sets_the_practice_of_the_database() -> None:
    from pathlib import Path

    root = Path(__file__).parents[2]
    sources = [path for folder in ("core", "plugins") for path in (root / folder).rglob("*.py")]
    told = {
        path.relative_to(root).parts[:2] for path in sources if "careroom.practice_id" in path.read_text()
    }
    assert told == {("core", "db")}
