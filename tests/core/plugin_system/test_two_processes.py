"""A switch and a setting hold at once in another process, which was asked before and remembers."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from uuid import UUID

import pytest

from core.plugin_system import activation, plugin_settings, registry
from tests.support.house import House
from tests.support.running import ROOT, environment_of

pytestmark = pytest.mark.both_databases

Ask = Callable[[UUID], list[str]]


@pytest.fixture
def other(house: House) -> Iterator[Ask]:
    """Asks another process over the same database: [names that are on, photos allowed]."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.core.plugin_system.other_process"],
        cwd=ROOT,
        env=environment_of(house.settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    asking, answering = process.stdin, process.stdout
    assert asking is not None
    assert answering is not None

    def ask(practice_id: UUID) -> list[str]:
        asking.write(f"{practice_id}\n")
        asking.flush()
        return answering.readline().strip("\n").split(" ")

    yield ask
    asking.close()
    process.wait(10)
    answering.close()


def test_a_toggle_is_seen_with_the_next_question(house: House, other: Ask) -> None:
    def on_in(practice_id: UUID) -> list[str]:
        return other(practice_id)[0].split(",")

    assert "photo_request" in on_in(house.riverside)
    for on in (False, True, False):
        with house.at(house.riverside):
            (activation.enable if on else activation.disable)("photo_request")
        began = time.monotonic()
        assert ("photo_request" in on_in(house.riverside)) is on
        assert time.monotonic() - began < 1, "at once, not after a pause"
        assert "photo_request" in on_in(house.lumiere), "the other practice keeps its own"


def test_a_setting_and_the_operators_word_are_seen_too(house: House, other: Ask) -> None:
    assert other(house.riverside)[1] == "10"
    with house.at(house.riverside):
        plugin_settings.save(registry.get("photo_request"), {"max_photos": 3})
    assert other(house.riverside)[1] == "3"
    with house.at(house.riverside):
        activation.decree("photo_request", "deny")
    names, photos = other(house.riverside)
    assert ("photo_request" in names.split(","), photos) == (False, "3")
