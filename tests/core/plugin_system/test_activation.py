"""Switching plugins: per practice, with a reason, in the audit trail, at once in every process."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pydantic import BaseModel, Field, SecretStr, ValidationError

from core import audit, db, tenancy
from core.plugin_system import CannotSwitch, activation, plugin_settings, remembered, wiring
from tests.support.house import House
from tests.support.plugins import installer, make

pytestmark = pytest.mark.both_databases


class Chosen(BaseModel):
    days: int = Field(7, ge=1, le=30)
    greeting: str = "Hello"


@pytest.fixture
def install(house: House) -> Iterator[Callable[..., None]]:
    yield installer(house.settings)
    wiring.start(house.settings)


def test_a_switch_holds_for_one_practice(house: House, install: Callable[..., None]) -> None:
    install(make("x_a"))
    with house.at(house.riverside):
        activation.enable("x_a")
        assert tenancy.switches.is_on("x_a")
    with house.at(house.lumiere, write=False):
        assert not tenancy.switches.is_on("x_a")
    with house.at(house.riverside):
        activation.disable("x_a")
        assert not tenancy.switches.is_on("x_a")


def test_what_a_process_remembers_from_before_a_switch_does_not_hold(
    house: House, install: Callable[..., None]
) -> None:
    install(make("x_a"))
    with house.at(house.riverside, write=False):
        assert not tenancy.switches.is_on("x_a")
    stale = remembered.sets_of(house.riverside)
    assert stale is not None
    with house.at(house.riverside):
        activation.enable("x_a")
    # As another process, which saw nothing of the switch, has it.
    remembered.keep_sets(house.riverside, *stale)
    with house.at(house.riverside, write=False):
        assert tenancy.switches.is_on("x_a")


def test_a_switch_that_is_undone_is_not_remembered(house: House, install: Callable[..., None]) -> None:
    install(make("x_a"), make("x_b"))
    with pytest.raises(RuntimeError), house.at(house.riverside):
        activation.enable("x_a")
        assert tenancy.switches.is_on("x_a")
        raise RuntimeError
    with house.at(house.riverside):
        activation.enable("x_b")  # takes the version that the undone switch would have had
    with house.at(house.riverside, write=False):
        assert not tenancy.switches.is_on("x_a")
        assert tenancy.switches.is_on("x_b")


def test_what_it_requires_must_be_on_and_may_not_go_first(house: House, install: Callable[..., None]) -> None:
    install(make("x_base", title="Base"), make("x_more", title="More", requires=("x_base",)))
    with house.at(house.riverside):
        assert activation.state("x_more").reason == "Off. It needs Base, which is off here."
        with pytest.raises(CannotSwitch, match="needs Base"):
            activation.enable("x_more")
        activation.enable("x_base")
        activation.enable("x_more")
        assert "cannot be switched off while More needs it" in activation.state("x_base").reason
        with pytest.raises(CannotSwitch):
            activation.disable("x_base")


def test_each_switch_is_on_the_trail_once(house: House, install: Callable[..., None]) -> None:
    install(make("x_a"))
    with house.at(house.riverside), audit.use_actor(audit.Actor("staff", "7", "Helen Price")):
        activation.enable("x_a")
        activation.enable("x_a")
    with house.at(house.riverside, write=False):
        entries = [e for e in audit.history(limit=500) if (e.detail or {}).get("plugin") == "x_a"]
        assert [(e.action, e.actor_name) for e in entries] == [("plugin.enabled", "Helen Price")]


def test_settings_are_kept_per_practice_and_wrong_ones_are_refused(
    house: House, install: Callable[..., None]
) -> None:
    plugin = make("x_a", settings=Chosen)
    install(plugin)
    with house.at(house.riverside):
        plugin_settings.save(plugin, {"days": 3, "greeting": "Hello"})
        with pytest.raises(ValidationError):
            plugin_settings.save(plugin, {"days": 99})
    with house.at(house.riverside, write=False):
        assert plugin_settings.load(plugin) == Chosen(days=3)
        assert activation.stored("x_a").settings == {"days": 3}, "only what differs is stored"
    with house.at(house.lumiere, write=False):
        assert plugin_settings.load(plugin) == Chosen()


def test_a_stored_value_that_no_longer_fits_falls_back_alone(
    house: House, install: Callable[..., None]
) -> None:
    plugin = make("x_a", settings=Chosen)
    install(plugin)
    with house.at(house.riverside):
        activation.stored("x_a").settings = {"days": 400, "greeting": "Good day"}
        activation.changed()
    with house.at(house.riverside, write=False):
        assert plugin_settings.load(plugin) == Chosen(greeting="Good day")
        assert db.has_practice()


class Provider(BaseModel):
    token: SecretStr = SecretStr("")


def test_a_secret_is_stored_encrypted_and_read_again(house: House, install: Callable[..., None]) -> None:
    plugin = make("x_a", settings=Provider)
    install(plugin)
    with house.at(house.riverside):
        plugin_settings.save(plugin, {"token": "s3cret-token"})
    with house.at(house.riverside, write=False):
        stored = activation.stored("x_a").settings["token"]
        assert "s3cret" not in stored
        loaded = plugin_settings.load(plugin)
        assert isinstance(loaded, Provider)
        assert loaded.token.get_secret_value() == "s3cret-token"
        assert "s3cret" not in repr(loaded)


def test_a_secret_moved_to_another_practice_opens_nothing(house: House, install: Callable[..., None]) -> None:
    plugin = make("x_a", settings=Provider)
    install(plugin)
    with house.at(house.riverside):
        plugin_settings.save(plugin, {"token": "s3cret-token"})
        stolen = dict(activation.stored("x_a").settings)
    with house.at(house.lumiere):
        activation.stored("x_a").settings = stolen
        activation.changed()
    with house.at(house.lumiere, write=False):
        assert plugin_settings.load(plugin) == Provider()


def test_a_text_that_looks_like_a_sealed_secret_is_a_text(house: House, install: Callable[..., None]) -> None:
    plugin = make("x_a", settings=Chosen)
    install(plugin)
    with house.at(house.riverside):
        plugin_settings.save(plugin, {"greeting": "sealed: with a kiss"})
    with house.at(house.riverside, write=False):
        loaded = plugin_settings.read(plugin)
        assert loaded.settings == Chosen(greeting="sealed: with a kiss")
        assert loaded.problems == ()
