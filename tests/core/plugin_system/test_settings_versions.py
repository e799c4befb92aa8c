"""Settings of an earlier version: brought along when read, stored anew when saved, never lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from core.plugin_system import Plugin, activation, plugin_settings, wiring
from tests.support.house import House
from tests.support.plugins import installer, make


class First(BaseModel):
    hours: int = Field(24, ge=1)
    key: SecretStr = SecretStr("")


class Second(BaseModel):
    days: int = Field(1, ge=1)
    provider_key: SecretStr = SecretStr("")


def to_days(stored: dict[str, Any]) -> dict[str, Any]:
    return {"days": stored.get("hours", 24) // 24, "provider_key": stored.get("key", "")}


def broken(stored: dict[str, Any]) -> dict[str, Any]:
    raise KeyError("hours")


BEFORE = make("x_a", settings=First)
AFTER = make("x_a", settings=Second, settings_version=2, settings_migrations={1: to_days})
BROKEN = make("x_a", settings=Second, settings_version=2, settings_migrations={1: broken})


@pytest.fixture
def install(house: House) -> Iterator[Callable[..., None]]:
    yield installer(house.settings)
    wiring.start(house.settings)


@pytest.fixture
def stored(house: House, install: Callable[..., None]) -> dict[str, Any]:
    """What the first version stored at Riverside."""
    install(BEFORE)
    with house.at(house.riverside):
        plugin_settings.save(BEFORE, {"hours": 72, "key": "s3cret"})
        return dict(activation.stored("x_a").settings)


def loaded(house: House, plugin: Plugin) -> plugin_settings.Loaded:
    with house.at(house.riverside, write=False):
        return plugin_settings.read(plugin)


def test_they_are_brought_along_when_read_secrets_too(
    house: House, install: Callable[..., None], stored: dict[str, Any]
) -> None:
    install(AFTER)
    found = loaded(house, AFTER)
    assert found.problems == ()
    assert isinstance(found.settings, Second)
    assert (found.settings.days, found.settings.provider_key.get_secret_value()) == (3, "s3cret")
    with house.at(house.riverside, write=False):
        assert activation.stored("x_a").settings == stored, "reading changes nothing"


def test_the_next_save_stores_the_new_version(
    house: House, install: Callable[..., None], stored: dict[str, Any]
) -> None:
    install(AFTER)
    with house.at(house.riverside):
        plugin_settings.save(AFTER, {"days": 5, "provider_key": "s3cret"})
    with house.at(house.riverside, write=False):
        row = activation.stored("x_a")
        assert (row.settings_version, row.settings["days"], row.settings_kept) == (2, 5, None)
    assert loaded(house, AFTER).problems == ()


def test_what_cannot_be_brought_along_says_so_and_is_never_lost(
    house: House, install: Callable[..., None], stored: dict[str, Any]
) -> None:
    install(BROKEN)
    found = loaded(house, BROKEN)
    assert found.settings == Second()
    assert [problem.code for problem in found.problems] == ["migration"]
    assert "could not be carried over" in found.problems[0].sentence
    with house.at(house.riverside):
        assert activation.stored("x_a").settings == stored
        plugin_settings.save(BROKEN, {"days": 9})
    with house.at(house.riverside, write=False):
        row = activation.stored("x_a")
        assert row.settings == {"days": 9}
        (kept,) = (row.settings_kept or {})["earlier"]
        assert (kept["version"], kept["values"]) == (1, stored)
    assert loaded(house, BROKEN).problems == ()


def test_an_older_version_of_the_plugin_uses_what_it_knows_and_keeps_the_rest(
    house: House, install: Callable[..., None]
) -> None:
    install(AFTER)
    with house.at(house.riverside):
        plugin_settings.save(AFTER, {"days": 5})
    install(BEFORE)
    found = loaded(house, BEFORE)
    assert found.settings == First()
    assert [problem.code for problem in found.problems] == ["newer"]
    with house.at(house.riverside):
        plugin_settings.save(BEFORE, {"hours": 48})
    with house.at(house.riverside, write=False):
        row = activation.stored("x_a")
        assert (row.settings_version, row.settings) == (1, {"hours": 48})
        assert (row.settings_kept or {})["earlier"][0]["values"] == {"days": 5}


def test_one_value_that_no_longer_fits_is_named(house: House, install: Callable[..., None]) -> None:
    install(AFTER)
    with house.at(house.riverside):
        row = activation.stored("x_a")
        row.settings, row.settings_version = {"days": 0}, 2
        activation.changed()
    found = loaded(house, AFTER)
    assert found.settings == Second()
    assert found.problems == (plugin_settings.Problem("unfit", ("days",)),)


def test_a_step_that_answers_nonsense_is_a_failure(
    house: House, install: Callable[..., None], stored: dict[str, Any]
) -> None:
    odd = make("x_a", settings=Second, settings_version=2, settings_migrations={1: lambda _stored: None})
    install(odd)
    assert [problem.code for problem in loaded(house, odd).problems] == ["migration"]
