"""Panels: one request for several, lazy ones, and slots on plugins' pages."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from core import audit
from core.app import create_app
from core.plugin_system import (
    NavItem,
    PatientContext,
    Plugin,
    activation,
    dispatch,
    hookimpl,
    registry,
    wiring,
)
from core.plugin_system.dispatch import HookFailed
from core.plugin_system.slots import Slot
from tests.plugins.photo_request.conftest import ask as ask_for_photos
from tests.plugins.video_call.conftest import make_call
from tests.support import hosting
from tests.support.bad_plugins import misbehaving, with_hooks
from tests.support.counting import counted
from tests.support.house import House, Visitor
from tests.support.plugins import make

Build = Callable[..., Visitor]


@pytest.fixture
def browser(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Build]:
    """An application with these plugins, and Helen signed in to it."""

    def build(*plugins: Plugin) -> Visitor:
        module = ModuleType("tests.made_up")
        monkeypatch.setitem(sys.modules, "tests.made_up", module)
        for plugin in plugins:
            setattr(module, plugin.name, plugin)
        paths = tuple(f"tests.made_up:{plugin.name}" for plugin in plugins)
        app = create_app(house.settings.model_copy(update={"plugin_paths": paths}))
        assert {plugin.name for plugin in plugins} <= set(registry.plugins), registry.refused
        helen = Visitor(app, app.test_client())
        helen.sign_in("helen")
        return helen

    yield build
    wiring.start(house.settings)


def several(helen: Visitor, url: str, *names: str) -> dict[str, Any]:
    answer = helen.get(f"{url}?names={','.join(names)}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = answer.get_json()["panels"]
    return found


def test_several_panels_are_one_request_and_one_entry_on_the_trail(house: House, browser: Build) -> None:
    helen = browser()
    patient = house.patient_id(house.riverside, "Whitfield")
    url = f"/p/riverside/patients/{patient}/panels"
    found = several(helen, url, "core.contact", "photo_request.photos", "nobody.nothing", "core.nothing")
    assert found["core.contact"]["state"] == "shown"
    assert "<h2" in found["photo_request.photos"]["html"]
    assert found["nobody.nothing"] is None
    assert found["core.nothing"] is None
    with house.at(house.riverside, write=False):
        viewed = [entry for entry in audit.history(limit=5) if entry.action == "patient.viewed"]
        assert len(viewed) == 1
        assert viewed[0].detail == {"part": "core.contact photo_request.photos"}


def test_only_the_owners_of_the_names_are_asked(house: House, browser: Build) -> None:
    asked: list[str] = []
    helen = browser(with_hooks("x_other", patient_panels=lambda ctx: asked.append("x_other") or []))
    patient = house.patient_id(house.riverside, "Whitfield")
    several(helen, f"/p/riverside/patients/{patient}/panels", "photo_request.photos")
    assert asked == []


def test_a_plugin_that_is_off_has_no_panel_to_fetch(house: House, browser: Build) -> None:
    helen = browser()
    assert several(helen, "/p/riverside/panels", "photo_request.photos_today")["photo_request.photos_today"]
    with house.at(house.riverside):
        activation.disable("photo_request")
    assert several(helen, "/p/riverside/panels", "photo_request.photos_today") == {
        "photo_request.photos_today": None
    }


@pytest.mark.parametrize("query", ["", "?names=", "?names=" + ",".join(f"a.b{n}" for n in range(51))])
def test_a_request_for_none_or_too_many_is_refused(browser: Build, query: str) -> None:
    assert browser().get(f"/p/riverside/panels{query}").status_code == 400


def test_a_lazy_panel_shows_a_skeleton_and_is_made_when_it_is_fetched(browser: Build) -> None:
    made: list[bool] = []

    def view(_ctx: Any) -> str:
        made.append(True)
        return "here it is"

    lazy = misbehaving.panel("today.main", view, lazy=True, skeleton=4, topics=["x_lazy.thing"])
    helen = browser(with_hooks("x_lazy", today_panels=lambda ctx: [lazy]))
    text = helen.get("/p/riverside/").get_data(as_text=True)
    section = re.search(r'<section[^>]*data-panel="x_lazy.bad".*?</section>', text, re.S)
    assert section
    assert "data-panel-waiting" in section[0]
    assert section[0].count("skeleton-line") == 4
    assert made == []
    found = several(helen, "/p/riverside/panels", "x_lazy.bad")["x_lazy.bad"]
    assert "here it is" in found["html"]
    assert found["state"] == "shown"


def test_a_panel_without_its_permission_is_not_fetched(house: House, browser: Build) -> None:
    closed = misbehaving.panel("today.main", lambda ctx: "secret", permission="core.no_such_right")
    helen = browser(with_hooks("x_closed", today_panels=lambda ctx: [closed]))
    assert several(helen, "/p/riverside/panels", "x_closed.bad") == {"x_closed.bad": None}
    assert "secret" not in helen.get("/p/riverside/").get_data(as_text=True)


@pytest.mark.parametrize("slot", ["today", "patient"])
def test_ten_panels_cost_fewer_than_fifteen_questions(
    slot: str, house: House, browser: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that are here, each with something to show, and as many of another plugin as make ten."""
    # Where the machine stands still for a moment, a panel is late; that this is written down asks one more.
    monkeypatch.setattr(dispatch, "perf_counter", lambda: 0.0)
    with audit.use_actor(audit.Actor("staff", "1", "Helen Price")):
        make_call(house, "ready")
        ask_for_photos(house, house.riverside, "Whitfield")
    ill = house.patient_id(house.riverside, "Whitfield")
    url = "/p/riverside/" if slot == "today" else f"/p/riverside/patients/{ill}"
    more: list[Any] = []
    helen = browser(with_hooks("x_more", **{f"{slot}_panels": lambda ctx: more}))
    somebody = Visitor(helen.app, helen.app.test_client())
    somebody.sign_in("amira" if slot == "patient" else "helen")  # whose page it is

    def panels() -> list[str]:
        answer = somebody.get(url)
        assert answer.status_code == 200
        return re.findall(r'<section[^>]*data-panel="([\w.]+)"', answer.get_data(as_text=True))

    here = panels()
    assert {"video_call", "photo_request", "core"} <= {name.partition(".")[0] for name in here}
    for number in range(10 - len(here)):
        view = partial("The view of {1.practice.name} no. {0}".format, number)
        more.append(misbehaving.panel(f"{slot}.main", view, name=f"no{number}"))
    assert len(panels()) == 10
    with counted() as sent:
        assert len(panels()) == 10
    assert len([one for one in sent if one.startswith("SELECT")]) < 15, "\n".join(sent)


