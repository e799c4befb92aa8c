"""A clinical system opens the right patient here: by a link, by a form of its own site, and with the toolbar beside it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from core import demo
from tests.journeys.looking import look_over
from tests.journeys.people import People, Person
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom

DOOR = "/p/riverside/launch"


def known(people: People, number: str, **details: Any) -> Person:
    """A patient whom the clinical system knows by an NHS number."""
    return people.new(nhs_number=number, **details)


def asked_for(page: Page) -> list[str]:
    """Every address that the browser asks for from here on."""
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    return addresses


def test_a_link_opens_the_action_after_a_sign_in_and_no_address_says_who(
    windows: Windows, people: People
) -> None:
    person = known(people, "9990001006")
    page = windows.desk()
    addresses = asked_for(page)
    page.goto(f"{DOOR}#nhs_number=999+000+1006&action=photo_request&system=EMIS+Web")
    page.wait_for_url("**/login?next=**")
    page.locator("input[name=username]").fill("amira")
    page.locator("input[name=password]").fill(demo.PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url(f"**/photo_request/patients/{person.id}/new")
    expect(page.get_by_text(person.name).first).to_be_visible()
    assert not [one for one in addresses if "1006" in one.partition("#")[0]]
    page.go_back()
    assert "#" not in page.url
    assert page.evaluate("sessionStorage.length") == 0


def test_the_address_is_clean_and_the_next_launch_in_the_same_window_is_taken_too(
    clinician: Page, people: People
) -> None:
    first, second = known(people, "9990001014"), known(people, "9990001022")
    clinician.goto(f"{DOOR}#nhs_number=9990001014")
    clinician.wait_for_url(f"**{first.path}")
    clinician.goto(f"{DOOR}#birth_date=1984-02-29&name={second.family_name},+Nora&nhs_number=9990001022")
    clinician.wait_for_url(f"**{second.path}")
    clinician.goto(DOOR)
    expect(clinician.get_by_text("The clinical system named no patient")).to_be_visible()
    look_over(clinician)


def test_an_unclear_patient_is_chosen_by_a_person(clinician: Page, people: People, watch: Watch) -> None:
    person = known(people, "9990001030")
    watch.expect(409, "/launch/open")
    clinician.goto(f"{DOOR}#nhs_number=9990001030&birth_date=1984-02-28&action=photo_request")
    expect(clinician.get_by_role("heading", name="Which patient?")).to_be_visible()
    expect(clinician.get_by_text("do not all belong to the same patient")).to_be_visible()
    look_over(clinician)
    for menu, language, heading in (
        ("Language and appearance", "Français", "Quel patient"),
        ("Langue et apparence", "English", "Which patient?"),
    ):
        clinician.locator(f"summary[aria-label='{menu}']").click()
        clinician.get_by_role("button", name=language).click()
        expect(clinician.get_by_role("heading", name=heading)).to_be_visible()
    clinician.get_by_role("button", name="This patient", exact=True).press("Enter")
    clinician.wait_for_url(f"**/photo_request/patients/{person.id}/new")


def test_an_unknown_patient_is_added_with_what_the_system_said(
    clinician: Page, people: People, watch: Watch, careroom: Careroom
) -> None:
    watch.expect(404, "/launch/open")
    clinician.goto(
        f"{DOOR}#nhs_number=9990001049&birth_date=1990-02-01&name=LAUNCHED,+Ada&action=photo_request"
    )
    expect(clinician.get_by_text("Nobody at this practice has these details")).to_be_visible()
    look_over(clinician)
    clinician.get_by_role("button", name="Add this patient").click()
    expect(clinician.get_by_label("Family name")).to_have_value("LAUNCHED")
    expect(clinician.get_by_label("NHS number")).to_have_value("9990001049")
    clinician.get_by_label("Mobile").fill("07700 900199")
    clinician.get_by_role("button", name="Save").click()
    clinician.wait_for_url("**/photo_request/patients/*/new")
    expect(clinician.get_by_text("Ada LAUNCHED").first).to_be_visible()


def test_a_form_of_another_site_opens_the_patient_and_keeps_the_person_signed_in(
    clinician: Page, people: People, careroom: Careroom
) -> None:
    person = known(people, "9990001057", birth_date=date(1961, 5, 5))
    form = f"""<form method="post" action="{careroom.url}{DOOR}">
      <input name="birth_date" value="05/05/1961"><input name="name" value="{person.name}"><button>Open</button></form>"""
    clinician.route("http://emis.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
    clinician.goto("http://emis.example/")
    clinician.get_by_role("button", name="Open").click()
    clinician.wait_for_url(f"**{person.path}")
    expect(clinician.get_by_role("heading", name=person.name)).to_be_visible()


@pytest.mark.parametrize("way", ["launch", "workspace"])
def test_the_toolbar_follows_the_persons_other_windows(clinician: Page, people: People, way: str) -> None:
    person = known(people, {"launch": "9990001065", "workspace": "9990001073"}[way])
    toolbar = clinician.context.new_page()
    toolbar.set_viewport_size({"width": 360, "height": 90})
    toolbar.goto("/p/riverside/toolbar")
    expect(toolbar.locator("[data-connection]")).to_have_attribute("data-state", "connected")
    if way == "launch":
        clinician.goto(f"{DOOR}#nhs_number=9990001065")
        clinician.wait_for_url(f"**{person.path}")
    else:
        clinician.goto(person.path)
    expect(toolbar.get_by_role("link", name=person.name)).to_be_visible()
    action = toolbar.get_by_role("link", name="Send photo request")
    expect(action).to_be_in_viewport(ratio=1)
    look_over(toolbar, widths=(360,))
    toolbar.set_viewport_size({"width": 360, "height": 90})
    with toolbar.context.expect_page() as opened:
        action.click()
    opened.value.wait_for_url(f"**/photo_request/patients/{person.id}/new")
    toolbar.get_by_role("button", name="Finish with this patient").click()
    expect(toolbar.get_by_text("No patient")).to_be_visible()
