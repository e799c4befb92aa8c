"""The breaker: a plugin that keeps failing in a practice rests there, is tried again, and is well again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from core import audit, metrics, tenancy
from core.app import create_app
from core.plugin_system import NavItem, breaker, dispatch, faults, registry, wiring
from core.plugin_system.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, WINDOW
from tests.support.bad_plugins import misbehaving, with_hooks
from tests.support.house import House, Visitor

PAUSED = "This part is paused"


class Sick:
    """A plugin whose hook and panel fail while it is sick, and that counts how often it was asked."""

    def __init__(self) -> None:
        self.is_sick, self.asked = True, 0

    def navigation(self, _ctx: Any) -> list[NavItem]:
        self.asked += 1
        if self.is_sick:
            raise RuntimeError
        return [NavItem("x_sick", "Sick", "puzzle", "/", "core.work")]

    def panel(self, _ctx: Any) -> str:
        self.asked += 1
        if self.is_sick:
            raise RuntimeError
        return "well"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    time = [1000.0]
    monkeypatch.setattr(breaker, "clock", lambda: time[0])
    return time


@pytest.fixture
def sick(house: House, now: list[float]) -> Iterator[Sick]:
    found = Sick()
    wiring.start(house.settings)
    registry.load(house.settings, [with_hooks("x_sick", navigation=found.navigation)])
    yield found
    wiring.start(house.settings)


def ask(house: House, times: int = 1, practice_id: UUID | None = None) -> str:
    """Call the hook so often; the breaker's state afterwards."""
    with house.at(practice_id or house.riverside, write=False):
        for _ in range(times):
            dispatch.call("navigation", None, owner="x_sick")
        return breaker.state("x_sick")


def test_it_opens_after_repeated_failures_in_that_practice_only(house: House, sick: Sick) -> None:
    assert ask(house, FAILURES - 1) == "closed"
    assert ask(house) == "open"
    asked = sick.asked
    assert ask(house, 3) == "open"
    assert sick.asked == asked, "who rests is not called"
    assert ask(house, practice_id=house.lumiere) == "closed"
    assert sick.asked == asked + 1
    assert breaker.states() == {"x_sick": "open"}


def test_failures_far_apart_do_not_add_up(house: House, sick: Sick, now: list[float]) -> None:
    for _ in range(FAILURES * 2):
        assert ask(house) == "closed"
        now[0] += WINDOW / (FAILURES - 2)


def test_a_failure_now_and_then_among_many_calls_is_no_reason(house: House, sick: Sick) -> None:
    for _ in range(FAILURES * 2):
        sick.is_sick = True
        assert ask(house) == "closed"
        sick.is_sick = False
        ask(house, 3)


def test_it_is_tried_once_when_the_rest_is_over_and_closes_when_it_is_well(
    house: House, sick: Sick, now: list[float]
) -> None:
    ask(house, FAILURES)
    now[0] += FIRST_PAUSE + 1
    with house.at(house.riverside, write=False):
        assert breaker.state("x_sick") == "half_open"
        assert breaker.admits("x_sick", "navigation"), "one tries"
        assert not breaker.admits("x_sick", "navigation"), "the others wait for what it finds"
        assert breaker.admits("x_sick", "patient_panels"), "what had not failed is asked"
        breaker.failed("x_sick", "navigation")
    sick.is_sick = False
    now[0] += 2 * FIRST_PAUSE + 1
    assert ask(house) == "closed"
    assert not breaker.watching, "and nothing of it is kept"


def test_each_rest_is_longer_up_to_a_limit(house: House, sick: Sick, now: list[float]) -> None:
    ask(house, FAILURES)
    rests = []
    for _ in range(8):
        begun = now[0]
        while ask(house) == "open" and now[0] - begun < 2 * LONGEST_PAUSE:
            now[0] += 10
            with house.at(house.riverside, write=False):
                if breaker.state("x_sick") == "half_open":
                    break
        rests.append(now[0] - begun)
    assert rests[0] == FIRST_PAUSE
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_PAUSE


def test_blown_budgets_open_it_too(house: House, sick: Sick, monkeypatch: pytest.MonkeyPatch) -> None:
    time = [0.0]

    def slowly(_ctx: Any) -> list[NavItem]:
        time[0] += 5
        return []

    registry.load(house.settings, [with_hooks("x_sick", navigation=slowly)])
    monkeypatch.setattr(dispatch, "perf_counter", lambda: time[0])
    assert ask(house, FAILURES) == "open"


