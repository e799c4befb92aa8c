"""A plugin that is gone, or was refused, stops neither a migration nor, once it was begun, its purge."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import db, tenancy
from core.db import migrate, plan
from core.patient_data import purging
from core.plugin_system import activation, registry
from tests.core.db.test_ownership import branch
from tests.core.patient_data.test_absent import LEDGER
from tests.core.patient_data.test_purging import Run, run  # noqa: F401
from tests.support.databases import owner_url
from tests.support.house import House
from tests.support.photos import a_request_with_photos

pytestmark = pytest.mark.both_databases


def test_others_migrate_while_one_is_gone(house: House, tmp_path: Path) -> None:
    db.configure(house.settings.model_copy(update={"migration_url": owner_url(house.settings.database_url)}))
    migrate.upgrade(branch(tmp_path / "gone", LEDGER, name="ledger"))
    migrate.upgrade(registry.branches())  # nothing new: no complaint either
    others = branch(tmp_path / "new", LEDGER.replace("ledger", "tally"), name="tally")
    made = plan.make(others)
    assert (made.unforeseen, made.unknown) == ("", ("ledger_0001",))
    assert [step.revision for step in made.steps] == ["tally_0001"]
    migrate.upgrade(others)
    assert {"ledger_0001", "tally_0001"} <= migrate.applied()
    migrate.downgrade(others, "tally@base")
    assert "ledger_0001" in migrate.applied()


def test_one_that_broke_off_after_the_rows_went_is_finished(
    house: House,
    run: Run,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_request_with_photos(house, house.riverside)

    def full(*_what: object) -> None:
        raise OSError("the disk is gone")

    words = ("plugin", "purge", "photo_request", "--practice", "riverside", "--yes", "--to")
    with monkeypatch.context() as patched:
        patched.setattr(purging, "_remove_of_core", full)
        assert run(*words, tmp_path / "first").exit_code == 1
    with house.at(house.riverside, write=False):
        assert purging.is_under_way("photo_request")
    done = run(*words, tmp_path / "second")
    assert done.exit_code == 0, done.output
    with house.at(house.riverside):
        assert {one.state for one in purging.tombstones("photo_request")} == {"done"}
        activation.enable("photo_request")


def test_an_export_that_fails_removes_nothing_and_the_plugin_can_go_on(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with house.at(house.riverside, write=False):
        practice = tenancy.current()

    def full(*_what: object) -> None:
        with house.at(house.riverside, write=False):
            assert purging.is_under_way("photo_request")
        raise OSError("the disk is full")

    monkeypatch.setattr("core.patient_data.practice_archive.write", full)
    with pytest.raises(OSError, match="full"):
        purging.purge("photo_request", practice, tmp_path / "x.zip")
    with house.at(house.riverside, write=False):
        assert not purging.is_under_way("photo_request")
        assert [one.state for one in purging.tombstones("photo_request")] == ["not_begun"]
