"""Step 5, the other ends of a request: it expires, is cancelled, is sent again, is completed."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page, expect
from sqlalchemy import update

from core.db import utcnow
from core.links import Link
from plugins.photo_request.models import Request
from tests.journeys import acting, photos
from tests.journeys.people import People, Person
from tests.support.browser import Watch
from tests.support.running import Careroom


def _let_expire(careroom: Careroom, person: Person) -> None:
    past = utcnow() - timedelta(minutes=1)
    (request,) = acting.requests_of(careroom, person)
    with careroom.at(person.slug, write=True) as session:
        session.execute(update(Request).where(Request.id == request.id).values(expires_at=past))
        session.execute(update(Link).where(Link.id == request.link_id).values(expires_at=past))


def test_an_expired_link_says_so_and_a_new_one_is_a_press_away(
    clinician: Page, phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = people.new()
    old = acting.ask_for_photos(careroom, person, note="The scar")
    _let_expire(careroom, person)
    watch.expect(410, "^/l/")
    phone.goto(old)
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link has expired")
    expect(phone.get_by_text("Please ask Riverside Surgery to send you a new one.")).to_be_visible()

    clinician.goto(person.path)
    panel = acting.photo_panel(clinician)
    expect(panel.locator('.state[data-state="expired"]')).to_be_visible()
    expect(panel).to_contain_text("without photos")
    panel.get_by_role("button", name="Send again").click()
    expect(clinician.get_by_text("Sent again with a new link.")).to_be_visible()
    acting.open_link(phone, acting.newest_link(careroom, person), person)
    expect(phone.get_by_text("The scar")).to_be_visible()


def test_a_link_that_expires_while_the_page_is_open_says_so_when_the_patient_sends(
    phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = people.new()
    acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
    acting.choose(phone, photos.jpeg(1))
    expect(acting.chosen_photos(phone)).to_have_count(1)
    _let_expire(careroom, person)
    watch.expect(410, "^/v/")
    acting.agree_and_send(phone)
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link has expired")
    assert acting.photos_of(careroom, person) == []


def test_a_cancelled_request_shuts_its_link(
    clinician: Page, phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = people.new()
    link = acting.ask_for_photos(careroom, person)
    acting.open_link(phone, link, person)
    clinician.goto(person.path)
    acting.photo_panel(clinician).get_by_role("button", name="Cancel request").click()
    expect(clinician.get_by_text("Photo request cancelled. The link no longer works.")).to_be_visible()
    expect(acting.photo_panel(clinician)).to_contain_text("Cancelled by Amira Khan.")
    watch.expect(410, "^/[lv]/")
    phone.reload()
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link is no longer needed")
    phone.goto(link)
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link is no longer needed")


def test_after_completion_the_patient_can_read_and_not_add(
    clinician: Page, phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = people.new()
    link = acting.ask_for_photos(careroom, person)
    acting.open_link(phone, link, person)
    acting.send_photos(phone, photos.jpeg(1))
    clinician.goto(person.path)
    acting.photo_panel(clinician).get_by_role("button", name="Complete").click()
    expect(clinician.get_by_text("Completed. The patient cannot add photos any more.")).to_be_visible()
    phone.reload()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Your photos have arrived")
    expect(phone.get_by_role("link", name="Add more photos")).to_have_count(0)
    watch.expect(410, "^/l/")
    phone.goto(link)
    expect(phone.get_by_role("heading", level=1)).to_have_text("This is done already")
    assert [request.state for request in acting.requests_of(careroom, person)] == ["completed"]