def test_panels_stand_in_their_order(browser: Build) -> None:
    def panels(_ctx: Any) -> list[Any]:
        return [
            misbehaving.panel("today.main", lambda ctx: "", name=name, order=order)
            for name, order in (("last", 900), ("first", 1), ("middle", 50))
        ]

    text = browser(with_hooks("x_some", today_panels=panels)).get("/p/riverside/").get_data(as_text=True)
    assert re.findall(r'data-panel="x_some.(\w+)"', text) == ["first", "middle", "last"]


# --- what plugins publish -----------------------------------------------------------------------------------------


def test_a_plugin_shows_what_others_put_into_its_slot(browser: Build) -> None:
    helen = browser(hosting.host(), hosting.guest())
    text = helen.get("/p/riverside/x_host/visit").get_data(as_text=True)
    assert "Hello from the guest" in text
    assert 'data-panel="x_guest.note"' in text
    assert "&lt;b&gt;" in text, "what is not Markup is escaped"
    url = re.search(r'data-panels-url="([^"]+)"', text)
    assert url
    found = several(helen, url[1], "x_guest.note")
    assert found["x_guest.note"]["state"] == "shown"
    gone = url[1].replace(re.search(r"[0-9a-f-]{36}", url[1])[0], str(hosting.GONE))  # type: ignore[index]
    assert helen.get(f"{gone}?names=x_guest.note").status_code == 404
    assert (
        helen.get("/p/riverside/slots/x_nobody.side/" + str(hosting.GONE) + "/panels?names=a.b").status_code
        == 404
    )


