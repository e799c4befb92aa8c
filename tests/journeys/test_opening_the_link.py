"""Step 3: the patient opens the link and says the date of birth; five wrong ones lock it, and staff see and lift that."""

from __future__ import annotations

from datetime import date

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import acting
from tests.journeys.people import People
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom

WRONG = date(1990, 1, 1)
NO_MATCH = "This date of birth does not match. Please check it and try again."


def test_the_right_date_of_birth_opens_the_page_and_the_token_leaves_the_address(
    phone: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    link = acting.ask_for_photos(careroom, person, note="Both knees, please")
    phone.goto(link)
    assert person.name not in phone.content()  # the page tells nobody whose link it is
    for label, value in (("Day", "29"), ("Month", "2"), ("Year", "1984")):
        phone.get_by_label(label, exact=True).fill(value)
    phone.get_by_role("button", name="Next").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Send photos to Riverside Surgery")
    expect(phone.get_by_text("Both knees, please")).to_be_visible()
    assert link.rpartition("/")[2] not in phone.url
    assert [request.state for request in acting.requests_of(careroom, person)] == ["opened"]


def test_a_preview_that_fetches_the_link_changes_nothing(
    phone: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    link = acting.ask_for_photos(careroom, person)
    for _ in range(8):
        assert phone.request.get(link).ok
        phone.request.head(link)
    assert [request.state for request in acting.requests_of(careroom, person)] == ["sent"]
    acting.open_link(phone, link, person)


def test_a_date_that_cannot_be_one_is_explained_and_uses_up_no_try(
    phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = people.new()
    phone.goto(acting.ask_for_photos(careroom, person))
    watch.expect(422, "^/l/")
    for _ in range(6):
        phone.get_by_label("Day", exact=True).fill("31")
        phone.get_by_label("Month", exact=True).fill("2")
        phone.get_by_label("Year", exact=True).fill("1984")
        phone.get_by_role("button", name="Next").click()
        expect(phone.get_by_text("Please check the date.")).to_be_visible()
    expect(phone.get_by_label("Day", exact=True)).to_have_value("31")  # nothing typed is lost
    acting.enter_birth_date(phone, person.birth_date)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Send photos to Riverside Surgery")


def test_five_wrong_dates_lock_the_link_and_the_clinician_unlocks_it_without_a_reload(
    clinician: Page, phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = people.new()
    link = acting.ask_for_photos(careroom, person)
    clinician.goto(person.path)
    panel = acting.photo_panel(clinician)
    expect(panel).to_contain_text("Not opened yet.")
    acting.mark(clinician)

    watch.expect(422, "^/l/")
    watch.expect(403, "^/l/")
    phone.goto(link)
    for _ in range(4):
        acting.enter_birth_date(phone, WRONG)
        expect(phone.locator(".error")).to_have_text(f"Error: {NO_MATCH}")
    acting.enter_birth_date(phone, WRONG)
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link is locked")
    expect(phone.get_by_role("link", name="Call 0113 496 0123")).to_be_visible()
    phone.goto(link)  # the right date does not help any more
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link is locked")
    assert acting.requests_of(careroom, person)[0].opened_at is None

    expect(panel).to_contain_text("The date of birth was wrong five times, so the link is locked.")
    acting.expect_no_reload(clinician)
    panel.get_by_role("button", name="Unlock").click()
    expect(clinician.get_by_text("Unlocked. The patient can try again with the same link.")).to_be_visible()

    acting.open_link(phone, link, person)
    expect(panel.get_by_text("The patient opened the link")).to_be_visible()


def test_sent_again_the_old_link_says_that_it_is_withdrawn(
    clinician: Page, phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = people.new()
    old = acting.ask_for_photos(careroom, person, note="The left hand")
    clinician.goto(person.path)
    acting.photo_panel(clinician).get_by_role("button", name="Send again").click()
    expect(clinician.get_by_text("Sent again with a new link.")).to_be_visible()

    watch.expect(410, "^/l/")
    phone.goto(old)
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link is no longer needed")
    expect(phone.get_by_text("Riverside Surgery has withdrawn it.")).to_be_visible()
    new = acting.newest_link(careroom, person)
    assert new != old
    acting.open_link(phone, new, person)
    expect(phone.get_by_text("The left hand")).to_be_visible()
    assert [request.state for request in acting.requests_of(careroom, person)] == ["cancelled", "opened"]


@pytest.mark.parametrize("token", ["nothing", "x" * 32, "%00", "é" * 20])
def test_a_guessed_link_says_kindly_that_it_does_not_work(phone: Page, watch: Watch, token: str) -> None:
    watch.expect(404, "^/l/")
    phone.goto(f"/l/{token}")
    expect(phone.get_by_role("heading", level=1)).to_have_text("This link does not work")
    expect(phone.locator("body")).not_to_contain_text("Riverside")


def test_another_patients_date_of_birth_opens_nothing(
    phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person, other = people.new(), people.new(birth_date=date(1975, 6, 7))
    phone.goto(acting.ask_for_photos(careroom, person))
    watch.expect(422, "^/l/")
    acting.enter_birth_date(phone, other.birth_date)
    expect(phone.locator(".error")).to_contain_text(NO_MATCH)


def test_without_the_date_of_birth_the_pages_behind_the_link_stay_shut(
    phone: Page, people: People, careroom: Careroom, windows: Windows, watch: Watch
) -> None:
    person = people.new()
    acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
    inside = phone.url
    stranger = windows.phone()
    watch.expect(403, "^/v/")
    stranger.goto(inside)
    expect(stranger.get_by_role("heading", level=1)).to_have_text("Please open your link again")
    expect(stranger.locator("body")).not_to_contain_text("photos to")
