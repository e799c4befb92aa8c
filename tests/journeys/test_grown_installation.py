"""The main way once more in the large size: PostgreSQL, Redis, gevent, and two web processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import acting, photos
from tests.journeys.people import People
from tests.support.databases import PostgresTemplate
from tests.support.running import Careroom, eventually, running

pytestmark = [pytest.mark.postgresql, pytest.mark.redis]


@pytest.fixture(scope="module")
def installation(
    seeded_postgres_template: PostgresTemplate, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Careroom]:
    """Web process (gevent) and worker over PostgreSQL and Redis."""
    folder = tmp_path_factory.mktemp("grown")
    with (
        seeded_postgres_template.copy(folder) as url,
        running(url, folder, async_mode="gevent", redis_url=redis_url) as started,
    ):
        yield started


def test_what_one_process_takes_shows_live_on_a_page_of_another(
    clinician: Page, phone: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    clinician.goto(person.path)
    panel = acting.photo_panel(clinician)
    expect(clinician.locator("[data-connection]")).to_have_attribute("data-state", "connected")
    acting.mark(clinician)
    with careroom.another_web() as elsewhere:
        link = acting.ask_for_photos(careroom, person)
        expect(panel.locator('.state[data-state="sent"]')).to_be_visible()
        acting.open_link(phone, link.replace(careroom.url, elsewhere), person)
        assert phone.url.startswith(elsewhere)
        expect(panel.locator('.state[data-state="opened"]')).to_be_visible()
        acting.send_photos(phone, photos.heavy(1, 0.7), photos.jpeg(2))
        expect(panel).to_contain_text("2 photos to review")
        expect(panel.get_by_role("img", name="Photo 2 of 2", exact=True)).to_be_visible()
        acting.expect_no_reload(clinician)
        panel.get_by_role("link", name="Review photos").click()
        clinician.get_by_role("button", name="Keep in the record").click()
        expect(clinician.get_by_text("Photo 2 of 2, received")).to_be_visible()
        eventually(lambda: acting.states(careroom, person) == ["kept", "ready"], what="the decision")
        phone.goto("about:blank")  # the confirmation asks whether all has arrived; its process stops now
