"""A plugin that holds data and cannot be asked: nothing is handed over or erased as if it held none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from core import db
from core.db import migrate
from core.patient_data import PatientExport, SourceFailed, erasures, purging
from core.patients import get
from core.plugin_system import registry
from plugins.photo_request.models import Photo
from tests.core.db.test_ownership import branch
from tests.core.patient_data.erasing import blobs, counts, erased
from tests.support.databases import as_owner, owner_url
from tests.support.house import House
from tests.support.photos import a_request_with_photos

pytestmark = pytest.mark.both_databases

LEDGER = """op.create_table("ledger_bill",
    sa.Column("practice_id", sa.Uuid, sa.ForeignKey("core_practice.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("id", sa.Uuid, primary_key=True), sa.Column("patient_id", sa.Uuid),
    sa.ForeignKeyConstraint(["practice_id", "patient_id"], ["core_patient.practice_id", "core_patient.id"],
        ondelete="CASCADE"))"""


def test_in_safe_mode_nothing_is_erased_or_handed_over(
    house: House, export_of: Callable[[UUID, UUID], PatientExport]
) -> None:
    ids = a_request_with_photos(house, house.riverside)
    before, stored = counts(house, house.riverside), blobs()
    registry.load(house.settings.model_copy(update={"safe_mode": True}))
    try:
        with house.at(house.riverside, write=False):
            patient = get(ids["patient_id"])
        shown = erasures.preview(patient)
        assert not shown.is_possible
        assert ("photo_request", "not loaded") in [(one.owner, one.failed) for one in shown.sections]
        erasure = erased(house, house.riverside, ids["patient_id"])
        assert (erasure.state, erasure.error) == ("failed", "not loaded")
        export = export_of(house.riverside, ids["patient_id"])
        assert (export.state, export.error) == ("failed", "not loaded")
        with house.at(house.riverside, write=False), pytest.raises(SourceFailed):
            purging.everybody(house.riverside)
    finally:
        registry.load(house.settings)
    after = counts(house, house.riverside)
    assert (after["core_file"], after[Photo.__tablename__]) == (before["core_file"], 2)
    assert stored <= blobs()
    with house.at(house.riverside):
        found = erasures.get(erasure.id)
        assert found is not None
        erasures.retry(found)
    house.work()
    assert counts(house, house.riverside)[Photo.__tablename__] == 0


def test_rows_of_a_plugin_that_is_gone_stop_it_for_whom_they_are_about(
    house: House, export_of: Callable[[UUID, UUID], PatientExport], tmp_path: Path
) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    owned = house.settings.model_copy(update={"migration_url": owner_url(house.settings.database_url)})
    db.configure(owned)
    migrate.upgrade(branch(tmp_path / "migrations", LEDGER, name="ledger"))
    with as_owner() as connection:
        row = f"INSERT INTO ledger_bill VALUES ('{house.riverside.hex}', '{'1' * 32}', '{patient_id.hex}')"
        connection.execute(text(row))
        if connection.dialect.name == "postgresql":
            connection.execute(text("GRANT SELECT ON ledger_bill TO careroom_app"))
    erasure = erased(house, house.riverside, patient_id)
    assert (erasure.state, erasure.failed_owner, erasure.error) == (
        "failed",
        "ledger",
        "not installed: purge first",
    )
    assert export_of(house.riverside, patient_id).failed_owner == "ledger"
    with as_owner() as connection:
        assert connection.scalar(text("SELECT count(*) FROM ledger_bill")) == 1
    assert "ledger" in purging.everybody(house.riverside)
    assert "ledger" not in purging.everybody(house.lumiere)
