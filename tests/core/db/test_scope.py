"""Scopes: hooks around a commit, savepoints, leases."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, event

from core import db
from core.jobs import JobRow
from tests.support.house import House

pytestmark = pytest.mark.both_databases


def test_hooks_run_in_order_and_only_when_it_commits(house: House) -> None:
    seen: list[str] = []
    with house.at(house.riverside):
        db.before_commit(lambda: seen.append("late"), order=20)
        db.before_commit(lambda: seen.append("early"), order=10)
        db.after_commit(lambda: seen.append("after"))
        assert seen == []
    assert seen == ["early", "late", "after"]


def test_a_rolled_back_scope_forgets_its_hooks(house: House) -> None:
    seen: list[str] = []
    with pytest.raises(ZeroDivisionError), house.at(house.riverside):
        db.before_commit(lambda: seen.append("before"))
        db.after_commit(lambda: seen.append("after"))
        raise ZeroDivisionError
    assert seen == []


def test_a_hook_that_raises_after_the_commit_undoes_nothing(house: House) -> None:
    seen: list[str] = []
    with house.at(house.riverside) as session:
        session.add(JobRow(kind="core.kept", payload={}))
        db.after_commit(lambda: 1 / 0)
        db.after_commit(lambda: seen.append("the next one"))
    assert seen == ["the next one"]
    with house.at(house.riverside, write=False) as session:
        assert session.query(JobRow).filter_by(kind="core.kept").count() == 1


def test_a_savepoint_takes_back_its_part_only(house: House) -> None:
    with house.at(house.riverside) as session:
        session.add(JobRow(kind="core.kept", payload={}))
        db.pending("notes").append("kept")
        with pytest.raises(ZeroDivisionError), db.savepoint():
            session.add(JobRow(kind="core.lost", payload={}))
            db.pending("notes").append("lost")
            raise ZeroDivisionError
        assert db.pending("notes") == ["kept"]
    with house.at(house.riverside, write=False) as session:
        kinds = {row.kind for row in session.query(JobRow)}
    assert "core.kept" in kinds
    assert "core.lost" not in kinds


def test_only_work_that_says_so_does_not_wait_for_the_disk(house: House) -> None:
    is_sqlite = db.engine().dialect.name == "sqlite"
    waits = {"2": True, "1": False} if is_sqlite else {"on": True, "off": False}
    seen: list[bool] = []

    def ask(connection: Connection) -> None:
        how = "PRAGMA synchronous" if is_sqlite else "SHOW synchronous_commit"
        seen.append(waits[str(connection.exec_driver_sql(how).scalar())])

    event.listen(db.engine(), "commit", ask)
    for durable in (True, False, False, True):
        with db.scope(house.riverside, durable=durable) as session:
            session.add(JobRow(kind=f"core.durable_{durable}", payload={}))
    event.remove(db.engine(), "commit", ask)
    assert seen == [True, False, False, True]
    with house.at(house.riverside, write=False) as session:
        assert session.query(JobRow).filter(JobRow.kind.startswith("core.durable_")).count() == 4


def test_a_leased_row_is_nobody_elses_until_the_lease_ends(house: House) -> None:
    with house.at(house.riverside) as session:
        session.add(JobRow(kind="core.nothing", payload={}))
        session.flush()
    first = db.lease_due(JobRow, 100, seconds=60)
    assert first
    assert db.lease_due(JobRow, 100, seconds=60) == []
