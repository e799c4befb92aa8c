"""Consent: given when a plugin is switched on, asked for again when a new version wants more."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pydantic import BaseModel

from core import audit, notifications, tenancy
from core.patient_data import purging
from core.plugin_system import (
    CannotSwitch,
    Capability,
    Plugin,
    activation,
    calls,
    consent,
    plugin_settings,
    wiring,
)
from tests.support.house import House
from tests.support.plugins import installer, make

pytestmark = pytest.mark.both_databases

BEFORE = make("x_a", title="Diary", capabilities=(Capability.SENDS_SMS,))
AFTER = make(
    "x_a", title="Diary", version="2.0", capabilities=(Capability.SENDS_SMS, calls("api.example.com"))
)


class Greeting(BaseModel):
    greeting: str = "Hello"


@pytest.fixture
def install(house: House) -> Iterator[Callable[..., None]]:
    yield installer(house.settings)
    wiring.start(house.settings)


@pytest.fixture
def widened(house: House, install: Callable[..., None]) -> Plugin:
    """Switched on at Riverside in a version that sends texts; the installed one also calls a host."""
    install(BEFORE)
    with house.at(house.riverside):
        activation.enable("x_a")
    install(AFTER)
    return AFTER


def bell(house: House) -> list[str]:
    with house.at(house.riverside, write=False):
        glance = notifications.inbox.glance(1, permissions=[consent.PERMISSION])
        return [entry.title for entry in glance.entries if entry.owner == "core"]


def test_what_is_switched_on_notes_what_was_agreed_to(house: House, install: Callable[..., None]) -> None:
    install(BEFORE)
    with house.at(house.riverside):
        activation.enable("x_a")
        assert activation.stored("x_a").agreed == ["sends_sms"]
    with house.at(house.riverside, write=False):
        (entry,) = [
            e for e in audit.history(limit=50) if e.action == "plugin.enabled" and e.detail["plugin"] == "x_a"
        ]
        assert entry.detail["agreed"] == "sends_sms"


def test_a_wider_version_is_off_until_somebody_agrees(house: House, widened: Plugin) -> None:
    with house.at(house.riverside):
        assert activation.why("x_a").code == "consent_widened"
        assert not tenancy.switches.is_on("x_a")
        state = activation.state("x_a")
        assert [item.key for item in state.added] == ["calls:api.example.com"]
        assert state.wanted
        assert state.can_switch
        activation.enable("x_a")
        assert tenancy.switches.is_on("x_a")
    with house.at(house.riverside, write=False):
        assert audit.history(limit=1)[0].action == "plugin.consented"


def test_a_version_that_asks_for_less_stays_on(house: House, install: Callable[..., None]) -> None:
    install(AFTER)
    with house.at(house.riverside):
        activation.enable("x_a")
    install(BEFORE)
    with house.at(house.riverside, write=False):
        assert activation.why("x_a").on


def test_somebody_who_was_shown_less_has_agreed_to_nothing(house: House, widened: Plugin) -> None:
    with house.at(house.riverside), pytest.raises(activation.AsksForMore):
        activation.enable("x_a", agreed=["sends_sms"])
    with house.at(house.riverside, write=False):
        assert not activation.why("x_a").on


def test_declining_switches_it_off(house: House, widened: Plugin) -> None:
    with house.at(house.riverside):
        activation.disable("x_a")
        assert activation.why("x_a").code == "off"


def test_the_admins_find_it_under_their_bell_once(house: House, widened: Plugin) -> None:
    for _time in range(2):
        consent.ask_again({})
    assert bell(house) == ["Diary asks for more and is off until you agree"]


def test_nobody_is_bothered_who_has_nothing_to_agree_to(house: House, install: Callable[..., None]) -> None:
    install(BEFORE)
    with house.at(house.riverside):
        activation.enable("x_a")
    consent.ask_again({})
    assert bell(house) == []


def test_what_was_on_before_consent_was_kept_stays_on_and_is_asked_about_later(
    house: House, install: Callable[..., None]
) -> None:
    install(BEFORE)
    with house.at(house.riverside):
        activation.enable("x_a")
        activation.stored("x_a").agreed = None
        activation.changed()
    assert consent.adopt() >= 1
    assert consent.adopt() == 0
    install(AFTER)
    with house.at(house.riverside, write=False):
        assert activation.why("x_a").code == "consent_widened"


@pytest.mark.parametrize("touch", ["settings", "allow"])
def test_what_was_on_by_itself_asks_when_a_version_wants_more(
    house: House, install: Callable[..., None], touch: str
) -> None:
    plugin = make("x_a", default_on=True, settings=Greeting)
    install(plugin)
    with house.at(house.riverside):
        if touch == "settings":
            plugin_settings.save(plugin, {"greeting": "Good day"})
        else:
            activation.decree("x_a", "allow")
        assert activation.why("x_a").on
    install(AFTER)
    consent.adopt()
    with house.at(house.riverside, write=False):
        assert activation.why("x_a").code == "consent_widened"


# --- the operator ------------------------------------------------------------------------------------------------


def test_denied_it_is_off_and_cannot_be_switched_on(house: House, install: Callable[..., None]) -> None:
    install(BEFORE)
    with house.at(house.riverside):
        activation.enable("x_a")
        activation.decree("x_a", "deny")
        assert not tenancy.switches.is_on("x_a")
        with pytest.raises(CannotSwitch, match="does not allow it"):
            activation.enable("x_a")
        activation.decree("x_a", "allow")
        assert tenancy.switches.is_on("x_a"), "as the practice had it"
    with house.at(house.lumiere, write=False):
        assert activation.why("x_a").code == "off"


def test_forced_it_is_on_and_cannot_be_switched_off(house: House, install: Callable[..., None]) -> None:
    install(BEFORE)
    with house.at(house.riverside):
        activation.decree("x_a", "force")
        assert tenancy.switches.is_on("x_a")
        with pytest.raises(CannotSwitch, match="has decided so"):
            activation.disable("x_a")
        activation.decree("x_a", "")
        assert not tenancy.switches.is_on("x_a")
    with house.at(house.riverside, write=False):
        actions = [e.action for e in audit.history(limit=10) if (e.detail or {}).get("plugin") == "x_a"]
    assert actions == ["plugin.left_to_practice", "plugin.forced"]


def test_what_could_not_be_on_is_not_forced(house: House, install: Callable[..., None]) -> None:
    install(make("x_base"), make("x_more", requires=("x_base",)), make("x_de", regions=("DE",)))
    with house.at(house.riverside):
        for name, words in (("x_more", "needs x_base"), ("x_de", "Germany")):
            with pytest.raises(CannotSwitch, match=words):
                activation.decree(name, "force")


def test_nothing_is_forced_that_a_denial_or_a_reservation_hid_the_obstacle_of(
    house: House, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(make("x_base"), make("x_more", requires=("x_base",)))
    with house.at(house.riverside):
        activation.decree("x_more", "deny")
        with pytest.raises(CannotSwitch, match="needs x_base"):
            activation.decree("x_more", "force")
        activation.decree("x_more", "")
        monkeypatch.setattr(house.settings, "reserved_plugins", ("x_more",))
        with pytest.raises(CannotSwitch, match="needs x_base"):
            activation.decree("x_more", "force")
        assert activation.state("x_more").rule == ""


def test_what_is_forced_puts_nothing_else_off(house: House, install: Callable[..., None]) -> None:
    install(make("x_a", conflicts=("x_b",)), make("x_b"))
    with house.at(house.riverside):
        activation.decree("x_a", "deny")
        activation.enable("x_b")
        with pytest.raises(CannotSwitch, match="does not work beside x_b"):
            activation.decree("x_a", "force")
        assert activation.why("x_b").on


def test_whoever_agrees_again_puts_no_rival_off(house: House, install: Callable[..., None]) -> None:
    install(BEFORE)
    with house.at(house.riverside):
        activation.enable("x_a")
    install(AFTER, make("x_b", title="Rival", conflicts=("x_a",)))
    with house.at(house.riverside):
        activation.enable("x_b")
        with pytest.raises(CannotSwitch, match="does not work beside Rival"):
            activation.enable("x_a")
        assert activation.why("x_b").on


def test_the_operator_waits_while_its_data_is_removed(
    house: House, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    install(BEFORE)
    monkeypatch.setattr(purging, "is_under_way", lambda name: name == "x_a")
    with house.at(house.riverside):
        for rule in ("force", "allow"):
            with pytest.raises(CannotSwitch, match="being removed"):
                activation.decree("x_a", rule)
        activation.decree("x_a", "deny")
        assert activation.why("x_a").code == "denied_by_operator"


def test_a_forced_plugin_asks_again_too(house: House, install: Callable[..., None]) -> None:
    install(BEFORE)
    with house.at(house.riverside):
        activation.decree("x_a", "force")
    install(AFTER)
    with house.at(house.riverside):
        assert activation.why("x_a").code == "consent_widened"
        activation.decree("x_a", "force")
        assert activation.why("x_a").on