def test_a_slot_whose_context_cannot_be_made_fails_in_its_frame(browser: Build) -> None:
    def restore(_id: UUID) -> hosting.VisitContext:
        raise RuntimeError

    slot = Slot("x_host.side", "Beside the visit", hosting.VisitContext, "For glancing at.", restore=restore)
    helen = browser(hosting.host(slots=(slot,)), hosting.guest())
    text = helen.get("/p/riverside/x_host/visit").get_data(as_text=True)
    url = re.search(r'data-panels-url="([^"]+)"', text)
    assert url
    found = several(helen, url[1], "x_guest.note")["x_guest.note"]
    assert found["state"] == "fault"
    assert "Reference: " in found["html"]


def test_an_owned_hook_is_asked_about_one_plugin(house: House, browser: Build) -> None:
    browser(hosting.host(), hosting.guest())
    ctx = hosting.VisitContext(hosting.GONE)
    with house.at(house.riverside, write=False):
        assert dispatch.ask("x_host_greetings", ctx, owner="x_guest") == ["Hello from the guest"]
        assert dispatch.ask("x_host_greetings", ctx, owner="photo_request") == []
        registry.contracts["x_host_greetings"] = replace(registry.contracts["x_host_greetings"], owned=True)
        with pytest.raises(TypeError, match="owner="):
            dispatch.ask("x_host_greetings", ctx)


def test_hooks_of_a_plugin_that_is_off_are_not_called(house: House, browser: Build) -> None:
    helen = browser(hosting.host(), hosting.guest())
    url = re.search(
        r'data-panels-url="([^"]+)"', helen.get("/p/riverside/x_host/visit").get_data(as_text=True)
    )
    assert url
    with house.at(house.riverside):
        activation.disable("x_host")
        assert dispatch.call("x_host_greetings", hosting.VisitContext(hosting.GONE)) == []
    assert helen.get(f"{url[1]}?names=x_guest.note").status_code == 404


def test_a_guest_does_without_its_host(house: House, browser: Build) -> None:
    browser(hosting.guest())
    assert "x_guest" in registry


def test_a_required_hook_that_fails_fails_the_request(house: House, browser: Build) -> None:
    browser(hosting.host(), hosting.guest())
    with house.at(house.riverside, write=False), pytest.raises(HookFailed) as raised:
        dispatch.call("x_host_ending", hosting.VisitContext(hosting.GONE))
    assert (raised.value.plugin, raised.value.hook) == ("x_guest", "x_host_ending")
    assert raised.value.reference


def test_a_context_of_another_type_is_the_publishers_error(house: House, browser: Build) -> None:
    browser(hosting.host(), hosting.guest())
    with house.at(house.riverside, write=False), pytest.raises(TypeError):
        dispatch.ask("x_host_greetings", object())


def test_hooks_and_slots_of_others_names_are_refused(house: House) -> None:
    host = hosting.host()
    thief = make("x_thief", hookspecs=host.hookspecs)
    unfillable = make("x_un", slots=(Slot("x_un.side", "x", hosting.VisitContext),))
    registry.load(house.settings, [thief, unfillable])
    reasons = {refusal.name: refusal.reason for refusal in registry.refused}
    wiring.start(house.settings)
    assert (
        reasons["x_thief"] == "hook x_host_ending must begin with x_thief_"
        or "must begin with" in reasons["x_thief"]
    )
    assert "which no hookspec declares" in reasons["x_un"]


def test_an_implementation_of_another_type_is_refused_with_its_reason(house: House) -> None:
    hooks = ModuleType("hooks")

    @hookimpl
    def navigation(ctx: PatientContext) -> list[NavItem]:
        return []

    hooks.navigation = navigation  # type: ignore[attr-defined]
    registry.load(house.settings, [make("x_wrong", hooks=hooks)])
    reasons = {refusal.name: refusal.reason for refusal in registry.refused}
    wiring.start(house.settings)
    assert reasons["x_wrong"] == "navigation: is called with StaffContext, not PatientContext"