def test_a_hook_that_may_say_no_is_asked_all_the_same(house: House, now: list[float]) -> None:
    wiring.start(house.settings)
    registry.load(house.settings, [with_hooks("x_sick", link_changed=misbehaving.raises)])
    try:
        for _ in range(FAILURES + 2):
            with house.at(house.riverside, write=False), pytest.raises(RuntimeError):
                dispatch.call("link_changed", None, owner="x_sick")
        with house.at(house.riverside, write=False):
            assert breaker.state("x_sick") == "open"
    finally:
        wiring.start(house.settings)


@pytest.mark.both_databases
def test_what_failed_is_stored_once_the_work_is_done_and_gathered(house: House, sick: Sick) -> None:
    with house.at(house.riverside, write=False):
        for _ in range(FAILURES):
            dispatch.call("navigation", None, owner="x_sick")
        faults.settle(now=True)
        assert faults.are_waiting(), "not while a transaction is open"
    faults.settle(now=True)
    assert not faults.are_waiting()
    with house.at(house.riverside, write=False):
        found = faults.recent("x_sick")
        assert [(fault.surface, fault.kind, fault.error, fault.count) for fault in found] == [
            ("navigation", "raised", "RuntimeError", FAILURES)
        ]
        assert found[0].place.startswith(__name__)
        health = faults.health("x_sick")
        assert (health.state, health.recent, health.reference) == ("open", FAILURES, found[0].reference)
    with house.at(house.lumiere, write=False):
        assert faults.recent("x_sick") == []
        assert faults.health("x_sick").state == "closed"


def test_storing_is_throttled(house: House, sick: Sick, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(house)
    faults.settle(now=True)
    ask(house)
    faults.settle()
    assert faults.are_waiting(), "a moment ago was enough"


def test_every_process_hears_that_the_pause_was_ended(house: House, sick: Sick) -> None:
    ask(house, FAILURES)
    faults.settle(now=True)
    known = {key: dict(value) for key, value in breaker.watching.items()}
    with house.at(house.riverside):
        faults.reset("x_sick")
    assert ask(house, 0) == "closed"
    breaker.watching.update(known)  # as another process, which nobody told
    assert ask(house, 0) == "closed", "it reads the practice's version with the practice"
    with house.at(house.riverside, write=False):
        assert faults.health("x_sick").state == "closed"
        assert audit.history(limit=1)[0].action == "plugin.pause_ended"


def test_a_pause_of_another_process_is_seen(house: House, sick: Sick) -> None:
    ask(house, FAILURES)
    faults.settle(now=True)
    breaker.forget()  # as a process that did not meet it
    with house.at(house.riverside, write=False):
        assert faults.health("x_sick").state == "open"


def test_the_gauge_tells_the_state(house: House, sick: Sick) -> None:
    def told() -> dict[str, float]:
        family = next(iter(metrics.BREAKERS.collect()))
        return {s.labels["name"]: s.value for s in family.samples if s.labels["kind"] == "plugin"}

    ask(house, FAILURES)
    assert told()["x_sick"] == 2


class Outside(BaseException):
    """As eventlet's Timeout: no fault of the plugin's, and not to be held up."""


def _cut_off(_ctx: Any) -> Any:
    raise Outside


@pytest.mark.parametrize("as_panel", [True, False], ids=["panel", "hook"])
def test_a_try_that_is_cut_off_from_outside_leaves_the_next_one_free(
    house: House, sick: Sick, now: list[float], as_panel: bool
) -> None:
    ask(house, FAILURES)
    surface = "panel:bad" if as_panel else "navigation"
    with house.at(house.riverside, write=False):
        for _ in range(FAILURES):
            breaker.failed("x_sick", surface)
        now[0] += FIRST_PAUSE + 1
        if as_panel:  # it fails, too, once all is tried again
            breaker.failed("x_sick", surface)
            now[0] += 2 * FIRST_PAUSE + 1
    registry.load(house.settings, [with_hooks("x_sick", navigation=_cut_off)])
    with house.at(house.riverside, write=False):
        with pytest.raises(Outside):
            if as_panel:
                dispatch.attempt("x_sick", surface, lambda: _cut_off(None), budget=1)
            else:
                dispatch.call("navigation", None, owner="x_sick")
        assert not breaker.is_trying("x_sick", surface)
        assert breaker.admits("x_sick", surface)
        assert breaker.is_trying("x_sick", surface)


# --- on pages -----------------------------------------------------------------------------------------------------


@pytest.fixture
def helen(
    house: House, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Sick], Visitor]]:
    def build(sick: Sick) -> Visitor:
        module = ModuleType("tests.made_up")
        monkeypatch.setitem(sys.modules, "tests.made_up", module)
        module.plugin = with_hooks(  # type: ignore[attr-defined]
            "x_sick",
            navigation=lambda ctx: [],
            today_panels=lambda ctx: [misbehaving.panel("today.main", sick.panel)],
        )
        app = create_app(house.settings.model_copy(update={"plugin_paths": ("tests.made_up:plugin",)}))
        browser = Visitor(app, app.test_client())
        browser.sign_in("helen")
        return browser

    yield build
    wiring.start(house.settings)


