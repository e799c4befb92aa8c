"""A patient's export: one ZIP with everything of everybody, made by the worker, there for a few days."""

from __future__ import annotations

import hashlib
import io
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import select, update

from core import audit, db, files
from core.audit import AuditEntry
from core.errors import Refused
from core.files import crypto, store
from core.files.models import Rendition
from core.files.service import write_blob
from core.jobs.service import running_for
from core.patient_data import ExportPart, FileRef, PatientDataContext, PatientExport, exports
from core.patient_data.archive import pieces_of
from core.patients import get
from core.plugin_system import activation
from tests.core.patient_data.conftest import HELEN, Unzipped
from tests.support.house import House
from tests.support.photos import a_request_with_photos, jpeg

Export = Callable[[UUID, UUID], PatientExport]
Fetch = Callable[[PatientExport], Unzipped]


@pytest.mark.both_databases
def test_everything_is_in_it_and_everything_adds_up(house: House, export_of: Export, fetched: Fetch) -> None:
    ids = a_request_with_photos(house, house.riverside)
    export = export_of(house.riverside, ids["patient_id"])
    assert (export.state, export.error) == ("ready", None)
    found = fetched(export)

    with house.at(house.riverside, write=False):
        patient = get(ids["patient_id"])
        identity = found.json("core/identity.json")
        assert identity["family_name"] == patient.family_name
        assert identity["birth_date"] == patient.birth_date.isoformat()
        assert identity["nhs_number"] == patient.identifier("nhs_number")
        assert found.json("core/contact.json")["mobile"] == patient.mobile
    assert [link["purpose"] for link in found.json("core/links.json")] == ["Send photos"]
    assert found.json("core/messages.json")[0]["recipient"] == patient.mobile
    actions = [entry["action"] for entry in found.json("core/access.json")]
    assert actions[0] == "patient.created"
    assert {"photo_request.sent", "patient.export_requested"} <= set(actions)

    (request,) = found.json("photo_request/requests.json")
    assert request["asked_by"] == "Nadia Roussel"
    assert len(request["agreements"]) == 1
    assert request["agreements"][0]["wording"]
    assert len(request["photos"]) == 2
    for photo in request["photos"]:
        picture = Image.open(io.BytesIO(found.members[photo["picture"]]))
        assert picture.format == "JPEG"
        assert picture.size == (640, 480)
    assert found.manifest["owners"] == {"core": "", "photo_request": "1.0.0"}


def test_the_patient_reads_it_in_their_own_language(house: House, export_of: Export, fetched: Fetch) -> None:
    elodie = house.patient_id(house.riverside, "Garnier")  # French, at an English practice
    page = fetched(export_of(house.riverside, elodie)).text()
    assert 'lang="fr-FR"' in page
    assert "Garnier" in page
    assert "21 juin 1994" in page
    assert "Given names" not in page
    assert "Date of birth" not in page
    assert "<script" not in page
    assert "http" not in page


def test_what_people_wrote_is_text_on_the_page(house: House, export_of: Export, fetched: Fetch) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside):
        get(patient_id).given_names = "<img src=x onerror=alert(1)>"
    page = fetched(export_of(house.riverside, patient_id)).text()
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page


@pytest.mark.both_databases
def test_a_plugin_that_is_off_hands_over_what_it_kept(
    house: House, export_of: Export, fetched: Fetch
) -> None:
    ids = a_request_with_photos(house, house.riverside)
    with house.at(house.riverside):
        activation.disable("photo_request")
    found = fetched(export_of(house.riverside, ids["patient_id"]))
    assert len(found.json("photo_request/requests.json")[0]["photos"]) == 2
    assert len([name for name in found.members if name.endswith(".jpg")]) == 2


def test_nobody_elses_data_is_in_it(house: House, export_of: Export, fetched: Fetch) -> None:
    ids = a_request_with_photos(house, house.riverside)
    other = house.patient_id(house.riverside, "Raman")
    assert ids["patient_id"] != other
    found = fetched(export_of(house.riverside, other))
    assert not [name for name in found.members if name.startswith("photo_request/")]
    with house.at(house.riverside, write=False):
        somebody = get(ids["patient_id"])
    assert all(somebody.family_name.encode() not in data for data in found.members.values())


def test_a_plugin_that_raises_leaves_no_export_and_is_named(
    house: House, export_of: Export, fetched: Fetch, install: Callable[..., None]
) -> None:
    broken = True

    def export_patient(ctx: PatientDataContext) -> list[ExportPart]:
        if broken:
            raise KeyError("a patient's own words")
        return [ExportPart("plots.json", {"mood": "better"})]

    install("diary", export_patient=export_patient)
    patient_id = house.patient_id(house.riverside, "Okafor")
    export = export_of(house.riverside, patient_id)
    assert (export.state, export.failed_owner, export.error) == ("failed", "diary", "KeyError")
    assert export.blob is None
    with house.at(house.riverside), pytest.raises(Refused):
        exports.open_archive(db.session().merge(export))
    broken = False
    with house.at(house.riverside):
        again = exports.get(export.id)
        assert again is not None
        exports.retry(again)
    house.work()
    with house.at(house.riverside, write=False):
        again = exports.get(export.id)
    assert again is not None
    assert again.state == "ready"
    assert fetched(again).json("diary/plots.json") == {"mood": "better"}


