"""What cannot be imported, does not fit or reaches for another's is left out as soon as it is found."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import Column, Integer, Table
from sqlalchemy.orm import configure_mappers

from core import db
from core.app import create_app
from core.jobs import Job
from core.notifications.templates import Template
from core.plugin_system import ManifestError, Panel, Permission, Plugin, registry, wiring
from core.settings import Settings
from core.web.routes import StaffRoutes
from tests.core.plugin_system.whole_pages import assert_whole
from tests.support.bad_plugins import (
    hooks,
    publishes_what_cannot_be_read,
)
from tests.support.house import House, Visitor
from tests.support.plugins import make


def _reasons(settings: Settings, *plugins: Plugin, paths: tuple[str, ...] = ()) -> dict[str, str]:
    registry.load(settings.model_copy(update={"plugin_paths": paths}), plugins)
    assert "photo_request" in registry, "the others are there"
    return {refusal.name: refusal.reason for refusal in registry.refused}


@pytest.fixture
def fresh(configured: Settings) -> Iterator[Settings]:
    yield configured
    wiring.start(configured)


@pytest.mark.parametrize(
    "what", ["raises_on_import", "exits_on_import", "is_no_plugin", "maps_a_relationship_to_nobody"]
)
def test_a_plugin_that_cannot_be_imported_is_left_out(fresh: Settings, what: str) -> None:
    path = f"tests.support.bad_plugins.{what}"
    assert path in _reasons(fresh, paths=(path,))


def test_missing_dependencies_and_circles_are_left_out(fresh: Settings) -> None:
    reasons = _reasons(
        fresh,
        make("x_a", requires=("x_nobody",)),
        make("x_b", requires=("x_c",)),
        make("x_c", requires=("x_b",)),
    )
    assert reasons.keys() >= {"x_a", "x_b", "x_c"}


def test_a_table_of_anothers_prefix_is_refused(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every table under plugins.photo_request begins with photo_request_, so another name for that package steals them.
    assert "x_thief" in _reasons(fresh, make("x_thief", package="plugins.photo_request"))


def _job(seconds: int) -> Job:
    return Job("x_bad.job", lambda _payload: None, every=timedelta(seconds=seconds))


def _template(text: str) -> Template:
    return Template(name="x_bad.told", title="x", variables={}, subject="x", text=text, channels=())


def _routes(name: str, owner: str = "x_bad") -> StaffRoutes:
    return StaffRoutes(owner, __name__, name=name)


@pytest.mark.parametrize(
    "fields",
    [
        {"hookspecs": ModuleType("empty")},
        {"hookspecs": publishes_what_cannot_be_read},
        {"jobs": (_job(60), _job(90))},
        {"templates": (_template("one"), _template("another"))},
        {"routes": (_routes("x_bad"), _routes("x_bad"))},
    ],
    ids=["no hooks published", "no annotation", "jobs", "templates", "routes"],
)
def test_what_does_not_fit_together_is_left_out(fresh: Settings, fields: dict[str, Any]) -> None:
    assert "x_bad" in _reasons(fresh, make("x_bad", **fields))


def test_of_two_plugins_with_the_same_hooks_or_routes_the_first_is_taken(fresh: Settings) -> None:
    same = hooks(navigation=lambda ctx: [])
    assert _reasons(fresh, make("x_a", hooks=same), make("x_b", hooks=same)).keys() >= {"x_b"}
    assert "x_a" in registry
    first = make("x_a", routes=(_routes("x_shared", "x_a"),))
    assert "x_b" in _reasons(fresh, first, make("x_b", routes=(_routes("x_shared", "x_b"),)))
    assert "x_a" in registry


def test_a_class_mapped_to_a_table_object_is_looked_at_like_any_other(fresh: Settings) -> None:
    package = "tests.made_up_tables"
    table = Table("x_other_thing", db.Base.metadata, Column("id", Integer, primary_key=True))
    made: Any = type("Thing", (db.Base,), {"__table__": table, "__module__": f"{package}.models"})
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, package, importlib.import_module("tests.support"))
            reasons = _reasons(fresh, make("x_bad", package=package))
        assert "must begin with x_bad_" in reasons["x_bad"]
    finally:
        db.Base.registry._managers.pop(made.__mapper__.class_manager, None)
        db.Base.registry._dispose_manager_and_mapper(made.__mapper__.class_manager)
        db.Base.metadata.remove(table)


def test_the_classes_of_all_others_stay_mapped(fresh: Settings) -> None:
    path = "tests.support.bad_plugins.maps_a_relationship_to_nobody"
    for _time in range(2):  # imported once, and refused each time
        assert "Nobody" in _reasons(fresh, paths=(path,))[path]
        assert "x_lonely_thing" not in db.Base.metadata.tables
        configure_mappers()


def test_routes_named_as_the_platforms_are_leave_their_plugin_out(house: House) -> None:
    module = ModuleType("tests.made_up")
    vars(module)["x_bad"] = make("x_bad", routes=(_routes("patients"),))
    vars(module)["x_more"] = make("x_more", requires=("x_bad",))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "tests.made_up", module)
            paths = ("tests.made_up:x_bad", "tests.made_up:x_more")
            app = create_app(house.settings.model_copy(update={"plugin_paths": paths}))
        assert {"x_bad", "x_more"} <= {refusal.name for refusal in registry.faults}
        assert "photo_request" in registry
        helen = Visitor(app, app.test_client())
        helen.sign_in("helen")
        assert_whole(house, helen)
    finally:
        wiring.start(house.settings)


def test_permissions_and_routes_of_another_are_refused() -> None:
    with pytest.raises(ManifestError):
        make("x_thief", permissions=(Permission("photo_request.view", "x"),))
    with pytest.raises(ManifestError):
        make("x_thief", routes=(StaffRoutes("photo_request", __name__, name="x_thief"),))


class NeedsAValue(BaseModel):
    """Cannot be made without somebody's help."""

    needed: int


@pytest.mark.parametrize("settings", [NeedsAValue, dict, None])
def test_settings_that_cannot_be_made_are_refused(settings: Any) -> None:
    with pytest.raises(ManifestError):
        make("x_settings", settings=settings)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "No Name"},
        {"permission": "anything"},
        {"order": "first"},
        {"title": 3},
        {"topics": "one"},
        {"view": "no function"},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_panel_that_no_page_could_show_is_refused_where_it_is_made(fields: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        Panel(
            **{
                "slot": "today.main",
                "name": "x",
                "title": "x",
                "view": str,
                "permission": "core.work",
                **fields,
            }
        )