def test_a_resting_plugin_leaves_a_quiet_panel_and_the_admin_sees_why_and_ends_it(
    house: House, helen: Callable[[Sick], Visitor], now: list[float]
) -> None:
    sick = Sick()
    browser = helen(sick)
    for _ in range(FAILURES):
        text = browser.get("/p/riverside/").get_data(as_text=True)
        assert "This part cannot be shown just now." in text
    faults.settle(now=True)
    asked = sick.asked
    text = browser.get("/p/riverside/").get_data(as_text=True)
    assert PAUSED in text
    assert 'data-panel="photo_request.photos_today"' in text
    assert sick.asked == asked
    with house.at(house.riverside, write=False):
        reference = faults.health("x_sick").reference
    assert f"Reference: {reference}" in text

    page = browser.get("/p/riverside/admin/plugins").get_data(as_text=True)
    assert "It failed several times and is paused." in page
    page = browser.get("/p/riverside/admin/plugins/x_sick/health").get_data(as_text=True)
    assert reference in page
    assert f"{FAILURES} times" in page
    assert "RuntimeError" in page

    sick.is_sick = False
    answer = browser.post("/p/riverside/admin/plugins/x_sick/reset", follow_redirects=True)
    assert "tried again at once" in answer.get_data(as_text=True)
    text = browser.get("/p/riverside/").get_data(as_text=True)
    assert PAUSED not in text
    assert "well" in text


def test_a_page_beside_one_that_tries_says_that_the_plugin_rests(
    house: House, helen: Callable[[Sick], Visitor], now: list[float]
) -> None:
    sick = Sick()
    browser = helen(sick)
    assert "cannot be shown" in browser.get("/p/riverside/").get_data(as_text=True)
    with house.at(house.riverside, write=False):
        for _ in range(FAILURES):
            breaker.failed("x_sick", "today_panels")
        now[0] += FIRST_PAUSE + 1
        assert breaker.admits("x_sick", "today_panels"), "the other page"
    assert PAUSED in browser.get("/p/riverside/").get_data(as_text=True)
    with house.at(house.riverside, write=False):
        breaker.left("x_sick", "today_panels")
    sick.is_sick = False
    text = browser.get("/p/riverside/").get_data(as_text=True)
    assert PAUSED not in text
    assert "well" in text


def test_only_who_manages_plugins_sees_and_ends_it(house: House, helen: Callable[[Sick], Visitor]) -> None:
    browser = helen(Sick())
    amira = Visitor(browser.app, browser.app.test_client())
    amira.sign_in("amira")
    assert amira.get("/p/riverside/admin/plugins/x_sick/health").status_code == 403
    assert amira.post("/p/riverside/admin/plugins/x_sick/reset").status_code == 403
    assert browser.get("/p/riverside/admin/plugins/nobody/health").status_code == 404
    assert browser.post("/p/riverside/admin/plugins/nobody/reset").status_code == 404


def test_what_fails_in_the_worker_is_stored_by_the_worker(house: House) -> None:
    from core import jobs

    wiring.start(house.settings)
    registry.load(house.settings, [with_hooks("x_sick", navigation=misbehaving.raises)])
    ran: list[bool] = []

    def handler(_payload: dict[str, object]) -> None:
        with jobs.scope(write=False):
            dispatch.call("navigation", None, owner="x_sick")
        ran.append(True)

    jobs.register(jobs.Job("core.asks_a_hook", handler))
    try:
        with tenancy.practice_scope(house.riverside):
            jobs.enqueue("core.asks_a_hook")
        house.work()
        assert ran
        faults.settle(now=True)
        with house.at(house.riverside, write=False):
            assert [fault.surface for fault in faults.recent("x_sick")] == ["navigation"]
    finally:
        wiring.start(house.settings)
