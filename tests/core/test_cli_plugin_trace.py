"""``careroom plugin trace`` and ``slots``: what plugins do on a page, told without a word about anybody."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from core import audit, demo
from core.plugin_system import wiring
from tests.core.test_cli_files import Shell
from tests.support.house import House


@pytest.fixture
def careroom(house: House) -> Shell:
    return Shell(house.settings)


def entries(house: House) -> int:
    with house.at(house.riverside, write=False) as session:
        return session.scalar(select(func.count(audit.AuditEntry.id))) or 0


def test_it_tells_what_each_plugin_did_and_leaves_no_trace_of_its_own(house: House, careroom: Shell) -> None:
    before = entries(house)
    told = careroom("plugin", "trace", "riverside")
    assert told.exit_code == 0, told.output
    for surface in ("navigation", "today_panels", "panel:photos_today", "patient_panels", "timeline_entries"):
        assert f"photo_request {surface}" in told.output
    assert "core panel:timeline" in told.output
    assert "statements" in told.output
    assert "done" in told.output
    assert "failed" not in told.output
    for person in demo.PEOPLE["riverside"]:
        assert person[1] not in told.output
    assert entries(house) == before
    wiring.start(house.settings)


def test_one_page_and_one_plugin(house: House, careroom: Shell) -> None:
    told = careroom("plugin", "trace", "riverside", "--plugin", "photo_request", "--page", "/p/riverside/")
    assert told.exit_code == 0, told.output
    assert "/p/riverside/: " in told.output
    assert "panel:photos_today" in told.output
    assert "core panel" not in told.output
    wiring.start(house.settings)


@pytest.mark.parametrize(
    "arguments",
    [
        ("riverside", "--plugin", "nobody"),
        ("riverside", "--page", "/p/riverside/nowhere"),
        ("riverside", "--as", "nobody"),
        ("nowhere",),
    ],
)
def test_what_cannot_be_traced_is_said_in_a_line(
    careroom: Shell, house: House, arguments: tuple[str, ...]
) -> None:
    told = careroom("plugin", "trace", *arguments)
    assert told.exit_code == 1
    assert told.output.splitlines()[-1].startswith("Error: ")
    wiring.start(house.settings)


def test_slots_are_listed(careroom: Shell, house: House) -> None:
    told = careroom("plugin", "slots")
    assert told.exit_code == 0, told.output
    for name in ("patient.main", "patient.side", "today.main"):
        assert name in told.output
    assert "PatientContext" in told.output
    wiring.start(house.settings)
