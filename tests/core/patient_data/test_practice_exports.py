"""The whole practice as one ZIP, asked for by an administrator: whole, for a few days, on the trail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from core import audit, db
from core.patient_data import PracticeExport, erasures, exports, practice_exports
from core.patients import get
from core.security.models import SignInSession
from tests.core.patient_data.conftest import HELEN, unzip
from tests.support.house import House, Visitor
from tests.support.pages import text
from tests.support.photos import a_request_with_photos

PAGE = "/p/riverside/admin/exports/practice"


def only(house: House) -> PracticeExport:
    with house.at(house.riverside, write=False):
        [found] = practice_exports.recent()
        return found


def forget_who_it_is() -> None:
    """As if everybody had signed in long ago."""
    with db.scope() as session:
        session.execute(update(SignInSession).values(proven_at=db.utcnow() - timedelta(hours=5)))


@pytest.mark.both_databases
def test_an_administrator_asks_for_it_and_downloads_it(house: House, helen: Visitor) -> None:
    ids = a_request_with_photos(house, house.riverside)
    assert "Everything in one file" in text(helen.get(PAGE))
    assert helen.post(PAGE).status_code == 303
    helen.post(PAGE)  # a second time: it is under way
    assert "Waiting" in text(helen.get(f"{PAGE}/state"))
    house.work()
    made = only(house)
    assert (made.state, made.error, made.missing) == ("ready", None, 0)
    page = text(helen.get(PAGE))
    assert "Download" in page
    assert "by Helen" in page

    answer = helen.get(f"{PAGE}/{made.id}.zip")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "riverside-" in answer.headers["Content-Disposition"]
    found = unzip(answer.data)
    assert found.manifest["practice"] == "riverside"
    assert str(ids["patient_id"]) in found.text("core/tables/core_patient.jsonl")
    assert any(name.startswith("photo_request/files/") for name in found.members)
    assert "Garnier" in found.text("core/tables/core_patient.jsonl")
    assert str(house.lumiere) not in found.text("core/tables/core_patient.jsonl")
    assert only(house).downloads == 1
    with house.at(house.riverside, write=False):
        actions = [entry.action for entry in audit.history(limit=20)]
    assert {"practice.export_requested", "practice.exported", "practice.export_downloaded"} <= set(actions)


def test_it_asks_again_who_is_there(house: House, helen: Visitor) -> None:
    helen.post(PAGE)
    house.work()
    made = only(house)
    forget_who_it_is()
    for url in (PAGE, f"{PAGE}/{made.id}.zip"):
        answer = helen.get(url)
        assert answer.status_code == 303
    assert "/account/confirm" in helen.get(PAGE).location
    helen.post(PAGE)
    assert only(house).downloads == 0, "nothing was asked for and nothing fetched"


def test_only_administrators_and_only_their_own(
    house: House, helen: Visitor, amira: Visitor, nadia: Visitor
) -> None:
    helen.post(PAGE)
    house.work()
    made = only(house)
    assert amira.get(PAGE).status_code == 403
    assert amira.post(PAGE).status_code == 403
    assert amira.get(f"{PAGE}/{made.id}.zip").status_code == 403
    assert nadia.get(f"/p/lumiere/admin/exports/practice/{made.id}.zip").status_code == 404
    assert nadia.get(f"{PAGE}/{made.id}.zip").status_code == 404


def test_it_is_there_for_two_days(house: House, helen: Visitor) -> None:
    helen.post(PAGE)
    house.work()
    made = only(house)
    with house.at(house.riverside) as session:
        session.get_one(PracticeExport, (house.riverside, made.id)).expires_at = db.utcnow()
    assert helen.get(f"{PAGE}/{made.id}.zip").status_code == 410
    exports.expire({})
    assert (only(house).state, only(house).blob) == ("expired", None)
    assert "Removed" in text(helen.get(PAGE))


def test_it_can_be_removed_before_its_time(house: House, helen: Visitor) -> None:
    helen.post(PAGE)
    house.work()
    helen.post(f"{PAGE}/{only(house).id}/remove")
    assert only(house).blob is None
    assert helen.get(f"{PAGE}/{only(house).id}.zip").status_code == 410


def test_an_export_that_is_not_whole_is_none(
    house: House, helen: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any, **_named: Any) -> UUID:
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr("core.patient_data.practice_archive.stream", broken)
        helen.post(PAGE)
        house.work()
    assert (only(house).state, only(house).error) == ("failed", "RuntimeError")
    assert "could not hand over its data" in text(helen.get(PAGE))
    helen.post(f"{PAGE}/{only(house).id}/retry")
    house.work()
    assert only(house).state == "ready"


def test_a_patient_who_is_erased_is_in_no_earlier_export(house: House, helen: Visitor) -> None:
    helen.post(PAGE)
    house.work()
    garnier = house.patient_id(house.riverside, "Garnier")
    with house.at(house.riverside), audit.use_actor(HELEN):
        erasures.request(get(garnier))
    house.work()
    assert (only(house).state, only(house).blob) == ("expired", None)
