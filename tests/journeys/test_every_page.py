"""What pages become while somebody works with them: WCAG 2.2 AA in light and dark, on phones and desks.

Pages as they are opened are looked at by test_pages_of_the_map, which finds them by itself.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from core.db import utcnow
from core.links import Link
from tests.journeys import acting, photos
from tests.journeys.looking import NARROW, NARROWEST, WIDE, glance_over, look_over, sideways
from tests.journeys.people import People
from tests.support import axe
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom, eventually

PATIENT = (NARROWEST, NARROW, WIDE)
LONG = "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh"


def test_axe_and_the_ruler_find_what_is_wrong(windows: Windows) -> None:
    """The checks themselves: planted faults of contrast, names, target size and width are found."""
    page = windows.desk()
    page.set_content(
        '<!doctype html><html lang="en"><head><title>Wrong</title></head><body><main><h1>Wrong</h1>'
        '<p style="color:#aaa;background:#fff">pale</p><input type="text">'
        '<button style="width:9px;height:9px;padding:0;border:0">a</button>'
        '<button style="width:9px;height:9px;padding:0;border:0">b</button>'
        '<div style="width:3000px">wide</div></main></body></html>'
    )
    found = "\n".join(axe.violations(page))
    for rule in ("color-contrast", "label", "target-size"):
        assert rule in found
    assert sideways(page)


def test_states_of_staff_pages(windows: Windows, phone: Page, people: People, careroom: Careroom) -> None:
    person = people.new(given_names="Anne-Sophie", family_name=LONG)
    clinician = windows.clinician("amira")
    clinician.goto(person.path)
    glance_over(clinician)
    clinician.get_by_label("More").click()
    clinician.get_by_role("link", name="Add alert").click()
    dialog = clinician.get_by_role("dialog", name="Add alert")
    dialog.get_by_label("What must everybody know?").fill("Hard of hearing")
    dialog.get_by_role("radio", name="Warning").check()
    glance_over(clinician)
    dialog.get_by_role("button", name="Add alert").click()
    expect(clinician.get_by_role("list", name="Alerts")).to_contain_text("Hard of hearing")
    clinician.get_by_role("link", name="Send photo request").first.click()
    clinician.locator("#channel-email").check()
    expect(clinician.locator(".compose-letter")).to_be_visible()
    glance_over(clinician)
    link = acting.ask_for_photos(careroom, person, channels=("sms", "email"), note="Both elbows, please")
    acting.open_link(phone, link, person)
    acting.send_photos(phone, photos.jpeg(1), photos.jpeg(2, close=True))
    eventually(lambda: acting.states(careroom, person) == ["ready"] * 2, what="the pictures")
    first, _second = acting.photos_of(careroom, person)
    clinician.goto("/p/riverside/")
    clinician.get_by_label("Notifications, ").click()
    glance_over(clinician)
    clinician.goto("/p/riverside/patients")
    clinician.locator(".patient-tick input").first.check()
    expect(clinician.get_by_role("button", name="Take off the list")).to_be_visible()
    glance_over(clinician)
    clinician.goto(f"/p/riverside/photo_request/photos/{first.id}")
    clinician.locator("summary", has_text="Reject with a reason").click()
    glance_over(clinician)
    clinician.get_by_role("button", name="Compare").click()
    expect(clinician.locator("[data-stage]")).to_have_count(2)
    clinician.get_by_role("button", name="Keyboard shortcuts").click()
    glance_over(clinician)


def test_states_of_the_administration(windows: Windows, watch: Watch) -> None:
    admin = windows.clinician("helen")
    admin.goto("/p/riverside/admin/plugins")
    admin.get_by_text("What it adds").first.click()
    admin.get_by_role("button", name="Switch off").first.click()
    glance_over(admin)
    admin.goto("/p/riverside/admin/plugins/photo_request/settings")
    admin.get_by_label("Photos per request").fill("many")
    watch.expect(422, "/settings$")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("alert")).to_be_visible()
    glance_over(admin)


def test_pages_of_patients(phone: Page, people: People, careroom: Careroom, watch: Watch) -> None:
    person = people.new()
    link = acting.ask_for_photos(
        careroom, person, note="Both elbows, please, from the inside and the outside"
    )
    phone.goto(link)
    look_over(phone, PATIENT)
    watch.expect(422, "^/l/")
    acting.enter_birth_date(phone, date(1990, 1, 1))
    look_over(phone, PATIENT)
    acting.enter_birth_date(phone, person.birth_date)
    phone.wait_for_url("**/photo_request/**")
    look_over(phone, PATIENT)
    here = phone.url
    phone.goto(f"{here}tips")
    look_over(phone, PATIENT)
    phone.goto(here)
    acting.choose(phone, photos.jpeg(1), photos.jpeg(2), photos.text_named_jpg(), photos.truncated_jpeg())
    expect(acting.chosen_photos(phone)).to_have_count(3)
    phone.locator("[data-comment-open]").first.click()
    phone.get_by_role("button", name="Delete Photo 2").click()
    phone.get_by_role("button", name="Agree and send photos").click()
    expect(phone.locator("#agree-error")).to_be_visible()
    look_over(phone, PATIENT)
    valve = acting.Valve(phone)
    watch.expect(422, "/uploads/")
    acting.agree_and_send(phone)
    valve.wait()
    look_over(phone, PATIENT)
    valve.open()
    expect(phone.locator("#give-up")).to_be_visible()
    look_over(phone, PATIENT)
    phone.locator("#give-up").click()
    acting.expect_confirmation(phone)
    expect(phone.locator("#arrived img")).to_have_count(1, timeout=30_000)
    look_over(phone, PATIENT)


@pytest.mark.parametrize("state", ["expired", "cancelled", "locked", "used", "unknown"])
def test_pages_of_links_that_lead_nowhere(
    phone: Page, people: People, careroom: Careroom, watch: Watch, state: str
) -> None:
    person = people.new()
    link = acting.ask_for_photos(careroom, person)
    (request,) = acting.requests_of(careroom, person)
    now = utcnow()
    values: dict[str, dict[str, object]] = {
        "expired": {"expires_at": now - timedelta(minutes=1)},
        "cancelled": {"cancelled_at": now},
        "locked": {"locked_at": now, "failed_tries": 5},
        "used": {"completed_at": now},
    }
    if state in values:
        with careroom.at("riverside", write=True) as session:
            session.execute(update(Link).where(Link.id == request.link_id).values(**values[state]))
    else:
        link = f"{careroom.url}/l/nothing"
    watch.expect({"locked": 403, "unknown": 404}.get(state, 410), "^/l/")
    phone.goto(link)
    titles = {
        "expired": "This link has expired",
        "cancelled": "This link is no longer needed",
        "locked": "This link is locked",
        "used": "This is done already",
        "unknown": "This link does not work",
    }
    expect(phone.get_by_role("heading", level=1)).to_have_text(titles[state])
    look_over(phone, PATIENT)


def test_french_pages_have_room_for_longer_words(
    windows: Windows, people: People, careroom: Careroom
) -> None:
    person = people.new("lumiere")
    phone = windows.phone(locale="fr-FR")
    acting.open_link(phone, acting.ask_for_photos(careroom, person, by="claire"), person)
    look_over(phone, (NARROWEST,))
    acting.choose(phone, photos.jpeg(1))
    expect(acting.chosen_photos(phone)).to_have_count(1)
    look_over(phone, (NARROWEST,))
    clinician = windows.clinician("claire", locale="fr-FR")
    clinician.goto(person.path)
    look_over(clinician, (NARROW,))


def test_everything_can_be_reached_with_the_keyboard(
    clinician: Page, people: People, careroom: Careroom
) -> None:
    """From the address bar to a sent request without a mouse: skip link, action, channel, note, send."""
    person = people.new()
    clinician.goto(person.path)
    clinician.keyboard.press("Tab")
    expect(clinician.get_by_role("link", name="Skip to the content")).to_be_focused()
    clinician.keyboard.press("Enter")
    _tab_to(clinician, "Send photo request")
    clinician.keyboard.press("Enter")
    clinician.wait_for_url("**/new")
    _tab_to(clinician, "By e-mail")
    clinician.keyboard.press("Space")
    _tab_to(clinician, "Note to the patient")
    clinician.keyboard.type("By keyboard")
    _tab_to(clinician, "Send photo request")
    clinician.keyboard.press("Enter")
    expect(acting.photo_panel(clinician)).to_contain_text("By keyboard")
    assert {message.channel for message in acting.messages_to(careroom, person)} == {"sms", "email"}


def _tab_to(page: Page, name: str) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "(document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent).trim()"
        )
        if said.startswith(name):
            return
    raise AssertionError(f"no Tab leads to {name}")
