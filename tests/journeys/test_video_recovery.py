"""Bad days of a call, on the real pages: somebody closes the page, reloads it, both do, and the server is killed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.consultations import Consultation, flows
from tests.journeys.people import People
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom

PATIENT = "[data-role=patient] video"
CLINICIAN = "#pictures .large video"


@pytest.fixture
def talk(careroom: Careroom, windows: Windows, people: People) -> tuple[Consultation, Page, Page]:
    """A call that is on, Amira's page and the patient's."""
    consultation = Consultation(careroom, people.new())
    desk, phone = windows.clinician("amira"), windows.phone()
    consultation.wait_in(phone)
    desk.goto(consultation.path)
    desk.get_by_role("button", name=re.compile("^Admit")).click()
    both_see(desk, phone)
    consultation.becomes("in_call")
    return consultation, desk, phone


def both_see(desk: Page, phone: Page) -> None:
    flows(desk, PATIENT)
    flows(phone, CLINICIAN)


@pytest.mark.timeout(300)
def test_who_goes_away_and_comes_back_is_told_and_goes_on(
    talk: tuple[Consultation, Page, Page], watch: Watch
) -> None:
    consultation, desk, phone = talk
    caption = desk.locator("[data-caption]")

    # The patient's tab goes to another page: not a line that broke.
    here = phone.url
    phone.goto("about:blank")
    expect(caption).to_contain_text(f"{consultation.person.name} is not here at the moment.")
    expect(desk.locator("[data-line]")).to_have_attribute("data-quality", "none")
    phone.goto(here)
    both_see(desk, phone)

    # The clinician reloads, then both do.
    with watch.failing_network():  # what a page that goes away had asked for
        desk.reload()
        both_see(desk, phone)
        desk.reload()
        phone.reload()
        both_see(desk, phone)
    consultation.becomes("in_call")


@pytest.mark.timeout(300)
def test_the_server_is_killed_and_comes_back_and_nobody_hangs_up(
    talk: tuple[Consultation, Page, Page], watch: Watch, careroom: Careroom
) -> None:
    consultation, desk, phone = talk
    with watch.failing_network():
        careroom.kill_web()
        desk.wait_for_function("import('careroom/bus').then((bus) => !bus.isLive())")
        both_see(desk, phone)  # sound and pictures need no server
        careroom.start_web()
        for page in (desk, phone):
            page.wait_for_function("import('careroom/bus').then((bus) => bus.isLive())", timeout=40_000)
    both_see(desk, phone)
    consultation.becomes("in_call")

    # What needs the server works again: a message, and the end.
    desk.get_by_role("button", name="Chat").click()
    desk.get_by_label("Message", exact=True).fill("Are you still there?")
    desk.get_by_role("button", name="Send", exact=True).click()
    phone.get_by_role("button", name="Chat").click()
    expect(phone.locator(".ct-lines")).to_contain_text("Are you still there?")
    phone.get_by_role("button", name="Close the chat").click()
    phone.get_by_role("button", name="End", exact=True).click()
    phone.get_by_role("button", name="End the consultation").click()
    expect(phone.get_by_role("heading", name="The consultation has ended")).to_be_visible()
    desk.wait_for_url("**/ended")
