"""What other plugins add to the patient's pages: only where they are on, and one that fails is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest

from core.plugin_system import Plugin, activation, hookimpl, wiring
from core.sdk import PatientPart
from plugins.video_call.contexts import CallContext, PatientPageContext
from tests.plugins.video_call.conftest import Handset, Made
from tests.support.house import House
from tests.support.pages import text
from tests.support.plugins import installer, make

ENDED, WAITING = "video_call.ended_patient", "video_call.waiting_patient"
Put = Callable[..., None]


def _fail(_ctx: Any) -> str:
    raise RuntimeError("not today")


def _hearing(heard: list[str]) -> Plugin:
    hooks = ModuleType("hooks")

    @hookimpl
    def video_call_started(ctx: CallContext) -> None:
        heard.append(f"{ctx.call.state}, by phone: {ctx.call.phone_first}")

    hooks.video_call_started = video_call_started  # type: ignore[attr-defined]  # a module made here
    return make("x_phone", default_on=True, uses=("video_call",), hooks=hooks)


def _plugin(name: str, *parts: PatientPart) -> Plugin:
    hooks = ModuleType("hooks")

    @hookimpl
    def video_call_patient_parts(ctx: PatientPageContext) -> list[PatientPart]:
        return list(parts)

    hooks.video_call_patient_parts = video_call_patient_parts  # type: ignore[attr-defined]  # a module made here
    return make(name, default_on=True, uses=("video_call",), hooks=hooks)


@pytest.fixture
def put(house: House) -> Iterator[Put]:
    """Install plugins beside those that are there."""
    yield installer(house.settings)
    wiring.start(house.settings)


def test_parts_are_shown_in_their_order_and_escaped(
    put: Put, call_in: Callable[..., Made], enter: Callable[[Made], Handset]
) -> None:
    put(
        _plugin(
            "x_pay",
            PatientPart(ENDED, "later", "Book again", lambda _ctx: "second", order=20),
            PatientPart(ENDED, "pay", "Pay", lambda ctx: f"<b>{ctx.call.clinician_name}</b>", order=10),
            PatientPart(WAITING, "form", "Before we begin", lambda _ctx: "a form"),
            PatientPart(ENDED, "none", "Nothing to say", lambda _ctx: ""),
        ),
        _plugin("x_broken", PatientPart(ENDED, "broken", "Broken", _fail)),
    )
    page = text(enter(call_in("ended")).get())
    assert "Pay <b>Amira Khan</b> Book again second" in page
    for absent in ("Nothing to say", "Broken", "not today", "Before we begin"):
        assert absent not in page
    waiting = text(enter(call_in("ready", family_name="Okafor")).get())
    assert "Before we begin a form" in waiting
    assert "Book again" not in waiting


def test_another_plugin_hears_when_the_patient_starts_and_the_phone_call_may_end(
    put: Put, call_in: Callable[..., Made], enter: Callable[[Made], Handset]
) -> None:
    heard: list[str] = []
    put(_hearing(heard))
    phone = enter(call_in("invited", phone_first=True))
    phone.post("/arrive", {"new": True})
    assert heard == [], "reading the guidance starts nothing"
    assert phone.post("/started").json["state"] == "waiting"
    assert heard == ["waiting, by phone: True"]
    enter(call_in("ended", family_name="Okafor")).post("/started")
    assert len(heard) == 1, "what is over does not start"


def test_a_plugin_that_is_off_adds_nothing_and_guests_see_nothing(
    put: Put,
    house: House,
    call_in: Callable[..., Made],
    enter: Callable[[Made], Handset],
    guest_of: Callable[..., tuple[UUID, Handset]],
) -> None:
    put(_plugin("x_pay", PatientPart(WAITING, "form", "Before we begin", lambda _ctx: "a form")))
    made = call_in("ready")
    assert "Before we begin" in text(enter(made).get())
    assert "Before we begin" not in text(guest_of(made)[1].get())
    with house.at(house.riverside):
        activation.disable("x_pay")
    assert "Before we begin" not in text(enter(made).get())
