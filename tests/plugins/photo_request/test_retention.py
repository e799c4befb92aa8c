"""Photos stay for ever, unless the practice chooses a time for rejected or for kept ones."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from core import audit, db, retention
from core.files import store
from core.jobs.service import running_for
from plugins.photo_request.models import KEPT, Photo
from plugins.photo_request.review import keep, reject
from tests.support.house import House
from tests.support.photos import NADIA, a_request_with_photos

pytestmark = pytest.mark.both_databases
REJECTED_KIND, KEPT_KIND = "photo_request.rejected_photos", "photo_request.kept_photos"


def decided(house: House) -> None:
    """Two photos, one kept and one rejected, 400 days ago."""
    a_request_with_photos(house, house.riverside)
    with house.at(house.riverside) as session, audit.use_actor(NADIA):
        one, other = session.scalars(select(Photo)).all()
        keep(one)
        reject(other, "blurred")
    with house.at(house.riverside) as session:
        session.execute(update(Photo).values(reviewed_at=db.utcnow() - timedelta(days=400)))


def would_go(practice_id: UUID, house: House, **days: int | None) -> dict[str, int]:
    changes = {f"photo_request.{name}": value for name, value in days.items()}
    with house.at(practice_id, write=False):
        shown = {line.kind.name: line.count for line in retention.preview(changes)}
    return {name: shown[name] for name in (REJECTED_KIND, KEPT_KIND)}


def test_nothing_goes_by_itself(house: House) -> None:
    decided(house)
    assert would_go(house.riverside, house) == {REJECTED_KIND: 0, KEPT_KIND: 0}
    with running_for(house.riverside):
        assert retention.apply().keys().isdisjoint({REJECTED_KIND, KEPT_KIND})


def test_what_is_chosen_goes_with_its_bytes_and_the_other_stays(house: House) -> None:
    decided(house)
    assert would_go(house.riverside, house, rejected_photos=365, kept_photos=500) == {
        REJECTED_KIND: 1,
        KEPT_KIND: 0,
    }
    with house.at(house.riverside):
        retention.choose(retention.find(REJECTED_KIND), 365)
    stored = len(list(store.listing()))
    with running_for(house.riverside):
        assert retention.apply()[REJECTED_KIND] == 1
    with house.at(house.riverside, write=False) as session:
        (left,) = session.scalars(select(Photo)).all()
        assert left.state == KEPT
    assert len(list(store.listing())) == stored - 2  # the large picture and the small one


def test_kept_photos_cannot_be_chosen_away_within_a_year(house: House) -> None:
    with house.at(house.riverside), pytest.raises(retention.NotAllowed):
        retention.choose(retention.find(KEPT_KIND), 30)
