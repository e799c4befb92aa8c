"""The pages on which a patient's data is exported and erased."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import select

from core.patient_data import PatientErasure, PatientExport
from core.patients import PatientNotFound, get
from core.plugin_system import activation
from tests.core.patient_data.conftest import unzip
from tests.support.house import House, Visitor
from tests.support.photos import a_request_with_photos

Visitors = Callable[[], Visitor]
DATA = "/p/riverside/patient-data"


@pytest.fixture
def admin(visitor: Visitors) -> Visitor:
    found = visitor()
    found.sign_in("helen")
    return found


@pytest.fixture
def patient_id(house: House) -> UUID:
    return a_request_with_photos(house, house.riverside)["patient_id"]


def the_export(house: House) -> PatientExport:
    with house.at(house.riverside, write=False) as session:
        return session.scalars(select(PatientExport)).one()


def the_erasure(house: House) -> PatientErasure:
    with house.at(house.riverside, write=False) as session:
        return session.scalars(select(PatientErasure)).one()


def test_asked_for_made_and_downloaded(house: House, admin: Visitor, patient_id: UUID) -> None:
    answer = admin.post(f"{DATA}/{patient_id}/export", {"language": "fr"})
    assert answer.status_code == 303
    assert "The export is being made" in admin.get(f"{DATA}/{patient_id}/export").text
    house.work()
    page = admin.get(f"{DATA}/{patient_id}/export/state").text
    export = the_export(house)
    url = f"{DATA}/{patient_id}/exports/{export.id}.zip"
    assert url in page
    zipped = admin.get(url)
    assert zipped.status_code == 200
    assert int(zipped.headers["Content-Length"]) == len(zipped.data) == export.size
    assert "no-store" in zipped.headers["Cache-Control"]
    assert 'lang="fr-FR"' in unzip(zipped.data).text()
    assert the_export(house).downloads == 1
    assert "Downloaded 1 time" in admin.get(f"{DATA}/{patient_id}/export").text


def test_only_those_with_the_right_get_near(
    house: House, visitor: Visitors, admin: Visitor, patient_id: UUID
) -> None:
    admin.post(f"{DATA}/{patient_id}/export")
    house.work()
    export = the_export(house)
    clinician = visitor()
    clinician.sign_in("amira")
    for path in (
        "",
        f"/{patient_id}/export",
        f"/{patient_id}/exports/{export.id}.zip",
        f"/{patient_id}/erase",
    ):
        assert clinician.get(DATA + path).status_code == 403, path
    assert clinician.post(f"{DATA}/{patient_id}/export").status_code == 403
    assert clinician.post(f"{DATA}/{patient_id}/erase", {"name": "x"}).status_code == 403
    workspace = clinician.get(f"/p/riverside/patients/{patient_id}").text
    assert "Export data" not in workspace
    assert "Erase data" not in workspace
    other = house.patient_id(house.riverside, "Raman")
    assert admin.get(f"{DATA}/{other}/exports/{export.id}.zip").status_code == 404
    assert admin.get(f"/p/lumiere/patient-data/{patient_id}/exports/{export.id}.zip").status_code in (
        403,
        404,
    )


def test_an_export_that_was_removed_is_gone(house: House, admin: Visitor, patient_id: UUID) -> None:
    admin.post(f"{DATA}/{patient_id}/export")
    house.work()
    export = the_export(house)
    admin.post(f"{DATA}/{patient_id}/exports/{export.id}/remove")
    gone = admin.get(f"{DATA}/{patient_id}/exports/{export.id}.zip")
    assert gone.status_code == 410
    assert "Make a new one" in gone.text


def test_the_preview_names_what_goes_and_a_wrong_name_erases_nothing(
    house: House, admin: Visitor, patient_id: UUID
) -> None:
    page = admin.get(f"{DATA}/{patient_id}/erase").text
    for words in ("Photo requests and what was agreed to", "Photos", "Messages", "Nothing has to stay"):
        assert words in page
    answer = admin.post(f"{DATA}/{patient_id}/erase", {"name": "somebody else"})
    assert answer.status_code == 422
    assert "Type the patient’s name as it stands above" in answer.text
    house.work()
    with house.at(house.riverside, write=False) as session:
        assert get(patient_id).active
        assert session.scalars(select(PatientErasure)).all() == []


def test_typed_and_erased(house: House, admin: Visitor, patient_id: UUID) -> None:
    with house.at(house.riverside, write=False):
        name = get(patient_id).display_name
    answer = admin.post(f"{DATA}/{patient_id}/erase", {"name": f"  {name.upper()} "})
    assert answer.status_code == 303
    erasure = the_erasure(house)
    url = f"{DATA}/erasures/{erasure.id}"
    assert answer.headers["Location"].endswith(url)
    assert "The data is being erased" in admin.get(url).text
    assert admin.get(f"{DATA}/{patient_id}/erase").status_code == 302  # there is one under way
    house.work()
    page = admin.get(url).text
    assert "The patient’s data is gone" in page
    assert name not in page
    with house.at(house.riverside, write=False), pytest.raises(PatientNotFound):
        get(patient_id)
    assert admin.get(f"{DATA}/{patient_id}/export").status_code == 404
    listed = admin.get(DATA).text
    assert "Erased patient" in listed
    assert name not in listed


def test_an_unfinished_erasure_is_shown_with_a_way_on_and_a_way_back(
    house: House, admin: Visitor, patient_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(ctx: object) -> None:
        raise OSError("no such account")

    with house.at(house.riverside, write=False):
        name = get(patient_id).display_name
    with monkeypatch.context() as patched:
        patched.setattr("plugins.photo_request.patient_data.erase", broken)
        page = admin.get(f"{DATA}/{patient_id}/erase").text
        assert "Nothing can be erased before that is mended" in page
        assert "Erase for good" not in page
        admin.post(f"{DATA}/{patient_id}/erase", {"name": name})
        house.work()
    erasure = the_erasure(house)
    url = f"{DATA}/erasures/{erasure.id}"
    page = admin.get(url).text
    assert "Photo requests could not erase its part (OSError)" in page
    assert "Not finished" in admin.get(DATA).text
    admin.post(f"{url}/withdraw")
    assert the_erasure(house).state == "withdrawn"
    assert admin.post(f"{url}/withdraw").status_code == 409
    assert admin.get(f"{DATA}/{patient_id}/erase").status_code == 200


def test_a_letter_is_answered_without_seeing_records(house: House, admin: Visitor, patient_id: UUID) -> None:
    with house.at(house.riverside):
        activation.disable("photo_request")
        name = get(patient_id).family_name
    found = admin.post(DATA, {"q": name}).text
    assert f"{DATA}/{patient_id}/export" in found
    assert f"{DATA}/{patient_id}/erase" in found
    assert "Nobody was found" in admin.post(DATA, {"q": "zzzz"}).text
