"""Calling hooks: one plugin's fault is its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from core import audit, db, tenancy
from core.plugin_system import NavItem, Plugin, StaffContext, activation, call, hookimpl, wiring
from core.plugin_system.models import PracticePlugin
from tests.support.house import House
from tests.support.plugins import installer, make

pytestmark = pytest.mark.both_databases


def item(name: str) -> NavItem:
    return NavItem(name, name, "puzzle", "/", "core.work")


def plugin_with(name: str, navigation: Callable[[StaffContext], Any]) -> Plugin:
    hooks = ModuleType(name)

    def implementation(ctx: StaffContext) -> Any:
        return navigation(ctx)

    implementation.__name__ = "navigation"
    hooks.navigation = hookimpl(implementation)  # type: ignore[attr-defined]
    return make(name, hooks=hooks, default_on=True)


@pytest.fixture
def install(house: House) -> Iterator[Callable[..., None]]:
    yield installer(house.settings)
    wiring.start(house.settings)


def offered(house: House, *, write: bool) -> list[str]:
    with house.at(house.riverside, write=write):
        context = StaffContext(tenancy.current(), 1, frozenset())
        return [entry.name for entry in call("navigation", context) if entry.name.startswith("x_")]


@pytest.mark.parametrize("write", [True, False])
def test_what_the_others_answer_survives_one_that_raises(
    house: House, install: Callable[..., None], write: bool
) -> None:
    def raises(ctx: StaffContext) -> Any:
        raise RuntimeError("Margaret Whitfield is not to be in a log")

    install(
        plugin_with("x_a", lambda ctx: [item("x_first")]),
        plugin_with("x_b", raises),
        plugin_with("x_c", lambda ctx: [item("x_last")]),
    )
    assert offered(house, write=write) == ["x_first", "x_last"]


@pytest.mark.parametrize("answer", ["text", [1, 2], [item("x_fine"), None], {"a": 1}])
def test_a_wrong_answer_is_left_out_whole(house: House, install: Callable[..., None], answer: object) -> None:
    install(plugin_with("x_a", lambda ctx: answer), plugin_with("x_b", lambda ctx: [item("x_last")]))
    assert offered(house, write=True) == ["x_last"]


def test_the_rows_of_one_that_raises_are_undone(house: House, install: Callable[..., None]) -> None:
    def writes_and_raises(ctx: StaffContext) -> Any:
        db.session().add(PracticePlugin(name="x_debris"))
        db.session().flush()
        raise RuntimeError

    install(plugin_with("x_a", writes_and_raises), plugin_with("x_b", lambda ctx: [item("x_last")]))
    assert offered(house, write=True) == ["x_last"]
    with house.at(house.riverside, write=False) as session:
        assert session.query(PracticePlugin).filter_by(name="x_debris").count() == 0


def test_a_failed_query_does_not_spoil_the_page(house: House, install: Callable[..., None]) -> None:
    def asks_nonsense(ctx: StaffContext) -> Any:
        from sqlalchemy import func, select

        return db.session().scalar(select(func.no_such_function(1)))

    install(plugin_with("x_a", asks_nonsense), plugin_with("x_b", lambda ctx: [item("x_last")]))
    assert offered(house, write=False) == ["x_last"]
    assert offered(house, write=True) == ["x_last"]


def test_a_failed_query_loses_nothing_that_the_trail_was_told(
    house: House, install: Callable[..., None]
) -> None:
    from sqlalchemy import func, select

    install(plugin_with("x_a", lambda ctx: db.session().scalar(select(func.no_such_function(1)))))
    with house.at(house.riverside, write=False):
        audit.record("patient.viewed")
        call("navigation", StaffContext(tenancy.current(), 1, frozenset()))
    with house.at(house.riverside, write=False):
        assert audit.history(limit=1)[0].action == "patient.viewed"


def test_a_plugin_that_is_off_is_not_asked(house: House, install: Callable[..., None]) -> None:
    asked: list[str] = []

    def note(ctx: StaffContext) -> Any:
        asked.append("x_a")
        return [item("x_a")]

    install(plugin_with("x_a", note))
    assert offered(house, write=False) == ["x_a"]
    with house.at(house.riverside):
        activation.disable("x_a")
    asked.clear()
    assert offered(house, write=False) == []
    assert asked == []
