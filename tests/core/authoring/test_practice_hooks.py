"""What a plugin holds elsewhere goes into a practice's export, and is given up before the plugin's rows go."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from core import tenancy
from core.patient_data import Erased, ExportPart, PracticeDataContext, purging
from core.plugin_system import hookimpl, wiring
from tests.support.house import House
from tests.support.plugins import installer, make

ASKED: list[str] = []


@hookimpl
def export_practice(ctx: PracticeDataContext) -> list[ExportPart]:
    return [ExportPart("account.json", {"at": "provider.example", "practice": ctx.practice.slug})]


@hookimpl
def erase_practice(ctx: PracticeDataContext) -> list[Erased]:
    ASKED.append(ctx.practice.slug)
    return [Erased("Account at the provider", 1)]


@pytest.fixture
def account(house: House) -> Iterator[str]:
    """A plugin with an account at a provider, and no table."""
    hooks = ModuleType("hooks")
    hooks.export_practice, hooks.erase_practice = export_practice, erase_practice  # type: ignore[attr-defined]
    installer(house.settings)(make("x_account", hooks=hooks))
    ASKED.clear()
    yield "x_account"
    wiring.start(house.settings)


def test_what_is_held_elsewhere_is_exported_and_given_up(house: House, account: str, tmp_path: Path) -> None:
    with house.at(house.riverside, write=False):
        practice = tenancy.current()
    written = purging.purge(account, practice, tmp_path / "kept.zip")
    with zipfile.ZipFile(written.path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("account.json"))
        assert b"provider.example" in archive.read(name)
    assert ASKED == ["riverside"], "this practice's account, and no other's"
