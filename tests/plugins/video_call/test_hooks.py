"""What other plugins hear of a consultation, and the panels that they put on the staff's pages of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from core import audit, db
from core.plugin_system import Panel, Plugin, activation, hookimpl, wiring
from plugins.video_call import api, hookspecs, service, states
from plugins.video_call.contexts import CallPageContext
from plugins.video_call.models import Call
from tests.plugins.video_call.conftest import BASE, Made, clinician
from tests.support.house import House, Visitor
from tests.support.pages import text
from tests.support.plugins import installer, make

NOTICES = [
    name
    for name in vars(hookspecs)
    if name.startswith("video_call_") and name not in ("video_call_panels", "video_call_patient_parts")
]
SLOTS = ("video_call.sidebar", "video_call.toolbar", "video_call.ended_staff")


@pytest.fixture
def put(house: House) -> Iterator[Callable[..., None]]:
    """Install plugins beside those that are there."""
    yield installer(house.settings)
    wiring.start(house.settings)


@pytest.fixture
def heard(put: Callable[..., None]) -> list[tuple[str, str, Any]]:
    """What a plugin that listens to everything was told: (hook, state of the call, what came of it)."""
    told: list[tuple[str, str, Any]] = []
    hooks = ModuleType("hooks")

    def listener(name: str) -> Any:
        def listen(ctx: Any) -> None:
            said = getattr(ctx, "why", None) or getattr(ctx, "outcome", None)
            told.append((name.removeprefix("video_call_"), ctx.call.state, said))

        listen.__name__ = name
        return hookimpl(listen)

    for name in NOTICES:
        setattr(hooks, name, listener(name))
    put(make("x_ear", default_on=True, uses=("video_call",), hooks=hooks))
    return told


def take(house: House, made: Made, step: Callable[[Call], object]) -> None:
    with house.at(made.practice_id), audit.use_actor(clinician(house)):
        step(db.session().get_one(Call, (made.practice_id, made.id)))


def test_a_consultation_is_told_from_the_invitation_to_its_result(
    house: House, heard: list[Any], call_in: Callable[..., Made]
) -> None:
    made = call_in(states.ENDED)
    take(house, made, lambda call: service.finish(call, "unsuccessful", reason="no_sound"))
    assert heard == [
        ("created", states.INVITED, None),
        ("patient_waiting", states.READY, None),
        ("admitted", states.ADMITTED, None),
        ("consultation_ended", states.ENDED, "unsuccessful"),
    ]


def test_a_patient_who_checks_the_devices_again_waits_anew(
    house: House, heard: list[Any], call_in: Callable[..., Made]
) -> None:
    made = call_in(states.READY)
    for step in (service.ready, service.unready, service.ready):
        with house.at(made.practice_id), made.as_patient():
            step(db.session().get_one(Call, (made.practice_id, made.id)))
    assert [hook for hook, *_rest in heard] == ["created", "patient_waiting", "patient_waiting"]


def test_what_is_not_held_is_told_with_why(
    house: House, heard: list[Any], call_in: Callable[..., Made]
) -> None:
    call_in(states.DECLINED)
    planned, late = call_in(states.SCHEDULED, family_name="Okafor"), call_in(family_name="Novak")
    with house.at(planned.practice_id), audit.use_actor(clinician(house)):
        api.cancel(planned.id)
    with house.at(late.practice_id) as session:
        session.get_one(Call, (late.practice_id, late.id)).expires_at = db.utcnow() - timedelta(seconds=1)
    with house.at(late.practice_id), audit.use_actor(audit.SYSTEM):
        assert service.miss_due() == 1
        assert service.miss_due() == 0
    assert [one for one in heard if one[0] == "not_held"] == [
        ("not_held", states.DECLINED, "declined"),
        ("not_held", states.ENDED, "cancelled"),
        ("not_held", states.MISSED, "missed"),
    ]


def _panels(*, lazy: bool = False) -> Plugin:
    """A plugin with a panel in each place, which says how the call stands now."""
    hooks = ModuleType("hooks")

    def view(ctx: CallPageContext) -> str:
        return f"{ctx.patient.display_name} & {ctx.call.clinician_name}: {ctx.call.waiting_message}"

    @hookimpl
    def video_call_panels(ctx: CallPageContext) -> list[Panel]:
        return [
            Panel(
                slot, f"note{place}", "Note", view, "core.work",
                topics=[f"video_call.call:{ctx.call.id}"], lazy=lazy,
            )
            for place, slot in enumerate(SLOTS)
        ]  # fmt: skip

    hooks.video_call_panels = video_call_panels  # type: ignore[attr-defined]  # a module made here
    return make("x_note", default_on=True, uses=("video_call",), hooks=hooks)


def _shown(page: Any) -> dict[str, str]:
    """The panels of the plugin on a page, and where each is fetched again."""
    return dict(
        re.findall(r'data-panel="(x_note\.\w+)" data-panels-url="([^"]+)"', page.get_data(as_text=True))
    )


def test_panels_of_others_stand_in_their_places_and_reload_themselves(
    house: House,
    put: Callable[..., None],
    call_in: Callable[..., Made],
    amira: Visitor,
    grace: Visitor,
    nadia: Visitor,
) -> None:
    put(_panels())
    made, over = call_in(states.READY), call_in(states.ENDED, family_name="Okafor")
    page = amira.get(f"{BASE}/calls/{made.id}")
    assert text(page).count("Margaret Whitfield & Amira Khan: None") == 2
    beside = _shown(page)
    assert list(beside) == ["x_note.note0", "x_note.note1"]
    assert list(_shown(amira.get(f"{BASE}/calls/{over.id}/ended"))) == ["x_note.note2"]
    take(house, made, lambda call: service.say_to_waiting(call, "Ten minutes"))
    for name, url in beside.items():
        again = amira.get(f"{url}?names={name}").get_json()["panels"][name]
        assert again["state"] == "shown"
        assert "Margaret Whitfield &amp; Amira Khan: Ten minutes" in again["html"]
        assert grace.get(f"{url}?names={name}").status_code == 403, "who sees no page of a call sees no panel"
        assert nadia.get(f"{url.replace('riverside', 'lumiere')}?names={name}").status_code == 404
    with house.at(house.riverside):
        activation.disable("x_note")
    assert _shown(amira.get(f"{BASE}/calls/{made.id}")) == {}


def test_a_panel_that_takes_long_is_fetched_once_the_call_stands(
    put: Callable[..., None], call_in: Callable[..., Made], amira: Visitor
) -> None:
    put(_panels(lazy=True))
    made = call_in(states.READY)
    page = amira.get(f"{BASE}/calls/{made.id}")
    assert "Margaret Whitfield & Amira Khan: None" not in text(page)
    assert page.get_data(as_text=True).count('data-panel-state="waiting"') == 2
    (name, url), *_rest = _shown(page).items()
    assert "Amira Khan" in amira.get(f"{url}?names={name}").get_json()["panels"][name]["html"]