def test_a_plugin_that_answers_something_else_is_named(
    house: House, export_of: Export, install: Callable[..., None]
) -> None:
    install("diary", export_patient=lambda ctx: {"plots": 1})
    export = export_of(house.riverside, house.patient_id(house.riverside, "Okafor"))
    assert (export.state, export.failed_owner) == ("failed", "diary")


def test_asking_twice_makes_one(house: House) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside), audit.use_actor(HELEN):
        first = exports.request(get(patient_id))
        assert exports.request(get(patient_id)).id == first.id


@pytest.mark.both_databases
def test_after_its_time_it_is_gone_with_its_bytes(house: House, export_of: Export) -> None:
    export = export_of(house.riverside, house.patient_id(house.riverside, "Okafor"))
    assert export.blob is not None
    assert store.exists(export.blob)
    with house.at(house.riverside) as session:
        session.execute(update(PatientExport).values(expires_at=db.utcnow() - timedelta(seconds=1)))
    with house.at(house.riverside), pytest.raises(Refused) as refused:  # the time counts, before any sweep
        found = exports.get(export.id)
        assert found is not None
        exports.open_archive(found)
    assert refused.value.status == 410
    exports.expire({})
    with house.at(house.riverside, write=False):
        found = exports.get(export.id)
    assert found is not None
    assert (found.state, found.blob) == ("expired", None)
    assert not store.exists(export.blob)


def test_the_orphan_sweep_knows_exports(house: House, export_of: Export) -> None:
    export = export_of(house.riverside, house.patient_id(house.riverside, "Okafor"))
    assert export.blob is not None
    files.sweep_orphans(older_than=timedelta(0))
    assert store.exists(export.blob)


@pytest.mark.both_databases
def test_asking_making_and_fetching_are_on_the_trail(house: House, export_of: Export, fetched: Fetch) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    export = export_of(house.riverside, patient_id)
    fetched(export)
    with house.at(house.riverside, write=False) as session:
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action.startswith("patient.export")).order_by(AuditEntry.seq)
        ).all()
        told = [(entry.action, entry.actor_name, entry.patient_id) for entry in entries]
        again = exports.get(export.id)
    assert told == [
        ("patient.export_requested", "Helen Price", patient_id),
        ("patient.exported", "Helen Price", patient_id),
        ("patient.export_downloaded", "Helen Price", patient_id),
    ]
    assert again is not None
    assert again.downloads == 1


def test_a_worker_that_died_half_way_is_followed_by_another(house: House, fetched: Fetch) -> None:
    patient_id = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside), audit.use_actor(HELEN):
        export = exports.request(get(patient_id))
        export.state, export.bytes_done = "running", 12
    house.work()
    with house.at(house.riverside, write=False):
        found = exports.get(export.id)
    assert found is not None
    assert found.state == "ready"
    assert "core/identity.json" in fetched(found).members


def test_a_large_export_is_never_held_in_memory(house: House, install: Callable[..., None]) -> None:
    """240 MB of pictures through archive, encryption and back, in less than 40 MB of memory."""
    patient_id = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside, write=False):
        staged = files.stage(io.BytesIO(jpeg()), owner="diary", name="a.jpg", patient_id=patient_id)
    with house.at(house.riverside) as session:
        size, blobs = 120 * 1024 * 1024, {}
        for kept in (files.keep(staged), files.keep(replace(staged, file_id=db.uuid7()))):
            blobs[kept.id] = store.new_name(house.riverside)
            picture = Rendition(file_id=kept.id, name="large", media_type="image/jpeg", width=1, height=1)
            picture.size, picture.blob = size, blobs[kept.id]
            session.add(picture)
    for file_id, name in blobs.items():
        write_blob(name, _Noise(size), crypto.Context(house.riverside, file_id, "large"))
    install(
        "diary",
        export_patient=lambda ctx: [
            ExportPart(f"{number}.jpg", FileRef(file_id, "a.jpg")) for number, file_id in enumerate(blobs)
        ],
    )
    with house.at(house.riverside), audit.use_actor(HELEN):
        export_id = exports.request(get(patient_id)).id
    tracemalloc.start()
    with running_for(house.riverside):
        exports.make({"export_id": str(export_id)})
    with house.at(house.riverside):
        export = exports.get(export_id)
        assert export is not None
        stream, sha256 = exports.open_archive(export), export.sha256
    digest, read = hashlib.sha256(), 0
    for piece in pieces_of(stream):
        digest.update(piece)
        read += len(piece)
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (export.state, read, digest.hexdigest()) == ("ready", export.size, sha256)
    assert read > 2 * size
    assert most < 40 * 1024 * 1024


class _Noise:
    """So many bytes that no compression makes smaller."""

    def __init__(self, size: int) -> None:
        self._left, self._piece = size, os.urandom(65536)

    def read(self, size: int, /) -> bytes:
        piece = self._piece[: min(size, self._left)]
        self._left -= len(piece)
        return piece
