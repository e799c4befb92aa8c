"""A patient's erasure: all of it or nothing; what must stay stays with its reason; the trail stays sealed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from core import audit, db, tenancy
from core.files.models import Upload
from core.jobs.service import running_for
from core.links.models import Link
from core.patient_data import (
    Erased,
    PatientDataContext,
    PatientExport,
    Source,
    erasures,
    exports,
    own_rows,
)
from core.patients import PatientNotFound, get, search
from core.patients.models import PatientSearchWord
from core.plugin_system import activation, plugin_settings, registry
from plugins.photo_request.models import Photo
from plugins.photo_request.review import keep
from tests.core.db.test_every_revision import row_for
from tests.core.patient_data.conftest import HELEN, Unzipped
from tests.core.patient_data.erasing import OF_PHOTOS, blobs, counts, erased, seen
from tests.support.databases import as_owner
from tests.support.house import House
from tests.support.photos import NADIA, a_request_with_photos


@pytest.mark.both_databases
def test_everything_goes_and_nobody_else_is_touched(
    house: House, export_of: Callable[[UUID, UUID], PatientExport]
) -> None:
    nobody, none = counts(house, house.riverside), blobs()
    ids = a_request_with_photos(house, house.riverside)
    export = export_of(house.riverside, ids["patient_id"])
    assert export.blob in blobs()
    with house.at(house.riverside, write=False):
        name = get(ids["patient_id"]).family_name

    erasure = erased(house, house.riverside, ids["patient_id"])
    assert (erasure.state, erasure.outcome, erasure.error) == ("done", "removed", None)
    assert blobs() == none
    now = counts(house, house.riverside)
    with house.at(house.riverside, write=False):
        with pytest.raises(PatientNotFound):
            get(ids["patient_id"])
        assert search(name, 10, 0, inactive=True) == []
    assert now["core_patient"] == nobody["core_patient"] - 1
    for table in ("core_link", "core_notification", "core_inbox_item", "core_file", "core_patient_export"):
        assert now[table] == 0, table
    assert [now[model.__tablename__] for model in OF_PHOTOS] == [0, 0, 0]
    report = {line.what: line.count for section in erasures.report_of(erasure) for line in section.lines}
    assert report["Photos"] == 2
    assert report["Messages"] >= 1


@pytest.mark.both_databases
def test_the_trail_stays_whole_and_says_who_erased_what(house: House) -> None:
    ids = a_request_with_photos(house, house.riverside)
    with house.at(house.riverside, write=False):
        before = len(audit.history(patient_id=ids["patient_id"], limit=500))
        name = get(ids["patient_id"]).family_name
    erased(house, house.riverside, ids["patient_id"])
    assert audit.verify(house.riverside).intact
    with house.at(house.riverside, write=False):
        entries = audit.history(patient_id=ids["patient_id"], limit=500)
    assert len(entries) > before
    last = next(entry for entry in entries if entry.action == "patient.erased")
    assert last.actor_name == "Helen Price"
    assert last.detail is not None
    assert last.detail["went"]["photo_request"] == 3
    assert all(name not in str(entry.detail) for entry in entries)


@pytest.mark.both_databases
def test_the_preview_says_what_will_go_and_changes_nothing(house: House) -> None:
    ids = a_request_with_photos(house, house.riverside)
    before, stored = counts(house, house.riverside), blobs()
    with house.at(house.riverside, write=False):
        patient = get(ids["patient_id"])
    shown = erasures.preview(patient)
    assert shown.is_possible
    assert shown.outcome == "removed"
    assert (counts(house, house.riverside), blobs()) == (before, stored)
    erasure = erased(house, house.riverside, ids["patient_id"])
    assert [(s.owner, s.lines) for s in erasures.report_of(erasure)] == [
        (s.owner, s.lines) for s in shown.sections
    ]


def test_a_preview_that_writes_all_the_same_is_undone(house: House, install: Callable[..., None]) -> None:
    def erase_patient(ctx: Any) -> list[Erased]:
        own_rows.erase_patient(Source("photo_request", "", ""), type(ctx)(ctx.practice, ctx.patient))
        return [Erased("everything", 1)]

    ids = a_request_with_photos(house, house.riverside)
    install("diary", erase_patient=erase_patient)
    before = counts(house, house.riverside)
    with house.at(house.riverside, write=False):
        patient = get(ids["patient_id"])
    shown = erasures.preview(patient)
    assert not shown.is_possible
    assert [section.owner for section in shown.sections if section.failed] == ["diary"]
    assert next(s for s in shown.sections if s.owner == "photo_request").lines[-1].count == 2
    assert counts(house, house.riverside) == before


def test_a_plugin_that_is_off_erases_as_well(house: House) -> None:
    ids = a_request_with_photos(house, house.riverside)
    with house.at(house.riverside):
        activation.disable("photo_request")
    assert erased(house, house.riverside, ids["patient_id"]).state == "done"
    assert counts(house, house.riverside)["photo_request_photo"] == 0


@pytest.mark.both_databases
def test_a_plugin_that_raises_leaves_everything_and_a_retry_finishes(
    house: House, install: Callable[..., None]
) -> None:
    broken = True

    def erase_patient(ctx: Any) -> list[Erased]:
        if broken and not ctx.preview:
            raise RuntimeError("the account is locked")
        return [Erased("diary entries", 3)]

    ids = a_request_with_photos(house, house.riverside)
    before, stored = counts(house, house.riverside), blobs()
    install("diary", erase_patient=erase_patient)
    erasure = erased(house, house.riverside, ids["patient_id"])
    assert (erasure.state, erasure.failed_owner, erasure.error) == ("failed", "diary", "RuntimeError")
    assert erasure.outcome is None
    assert erasure.report == {}
    assert (counts(house, house.riverside), blobs()) == (before, stored)
    with house.at(house.riverside, write=False):
        assert get(ids["patient_id"]).active

    broken = False
    with house.at(house.riverside):
        again = erasures.get(erasure.id)
        assert again is not None
        erasures.retry(again)
    house.work()
    done = seen(house, house.riverside, erasure.id)
    assert (done.state, done.tries, done.failed_owner) == ("done", 2, None)
    assert counts(house, house.riverside)["photo_request_photo"] == 0
    assert {section.owner for section in erasures.report_of(done)} == {"core", "diary", "photo_request"}


def test_a_plugin_that_leaves_rows_without_a_reason_is_found_out(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = a_request_with_photos(house, house.riverside)
    monkeypatch.setattr("plugins.photo_request.patient_data.erase", lambda ctx: [Erased("Photos", 2)])
    erasure = erased(house, house.riverside, ids["patient_id"])
    assert (erasure.state, erasure.failed_owner) == ("failed", "photo_request")
    assert "photo_request_request (1)" in (erasure.error or "")
    assert "core_file (2)" in (erasure.error or "")


@pytest.mark.both_databases
def test_kept_photos_stay_as_long_as_the_law_says_with_the_name_they_need(house: House) -> None:
    ids = a_request_with_photos(house, house.riverside)
    with house.at(house.riverside), audit.use_actor(NADIA):
        plugin_settings.save(registry.get("photo_request"), {"record_years": 10})
        photo = db.get(Photo, ids["photo_id"])
        assert photo is not None
        keep(photo)
    with house.at(house.riverside, write=False):
        patient = get(ids["patient_id"])
    shown = erasures.preview(patient)
    assert shown.outcome == "reduced"
    erasure = erased(house, house.riverside, ids["patient_id"])
    assert (erasure.state, erasure.outcome) == ("done", "reduced")
    (line,) = next(s for s in erasures.report_of(erasure) if s.owner == "photo_request").stays
    assert line.count == 1
    assert "medical record" in line.stays
    today = db.utcnow().date()
    ten_years = today.replace(year=today.year + 10, day=min(today.day, 28) if today.month == 2 else today.day)
    assert line.until == ten_years
    now = counts(house, house.riverside)
    assert (now["photo_request_photo"], now["photo_request_request"], now["core_file"]) == (1, 1, 1)
    with house.at(house.riverside, write=False):
        reduced = get(ids["patient_id"])
        assert reduced.family_name == patient.family_name
        assert reduced.birth_date == patient.birth_date
        assert (reduced.mobile, reduced.phone, reduced.email, reduced.active) == (None, None, None, False)
        assert db.session().scalars(select(Link)).all() == []


@pytest.mark.both_databases
def test_what_stays_without_a_name_leaves_nobody_to_be_known(
    house: House, install: Callable[..., None]
) -> None:
    install(
        "invoices",
        erase_patient=lambda ctx: [Erased("Invoices", 2, stays="Tax law: ten years.", needs_identity=False)],
    )
    patient_id = house.patient_id(house.riverside, "Okafor")
    erasure = erased(house, house.riverside, patient_id)
    assert (erasure.state, erasure.outcome) == ("done", "anonymised")
    with house.at(house.riverside, write=False) as session:
        left = get(patient_id)
        assert (left.given_names, left.family_name, left.birth_date) == (
            "Erased",
            "patient",
            date(1900, 1, 1),
        )
        assert left.identifiers == []
        assert left.email is None
        assert not left.active
        words = select(PatientSearchWord).where(PatientSearchWord.patient_id == patient_id)
        assert session.scalars(words).all() == []


@pytest.mark.both_databases
def test_a_plugin_without_hooks_is_spoken_for_by_its_tables(house: House) -> None:
    ids = a_request_with_photos(house, house.riverside)
    source = Source("photo_request", "Photo requests", "1.0")
    with house.at(house.riverside, write=False):
        ctx = PatientDataContext(tenancy.current(), get(ids["patient_id"]))
        parts = {part.name: part.content for part in own_rows.export_patient(source, ctx)}
        assert len(parts["photo.json"]) == 2
        assert len(parts["consent.json"]) == 1
        assert sum(name.startswith("files/") for name in parts) == 2
    with house.at(house.riverside):
        ctx = PatientDataContext(tenancy.current(), get(ids["patient_id"]))
        gone = {one.what: one.count for one in own_rows.erase_patient(source, ctx)}
        assert gone == {"request": 1, "consent": 1, "photo": 2, "files": 2}
        assert own_rows.left("photo_request", ids["patient_id"]) == {}


def test_what_was_on_its_way_goes_a_little_later(house: House) -> None:
    ids = a_request_with_photos(house, house.riverside)
    with house.at(house.riverside) as session:
        upload = Upload(
            owner="photo_request", subject_id=ids["request_id"], patient_id=ids["patient_id"], name="x",
            declared_type="", length=1, expires_at=db.utcnow(),
        )  # fmt: skip
        session.add(upload)
        session.flush()
    erasures_job = {"patient_id": str(ids["patient_id"]), "kept_owners": []}
    with running_for(house.riverside):
        erasures.look_again(erasures_job)
    now = counts(house, house.riverside)
    assert (now["core_upload"], now["core_file"]) == (0, 0)


def test_erasing_twice_is_one_erasure_and_an_open_export_ends(house: House) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside), audit.use_actor(HELEN):
        first = erasures.request(get(patient_id))
        assert erasures.request(get(patient_id)).id == first.id
        exports.request(get(patient_id))
    stored = blobs()
    house.work()
    assert seen(house, house.riverside, first.id).state == "done"
    assert blobs() == stored


def _filled(house: House, patient_id: UUID) -> list[str]:
    """A row about the patient in every table of the core that has a patient in it and had none; their names."""
    with as_owner() as connection:
        made = []
        for table in db.Base.metadata.sorted_tables:
            if (
                not table.name.startswith("core_")
                or "patient_id" not in table.c
                or "practice_id" not in table.c
            ):
                continue
            here = (table.c.practice_id == house.riverside, table.c.patient_id == patient_id)
            if connection.scalar(select(func.count()).select_from(table).where(*here)):
                continue
            row = row_for(connection, table, practice_id=house.riverside, patient_id=patient_id)
            if table.name == "core_file":  # one of a plugin that is gone would stop the erasure
                row["owner"] = "core"
            connection.execute(table.insert().values(**row))
            made.append(table.name)
        return made


@pytest.mark.both_databases
def test_no_table_of_the_core_is_forgotten_also_one_that_comes_later(
    house: House,
    export_of: Callable[[UUID, UUID], PatientExport],
    fetched: Callable[[PatientExport], Unzipped],
) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    made = set(_filled(house, patient_id))
    assert {"core_patient_alert", "core_contact_state", "core_emergency_access"} <= made
    members = fetched(export_of(house.riverside, patient_id)).members
    for table in made - {
        "core_file",
        "core_upload",
        "core_inbox_item",  # a notice to staff says again what other parts hold
        "core_link",
        "core_notification",
        "core_patient_erasure",
    }:
        if table not in ("core_audit_entry", "core_patient_export", "core_patient_search_word"):
            assert f"core/{table.removeprefix('core_')}.json" in members, table
    with as_owner() as connection:
        connection.execute(text("DELETE FROM core_patient_erasure"))
    assert erased(house, house.riverside, patient_id).state == "done"
    with as_owner() as connection:
        for table in db.Base.metadata.sorted_tables:
            if table.name in {"core_audit_entry", "core_patient_erasure"} or "patient_id" not in table.c:
                continue
            left = select(func.count()).select_from(table).where(table.c.patient_id == patient_id)
            assert connection.scalar(left) == 0, table.name
