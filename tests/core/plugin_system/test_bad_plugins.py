"""The platform stands whatever a plugin does: each fixture plugin misbehaves in one way, and the pages are whole.

The hooks are those of ``CONTRACTS``: a new one is covered without a line here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from core import audit, db
from core.app import create_app
from core.plugin_system import Plugin, dispatch, faults, registry, wiring
from core.plugin_system.dispatch import HookFailed
from core.plugin_system.hookspecs import CONTRACTS
from core.plugin_system.models import PracticePlugin
from core.settings import Settings
from tests.core.plugin_system.whole_pages import assert_whole
from tests.support.bad_plugins import (
    in_every_hook,
    misbehaving,
    with_hooks,
)
from tests.support.house import House, Visitor

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
