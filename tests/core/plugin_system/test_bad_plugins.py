"""The platform stands whatever a plugin does: each fixture plugin misbehaves in one way, and the pages are whole.

The hooks are those of ``CONTRACTS``: a new one is covered without a line here.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from flask import Flask
from pydantic import BaseModel
from sqlalchemy import Column, Integer, Table
from sqlalchemy.orm import configure_mappers

from core import audit, db
from core.app import create_app
from core.jobs import Job
from core.notifications.templates import Template
from core.plugin_system import ManifestError, Panel, Permission, Plugin, dispatch, faults, registry, wiring
from core.plugin_system.dispatch import HookFailed
from core.plugin_system.hookspecs import CONTRACTS
from core.plugin_system.models import PracticePlugin
from core.settings import Settings
from core.web.routes import StaffRoutes
from tests.support.bad_plugins import (
    hooks,
    in_every_hook,
    misbehaving,
    publishes_what_cannot_be_read,
    with_hooks,
)
from tests.support.house import House, Visitor
from tests.support.plugins import make

HOOKS = sorted(CONTRACTS)
NAME = "Margaret Whitfield"
Install = Callable[..., None]
Build = Callable[..., Visitor]


@pytest.fixture
def install(house: House) -> Iterator[Install]:
    """Install plugins beside those that are there, without a web application."""
    yield lambda *plugins: _load(house.settings, *plugins)
    wiring.start(house.settings)


def _load(settings: Settings, *plugins: Plugin) -> None:
    wiring.start(settings)
    registry.load(settings, plugins)


@pytest.fixture
def browser(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """An application with these plugins, and Helen signed in to it."""

    def build(*plugins: Plugin) -> Visitor:
        module = ModuleType("tests.made_up")
        monkeypatch.setitem(sys.modules, "tests.made_up", module)
        for plugin in plugins:
            setattr(module, plugin.name, plugin)
        paths = tuple(f"tests.made_up:{plugin.name}" for plugin in plugins)
        app: Flask = create_app(house.settings.model_copy(update={"plugin_paths": paths}))
        assert {plugin.name for plugin in plugins} <= set(registry.plugins), registry.refused
        helen = Visitor(app, app.test_client())
        helen.sign_in("helen")
        return helen

    yield build
    wiring.start(house.settings)


def pages(house: House) -> dict[str, str]:
    """Pages with what each must show, whatever a plugin does."""
    patient = house.patient_id(house.riverside, "Whitfield")
    return {
        "/p/riverside/": 'data-panel="photo_request.photos_today"',
        "/p/riverside/patients": "WHITFIELD",
        f"/p/riverside/patients/{patient}": 'data-panel="core.timeline"',
        "/p/riverside/admin/plugins": "Photo requests",
    }


def assert_whole(house: House, helen: Visitor) -> dict[str, str]:
    found = {}
    for url, expected in pages(house).items():
        answer = helen.get(url)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200, url
        assert expected.lower() in text.lower(), url
        assert "</html>" in text
        found[url] = text
    return found


def waiting(kind: str) -> set[tuple[str, str]]:
    """(plugin, surface) of the faults of this kind that wait to be stored."""
    return {(key[1], key[2]) for key in faults._waiting if key[3] == kind}


# --- in every hook ------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
@pytest.mark.parametrize("does", misbehaving.FAILING, ids=lambda does: does.__name__)
@pytest.mark.parametrize("write", [True, False], ids=["write", "read"])
def test_a_hook_that_fails_stays_alone(
    house: House, install: Install, does: Callable[..., Any], write: bool
) -> None:
    called: list[str] = []
    install(in_every_hook("x_bad", does), in_every_hook("x_good", lambda ctx: called.append("x_good")))
    for hook in HOOKS:
        contract = CONTRACTS[hook]
        called.clear()
        faults.forget()
        with house.at(house.riverside, write=write) as session:
            if contract.policy == "isolate":
                assert dispatch.call(hook, None, owner="x_bad") == []
                dispatch.call(hook, None, owner="x_good")
                assert called == ["x_good"], hook
                assert session.query(PracticePlugin).count() >= 0, "the transaction is as good as new"
                assert waiting("raised") == {("x_bad", hook)}
            else:
                expected = HookFailed if contract.policy == "required" else (Exception, SystemExit)
                with pytest.raises(expected):
                    dispatch.call(hook, None, owner="x_bad")
                assert waiting("raised") == {("x_bad", hook)}
                db.rollback()


@pytest.mark.parametrize("does", misbehaving.WRONG, ids=lambda does: does.__name__)
@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "production"])
def test_a_wrong_answer_is_left_out(
    house: House,
    install: Install,
    monkeypatch: pytest.MonkeyPatch,
    hook: str,
    does: Callable[..., Any],
    strict: bool,
) -> None:
    monkeypatch.setattr(house.settings, "strict_hooks", strict)
    install(in_every_hook("x_bad", does))
    contract = CONTRACTS[hook]
    with house.at(house.riverside, write=False):
        if contract.item is None and not strict:
            assert dispatch.call(hook, None, owner="x_bad") == [], "what nobody asked for is not looked at"
        elif contract.policy == "isolate":
            assert dispatch.call(hook, None, owner="x_bad") == []
            assert waiting("wrong_answer") == {("x_bad", hook)}
        else:
            with pytest.raises((TypeError, HookFailed)):
                dispatch.call(hook, None, owner="x_bad")


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_takes_too_long_is_counted(
    house: House, install: Install, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    now = [0.0]
    monkeypatch.setattr(dispatch, "perf_counter", lambda: now[0])

    def takes_its_time(_ctx: Any) -> None:
        now[0] += CONTRACTS[hook].budget * 5

    install(in_every_hook("x_slow", takes_its_time), in_every_hook("x_quick", lambda ctx: None))
    with house.at(house.riverside, write=False):
        dispatch.call(hook, None, owner="x_slow")
        dispatch.call(hook, None, owner="x_quick")
        assert waiting("slow") == {("x_slow", hook)}


@pytest.mark.parametrize("hook", [name for name in HOOKS if CONTRACTS[name].policy == "isolate"])
def test_rows_left_behind_by_a_hook_of_a_page_are_taken_away(
    house: House, install: Install, hook: str
) -> None:
    install(in_every_hook("x_bad", misbehaving.leaves_rows))
    with house.at(house.riverside, write=False) as session:
        audit.record("patient.viewed")
        dispatch.call(hook, None, owner="x_bad")
        assert waiting("wrote") == {("x_bad", hook)}
        assert session.query(PracticePlugin).filter_by(name="x_debris").count() == 0
    with house.at(house.riverside, write=False):
        assert audit.history(limit=1)[0].action == "patient.viewed", "what the trail was told is kept"


def test_no_log_line_quotes_what_an_exception_says(
    house: House, install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install(in_every_hook("x_bad", misbehaving.raises))
    with house.at(house.riverside, write=False):
        dispatch.call("navigation", None, owner="x_bad")
        reference = next(iter(faults._waiting.values())).reference
    told = "".join(capsys.readouterr())
    assert reference in told, "the log entry is found by its reference"
    assert NAME not in told


# --- on pages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("does", [*misbehaving.FAILING, *misbehaving.WRONG], ids=lambda does: does.__name__)
def test_pages_are_whole_beside_a_plugin_that_fails_in_every_hook(
    house: House, browser: Build, does: Callable[..., Any]
) -> None:
    assert_whole(house, browser(in_every_hook("x_bad", does)))


def test_pages_are_whole_beside_a_plugin_that_leaves_rows(house: House, browser: Build) -> None:
    assert_whole(house, browser(in_every_hook("x_bad", misbehaving.leaves_rows)))
    with house.at(house.riverside, write=False) as session:
        assert session.query(PracticePlugin).filter_by(name="x_debris").count() == 0


def _with_panels(view: Callable[[Any], Any], **fields: Any) -> Plugin:
    return with_hooks(
        "x_bad",
        patient_panels=lambda ctx: [misbehaving.panel("patient.main", view, **fields)],
        today_panels=lambda ctx: [misbehaving.panel("today.main", view, **fields)],
    )


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "view",
    [
        *misbehaving.FAILING,
        misbehaving.leaves_rows,
        misbehaving.answers_a_dict,
        misbehaving.answers_a_generator,
        misbehaving.loops,
    ],
    ids=lambda view: view.__name__,
)
def test_a_panel_that_fails_says_so_quietly(house: House, browser: Build, view: Callable[..., Any]) -> None:
    found = assert_whole(house, browser(_with_panels(view)))
    for text in list(found.values())[0:3:2]:
        assert 'data-panel="x_bad.bad"' in text
        assert text.count("This part cannot be shown just now.") == 1
        assert "Reference: " in text
        assert "data-panel-retry" in text


@pytest.mark.both_databases
def test_a_panel_that_swallows_a_failed_statement_spoils_nothing(house: House, browser: Build) -> None:
    found = assert_whole(house, browser(_with_panels(misbehaving.swallows_a_failed_statement)))
    escaped, refused = (
        "&lt;p&gt;fine&lt;/p&gt;",
        "This part cannot be shown just now.",
    )  # as PostgreSQL refuses it
    assert (escaped in found["/p/riverside/"]) != (refused in found["/p/riverside/"])


def test_a_panel_that_loops_blows_its_budget_and_is_shown_once_it_is_done(
    house: House, browser: Build
) -> None:
    def loops_and_answers(ctx: Any) -> str:
        misbehaving.loops(ctx)
        return "at last"

    helen = browser(_with_panels(loops_and_answers))
    assert "at last" in helen.get("/p/riverside/").get_data(as_text=True)
    assert _stored(house) == [("panel:bad", "slow", 1)]


def _stored(house: House) -> list[tuple[str, str, int]]:
    faults.settle(now=True)
    with house.at(house.riverside, write=False):
        return [(fault.surface, fault.kind, fault.count) for fault in faults.recent("x_bad")]


def test_what_is_not_marked_as_html_is_escaped(house: House, browser: Build) -> None:
    bad = with_hooks(
        "x_bad",
        navigation=misbehaving.a_script_in_every_title,
        today_panels=lambda ctx: [
            misbehaving.panel("today.main", misbehaving.emits_script, title=misbehaving.SCRIPT)
        ],
    )
    text = assert_whole(house, browser(bad))["/p/riverside/"]
    assert misbehaving.SCRIPT not in text
    assert text.count("&lt;script&gt;window.stolen") >= 3, "rail, title, content"


def test_a_script_in_marked_html_has_no_nonce_and_does_not_run(house: House, browser: Build) -> None:
    helen = browser(_with_panels(misbehaving.emits_marked_script))
    answer = helen.get("/p/riverside/")
    assert misbehaving.SCRIPT in answer.get_data(as_text=True)
    policy = {
        part.split()[0]: part.split()[1:]
        for part in answer.headers["Content-Security-Policy"].split(";")
        if part.strip()
    }
    assert not {"'unsafe-inline'", "'unsafe-eval'"} & set(policy["script-src"])
    assert any(word.startswith("'nonce-") for word in policy["script-src"])


def test_a_button_cannot_run_a_script(house: House, browser: Build) -> None:
    helen = browser(with_hooks("x_bad", patient_actions=misbehaving.a_button_that_runs_a_script))
    assert all("javascript:" not in text for text in assert_whole(house, helen).values())


def test_a_panel_in_a_slot_that_nobody_declares_is_a_fault(
    house: House, browser: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.settings, "strict_hooks", False)
    bad = with_hooks(
        "x_bad", today_panels=lambda ctx: [misbehaving.panel("today.nowhere", misbehaving.emits_script)]
    )
    text = assert_whole(house, browser(bad))["/p/riverside/"]
    assert "x_bad" not in text
    assert ("panel:bad", "wrong_answer") in {(part, kind) for part, kind, _count in _stored(house)}


def test_a_panel_is_its_plugins_whatever_permission_it_asks_for(
    house: House, browser: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.settings, "strict_hooks", False)
    fields = {"name": "photos_today", "permission": "photo_request.send"}
    helen = browser(_with_panels(misbehaving.emits_script, **fields))
    text = helen.get("/p/riverside/").get_data(as_text=True)
    assert 'data-panel="x_bad.photos_today"' in text
    assert text.count('data-panel="photo_request.photos_today"') == 1
    own = helen.get("/p/riverside/panels/photo_request/photos_today").get_data(as_text=True)
    assert "stolen" not in own


# --- when they are found ------------------------------------------------------------------------------------------


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
    module.x_bad = make("x_bad", routes=(_routes("patients"),))  # type: ignore[attr-defined]
    module.x_more = make("x_more", requires=("x_bad",))  # type: ignore[attr-defined]
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
