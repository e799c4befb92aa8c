"""Rules for patients' links: what is stored, what is refused, and that links keep to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from core import db, links
from core.links import Link, policies
from tests.support.house import House, Visitor

URL = "/p/riverside/admin/links"
PHOTOS = "photo_request.photos"


def new_link(house: House, purpose: str = PHOTOS) -> tuple[UUID, timedelta]:
    patient = house.patient_id(house.riverside, "Okafor")
    with house.at(house.riverside):
        link = links.issue(purpose, patient, uuid4()).link
        return link.id, link.expires_at - db.utcnow()


def test_only_who_manages_the_practice_may(visitor: Callable[[], Visitor]) -> None:
    amira = visitor()
    amira.sign_in("amira")
    assert amira.get(URL).status_code == 403
    assert amira.post(URL).status_code == 403


@pytest.mark.both_databases
def test_days_and_tries_of_a_purpose_hold(helen: Visitor, house: House) -> None:
    form = {"every-days": "10", "every-tries": "", f"{PHOTOS.replace('.', '-')}-days": "3"}
    assert helen.post(URL, {**form, "photo_request-photos-tries": "3"}).status_code == 303
    link_id, lives = new_link(house)
    assert timedelta(days=2, hours=23) < lives <= timedelta(days=3)
    assert new_link(house, "other.thing")[1] > timedelta(days=9)
    for wrong in range(1, 4):
        with house.at(house.riverside) as session:
            link = session.get_one(Link, (house.riverside, link_id))
            assert not links.check_birth_date(link, date(1900, 1, wrong))
    with house.at(house.riverside, write=False) as session:
        assert links.state(session.get_one(Link, (house.riverside, link_id))) == "locked"
    with house.at(house.lumiere, write=False):
        assert (policies.days_of(PHOTOS), policies.tries_of(PHOTOS)) == (7, 5)


def test_what_is_empty_is_as_usual(helen: Visitor, house: House) -> None:
    helen.post(URL, {"every-days": "10", "every-tries": "4", "photo_request-photos-days": "3"})
    with house.at(house.riverside, write=False):
        assert (policies.days_of(PHOTOS), policies.tries_of(PHOTOS)) == (3, 4)
    helen.post(URL, {})
    with house.at(house.riverside, write=False):
        assert (policies.days_of(PHOTOS), policies.tries_of(PHOTOS)) == (7, 5)
    assert "Rules for links changed" in helen.get("/p/riverside/admin/audit").get_data(as_text=True)


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("every-days", "0", "from 1 to 90"),
        ("every-days", "91", "from 1 to 90"),
        ("every-days", "a week", "from 1 to 90"),
        ("every-tries", "2", "from 3 to 10"),
        ("photo_request-photos-tries", "99999999999", "from 3 to 10"),
        ("photo_request-photos-days", "-1", "from 1 to 90"),
    ],
)
def test_wrong_numbers(helen: Visitor, house: House, field: str, text: str, says: str) -> None:
    answer = helen.post(URL, {"every-tries": "4", field: text})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in page
    assert f'value="{text}"' in page
    with house.at(house.riverside, write=False):
        assert policies.tries_of(PHOTOS) == 5
