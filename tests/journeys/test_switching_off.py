"""Step 7: the practice admin switches photo requests off, and on again; and sets them up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from core.db import utcnow
from core.plugin_system import activation
from tests.journeys import acting, photos
from tests.journeys.people import People
from tests.support.browser import Watch
from tests.support.running import Careroom, eventually

Desk = Callable[[str], Page]
PLUGINS = "/p/riverside/admin/plugins"
SETTINGS = f"{PLUGINS}/photo_request/settings"


@pytest.fixture(scope="module")
def installation(installation_of_its_own: Careroom) -> Careroom:
    return installation_of_its_own


@pytest.fixture(autouse=True)
def as_before(careroom: Careroom) -> Iterator[None]:
    """Whatever a test does, the next one finds the plugin switched on."""
    yield
    with careroom.at("riverside", write=True):
        activation.enable("photo_request")


def _switch(admin: Page, *, on: bool) -> None:
    word = "Switch on" if on else "Switch off"
    admin.goto(PLUGINS)
    card = admin.locator("section", has=admin.get_by_role("heading", name="Photo requests"))
    card.get_by_role("button", name=word).click()
    admin.get_by_role("dialog").get_by_role("button", name=word).click()
    expect(card.locator(f'.state[data-state="{"on" if on else "off"}"]')).to_be_visible()


def test_a_card_says_what_the_plugin_may_do_and_what_it_adds(desk: Desk) -> None:
    admin = desk("helen")
    admin.get_by_role("link", name="Administration").click()
    admin.get_by_role("navigation", name="Main menu").get_by_role("link", name="Plugins").click()
    card = admin.locator("section", has=admin.get_by_role("heading", name="Photo requests"))
    for said in ("Sends text messages", "Sends e-mails", "Stores pictures or documents"):
        expect(card.get_by_text(said)).to_be_visible()
    card.get_by_text("What it adds").click()
    for said in ("Keep or reject photos", "Send photos", "Photos received"):
        expect(card.get_by_role("listitem").get_by_text(said).first).to_be_visible()


def test_switched_off_it_is_gone_in_this_practice_alone_and_on_again_all_is_as_before(
    desk: Desk, clinician: Page, phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person, waiting = people.new(), people.new()
    link = acting.ask_for_photos(careroom, person)
    unopened = acting.ask_for_photos(careroom, waiting)
    acting.open_link(phone, link, person)
    acting.send_photos(phone, photos.jpeg(1))
    eventually(lambda: acting.states(careroom, person) == ["ready"], what="the picture")
    inside = phone.url
    (photo,) = acting.photos_of(careroom, person)
    clinician.goto(person.path)
    thumb = acting.photo_panel(clinician).get_by_role("img", name="Photo 1 of 1", exact=True)
    expect(thumb).to_be_visible()
    expect(clinician.get_by_label("Notifications, 1 new")).to_be_visible()

    admin = desk("helen")
    _switch(admin, on=False)
    menu = admin.get_by_role("navigation", name="Main menu")
    expect(menu.get_by_role("link", name="Photo requests")).to_have_count(0)
    expect(_settings(admin)).to_have_count(0)
    clinician.reload()
    expect(clinician.get_by_role("heading", level=1)).to_have_text(person.name)
    expect(clinician.get_by_role("link", name="Send photo request")).to_have_count(0)
    expect(acting.photo_panel(clinician)).to_have_count(0)
    expect(clinician.locator("body")).not_to_contain_text("hoto request")  # neither in menu nor timeline
    expect(clinician.get_by_label("Notifications", exact=True)).to_be_visible()
    clinician.goto("/p/riverside/")
    expect(clinician.locator("body")).not_to_contain_text("hoto request")
    watch.expect(404, "^/p/riverside/photo_request/")
    for path in ("", f"photos/{photo.id}", f"photos/{photo.id}/thumb", f"patients/{person.id}/new"):
        answer = clinician.goto(f"/p/riverside/photo_request/{path}")
        assert answer is not None
        assert answer.status == 404
    watch.expect(404, "^/[lv]/")
    for address in (unopened, inside):
        phone.goto(address)
        expect(phone.get_by_role("heading", level=1)).to_have_text("This is not available at the moment")
        expect(phone.get_by_text("Riverside Surgery is not offering this at present.")).to_be_visible()
        expect(phone.get_by_role("link", name="Call 0113 496 0123")).to_be_visible()

    elsewhere = desk("claire")
    french = people.new("lumiere")
    acting.ask_for_photos(careroom, french, by="claire")
    elsewhere.goto(french.path)
    expect(acting.photo_panel(elsewhere).locator('.state[data-state="sent"]')).to_be_visible()

    _switch(admin, on=True)
    expect(menu.get_by_role("link", name="Photo requests")).to_be_visible()
    clinician.goto(person.path)
    expect(thumb).to_be_visible()
    expect(clinician.get_by_role("link", name="Send photo request")).to_be_visible()
    expect(clinician.get_by_label("Notifications, 1 new")).to_be_visible()
    phone.goto(inside)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Your photos have arrived")
    acting.open_link(phone, unopened, waiting)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Send photos to Riverside Surgery")


def test_switched_off_while_the_patient_sends_nothing_is_taken_and_nothing_is_lost(
    desk: Desk, phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = people.new()
    acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
    inside = phone.url
    acting.choose(phone, photos.jpeg(1))
    expect(acting.chosen_photos(phone)).to_have_count(1)
    admin = desk("helen")
    _switch(admin, on=False)
    watch.expect(404, "^/v/")
    acting.agree_and_send(phone)
    expect(phone.get_by_role("heading", level=1)).to_have_text("This is not available at the moment")
    assert acting.photos_of(careroom, person) == []
    _switch(admin, on=True)
    phone.goto(inside)
    expect(acting.chosen_photos(phone)).to_have_count(1)  # the phone has kept it
    acting.agree_and_send(phone)
    acting.expect_confirmation(phone)


def _settings(admin: Page) -> Locator:
    """The way to the settings of photo requests."""
    return admin.get_by_role("link", name="Settings").and_(admin.locator("[href*='/photo_request/']"))


def test_settings_are_saved_and_used(desk: Desk, phone: Page, people: People, careroom: Careroom) -> None:
    admin = desk("helen")
    admin.goto(PLUGINS)
    _settings(admin).click()
    admin.get_by_label("Days that a link works").fill("3")
    admin.get_by_label("Photos per request").fill("2")
    admin.get_by_label("Preferred way to send").select_option(label="E-mail")
    admin.get_by_label("Your own guidance for patients").fill("Please show the whole hand.\nAnd a ruler.")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("The settings are saved.")).to_be_visible()
    expect(admin.get_by_label("Days that a link works")).to_have_value("3")

    person = people.new()
    admin.goto(person.path)
    admin.get_by_role("link", name="Send photo request").first.click()
    expect(admin.get_by_label("By e-mail")).to_be_checked()
    expect(admin.get_by_label("By text")).not_to_be_checked()
    expect(admin.get_by_text("The patient can send up to 2 photos.")).to_be_visible()
    admin.get_by_role("button", name="Send photo request").click()
    expect(acting.photo_panel(admin)).to_contain_text("Asked by Helen Price")
    (request,) = acting.requests_of(careroom, person)
    assert abs(request.expires_at - (utcnow() + timedelta(days=3))) < timedelta(days=1)
    assert request.max_photos == 2
    acting.open_link(phone, acting.newest_link(careroom, person), person)
    expect(phone.get_by_text("Please show the whole hand.")).to_be_visible()
    expect(phone.get_by_text("Up to 2 photos")).to_be_visible()
    acting.choose(phone, *(photos.jpeg(n) for n in (1, 2, 3)))
    expect(phone.get_by_role("alert")).to_contain_text("Only 2 photos fit.")

    admin.goto(SETTINGS)
    admin.get_by_role("button", name="Back to the usual settings").click()
    admin.get_by_role("dialog").get_by_role("button", name="Use the usual settings").click()
    expect(admin.get_by_text("The usual settings are back.")).to_be_visible()
    expect(admin.get_by_label("Photos per request")).to_have_value("10")
    expect(admin.get_by_label("Your own guidance for patients")).to_have_value("")


def test_a_wrong_value_is_explained_beside_it_and_nothing_typed_is_lost(desk: Desk, watch: Watch) -> None:
    admin = desk("helen")
    admin.goto(SETTINGS)
    admin.get_by_label("Days that a link works").fill("a week")
    admin.get_by_label("Photos per request").fill("11")
    admin.get_by_label("Your own guidance for patients").fill("By daylight, please")
    watch.expect(422, "/settings$")
    admin.get_by_role("button", name="Save").click()
    summary = admin.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Days that a link works")
    expect(summary).to_contain_text("Photos per request")
    for label, typed in (("Days that a link works", "a week"), ("Photos per request", "11")):
        field = admin.get_by_label(label)
        expect(field).to_have_value(typed)
        expect(field).to_have_attribute("aria-invalid", "true")
    expect(admin.get_by_label("Your own guidance for patients")).to_have_value("By daylight, please")
    admin.get_by_label("Days that a link works").fill("")
    admin.get_by_label("Photos per request").fill("10")
    admin.get_by_label("Your own guidance for patients").fill("")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_text("The settings are saved.")).to_be_visible()


def test_only_the_admin_sees_the_plugins(clinician: Page, watch: Watch) -> None:
    expect(clinician.get_by_role("link", name="Plugins")).to_have_count(0)
    watch.expect(403, "/admin/plugins")
    clinician.goto(PLUGINS)
    expect(clinician.get_by_role("heading", level=1)).to_be_visible()
    expect(clinician.locator("body")).not_to_contain_text("Switch off")
