"""Today in two windows: what somebody else does shows in the other by itself, and goes by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from playwright.sync_api import Page, expect

from core import db, links, tenancy
from tests.journeys import acting
from tests.journeys.people import People
from tests.support.running import Careroom

Desk = Callable[[str], Page]


@pytest.fixture(scope="module")
def installation(installation_of_its_own: Careroom) -> Careroom:
    return installation_of_its_own


def test_a_card_comes_when_something_waits_and_goes_when_it_is_done(
    desk: Desk, people: People, careroom: Careroom
) -> None:
    person = people.new()
    watching, working = desk("amira"), desk("grace")
    watching.goto("/p/riverside/")
    card = watching.locator("#panel-core-locked_links")
    expect(card).to_be_hidden()
    expect(watching.locator("[data-connection]")).to_have_attribute("data-state", "connected")
    acting.mark(watching)
    with db.scope(write=False):
        practice_id = tenancy.find_by_slug("riverside").id
    with tenancy.practice_scope(practice_id):
        link = links.issue("photo_request.photos", person.id, db.uuid7()).link
        for _try in range(5):
            links.check_birth_date(link, date(1901, 1, 1))
    expect(card).to_be_visible()
    expect(card).to_contain_text("1 link is locked")

    working.goto("/p/riverside/")
    working.get_by_role("link", name="See and unlock").click()
    expect(working.get_by_role("link", name=person.name)).to_be_visible()
    working.get_by_role("button", name="Unlock").click()
    expect(working.get_by_text("No link is locked")).to_be_visible()
    expect(card).to_be_hidden()
    acting.expect_no_reload(watching)
