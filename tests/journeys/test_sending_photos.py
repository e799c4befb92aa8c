"""Step 4: the patient chooses photos, agrees and sends them, and is told that they have arrived."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from plugins.photo_request.wording import CONSENT_VERSION
from tests.journeys import acting, photos
from tests.journeys.people import People, Person
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom, eventually


def _at_the_photos(phone: Page, people: People, careroom: Careroom, **details: object) -> Person:
    person = people.new(**details)
    acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
    return person


def test_from_choosing_to_the_confirmation(phone: Page, people: People, careroom: Careroom) -> None:
    person = _at_the_photos(phone, people, careroom)
    valve = acting.Valve(phone)
    expect(phone.get_by_text("Your clinician would like to see photos")).to_be_visible()
    expect(phone.get_by_text("Up to 10 photos, 15 MB together.")).to_be_visible()
    expect(phone.get_by_text("Not for emergencies.")).to_be_visible()
    expect(phone.get_by_text("Please do not send")).to_be_hidden()  # one thing on a screen

    first, second, third = photos.jpeg(1), photos.jpeg(2, close=True), photos.jpeg(3)
    acting.choose(phone, first, second)
    expect(acting.chosen_photos(phone)).to_have_count(2)
    expect(phone.get_by_role("heading", name="Check your photos")).to_be_focused()
    expect(phone.get_by_role("heading", name="Please send")).to_be_visible()
    expect(phone.get_by_role("heading", name="Please do not send")).to_be_visible()
    expect(phone.get_by_text("Intimate areas (genitals, buttocks or breasts) of anyone")).to_be_visible()
    acting.choose(phone, third, camera=True)
    expect(acting.chosen_photos(phone)).to_have_count(3)
    expect(phone.locator("#meter")).to_contain_text("3 of 10 photos")
    for number in (1, 2, 3):
        expect(phone.get_by_role("img", name=f"Photo {number}", exact=True)).to_be_visible()

    phone.get_by_role("button", name="Add comment (Photo 2)").click()
    phone.get_by_label("Your comment on Photo 2").fill("It itches most at night")
    phone.get_by_role("button", name="Agree and send photos").click()
    tick = phone.get_by_role("checkbox", name=re.compile("None of the photos shows an intimate area"))
    expect(phone.get_by_text("Please tick the box if none of the photos shows")).to_be_visible()
    expect(tick).to_be_focused()
    assert acting.consents_of(careroom, acting.requests_of(careroom, person)[0].id) == []
    tick.check()
    phone.get_by_role("button", name="Agree and send photos").click()

    valve.wait()
    expect(phone.get_by_role("heading", name="Sending your photos")).to_be_focused()
    expect(phone.locator("[data-sending-words]")).to_have_text("0 of 3 sent")
    expect(phone.get_by_role("progressbar", name="Photo 1")).to_be_visible()
    expect(phone.locator("#outgoing .photo").nth(1)).to_contain_text("Waits for its turn")
    valve.let(1)
    expect(phone.locator("[data-sending-words]")).to_have_text("1 of 3 sent")
    expect(phone.locator("#outgoing .photo").nth(0)).to_contain_text("Sent")
    valve.open()

    expect(phone.get_by_role("heading", level=1)).to_have_text("Your photos have arrived")
    expect(phone.get_by_text("Riverside Surgery has received them.")).to_be_visible()
    expect(phone.locator("#arrived .photo")).to_have_count(3)
    expect(phone.locator("#arrived")).to_contain_text("It itches most at night")
    expect(phone.locator("#arrived img")).to_have_count(
        3, timeout=30_000
    )  # prepared meanwhile, without a reload

    assert [file.sha256 for file in acting.files_of(careroom, person)] == [
        acting.fingerprint(file) for file in (first, second, third)
    ]
    assert [photo.patient_comment for photo in acting.photos_of(careroom, person)] == [
        None, "It itches most at night", None,
    ]  # fmt: skip
    (request,) = acting.requests_of(careroom, person)
    assert request.state == "received"
    (consent,) = acting.consents_of(careroom, request.id)
    assert consent.version == CONSENT_VERSION
    assert consent.language == "en"
    assert "I agree that Riverside Surgery receives these photos" in consent.wording
    assert "None of the photos shows an intimate area (genitals, buttocks or breasts)." in consent.wording
    confirmation = acting.messages_to(careroom, person)[0]
    assert confirmation.template == "photo_request.confirmation"
    assert confirmation.body.startswith("Riverside Surgery: your photos have arrived safely (3).")
    phone.goto("/dev/outbox")
    expect(phone.locator(f"#message-{confirmation.id}")).to_contain_text("Delivered")


def test_the_camera_has_a_button_of_its_own_on_a_phone_only(
    phone: Page, windows: Windows, people: People, careroom: Careroom
) -> None:
    person = _at_the_photos(phone, people, careroom)
    expect(phone.locator("#take")).to_have_attribute("capture", "environment")
    expect(phone.get_by_text("Take a photo", exact=True)).to_be_visible()
    laptop = windows.desk()
    acting.open_link(laptop, acting.newest_link(careroom, person), person)
    expect(laptop.get_by_text("Choose photos", exact=True)).to_be_visible()
    expect(laptop.get_by_text("Take a photo", exact=True)).to_be_hidden()


def test_the_tips_lead_back_and_nothing_chosen_is_lost(
    phone: Page, people: People, careroom: Careroom
) -> None:
    _at_the_photos(phone, people, careroom)
    acting.choose(phone, photos.jpeg(1))
    expect(acting.chosen_photos(phone)).to_have_count(1)
    phone.get_by_role("link", name="Tips for good photos").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Tips for good photos")
    expect(phone.get_by_text("Use daylight")).to_be_visible()
    phone.get_by_role("link", name="Back to choosing photos").click()
    expect(acting.chosen_photos(phone)).to_have_count(1)


def test_a_deleted_photo_is_not_sent_and_can_be_brought_back_before(
    phone: Page, people: People, careroom: Careroom
) -> None:
    person = _at_the_photos(phone, people, careroom)
    kept, dropped = photos.jpeg(1), photos.jpeg(2)
    acting.choose(phone, kept, dropped)
    expect(acting.chosen_photos(phone)).to_have_count(2)
    phone.get_by_role("button", name="Delete Photo 1").click()
    expect(phone.get_by_text("Photo 1 deleted.")).to_be_visible()
    phone.get_by_role("button", name="Undo").click()
    expect(acting.chosen_photos(phone)).to_have_count(2)
    phone.get_by_role("button", name="Delete Photo 2").click()
    expect(phone.locator("#meter")).to_contain_text("1 of 10 photos")
    acting.agree_and_send(phone)
    acting.expect_confirmation(phone)
    assert [file.sha256 for file in acting.files_of(careroom, person)] == [acting.fingerprint(kept)]


def test_the_eleventh_photo_is_refused_by_name_and_the_ten_are_sent(
    phone: Page, people: People, careroom: Careroom
) -> None:
    person = _at_the_photos(phone, people, careroom)
    acting.choose(phone, *(photos.jpeg(n) for n in range(1, 12)))
    expect(acting.chosen_photos(phone)).to_have_count(10)
    expect(phone.get_by_role("alert")).to_contain_text("Only 10 photos fit. “IMG_0011.jpg” was not added.")
    expect(phone.get_by_text("Choose photos", exact=True)).to_be_hidden()  # no more can be added
    acting.agree_and_send(phone)
    acting.expect_confirmation(phone)
    assert len(acting.photos_of(careroom, person)) == 10
    expect(phone.get_by_role("link", name="Add more photos")).to_have_count(0)


def test_more_than_fifteen_megabytes_are_refused_by_name(
    phone: Page, people: People, careroom: Careroom
) -> None:
    _at_the_photos(phone, people, careroom)
    acting.choose(phone, *(photos.heavy(n, 2.9) for n in range(1, 7)))
    expect(acting.chosen_photos(phone)).to_have_count(5)
    expect(phone.get_by_role("alert")).to_contain_text(
        "“IMG_0006.jpg” was not added: all photos together may have 15 MB."
    )
    expect(phone.locator("#meter")).to_contain_text("5 of 10 photos, 14.5 of 15 MB")


def test_what_is_no_photo_is_explained_and_the_others_are_sent(
    phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = _at_the_photos(phone, people, careroom)
    good, after = photos.jpeg(1), photos.jpeg(2)
    acting.choose(
        phone, good, photos.text_named_jpg(), photos.chosen("empty.jpg", b""), photos.truncated_jpeg(), after
    )
    expect(acting.chosen_photos(phone)).to_have_count(3)
    said = phone.get_by_role("alert")
    expect(said).to_contain_text("“shopping list.jpg” is not a photo that we can open.")
    expect(said).to_contain_text("“empty.jpg” is empty.")
    watch.expect(422, "/uploads/")
    acting.agree_and_send(phone)
    expect(phone.locator("[data-sending-words]")).to_have_text("2 of 3 sent")
    wrong = phone.locator("#outgoing .photo.wrong")
    expect(wrong).to_have_count(1)
    expect(wrong).to_contain_text(
        "A part of this photo is missing. Please choose it again or take a new one."
    )
    phone.get_by_role("button", name="Finish without these photos").click()
    acting.expect_confirmation(phone)
    assert [file.sha256 for file in acting.files_of(careroom, person)] == [
        acting.fingerprint(good), acting.fingerprint(after),
    ]  # fmt: skip
    eventually(lambda: acting.states(careroom, person) == ["ready", "ready"], what="both pictures")


def test_more_photos_can_be_added_until_the_practice_has_finished(
    phone: Page, people: People, careroom: Careroom
) -> None:
    person = _at_the_photos(phone, people, careroom)
    acting.send_photos(phone, photos.jpeg(1))
    phone.get_by_role("link", name="Add more photos").click()
    expect(phone.get_by_text("1 photo has arrived already.")).to_be_visible()
    acting.choose(phone, photos.jpeg(2))
    expect(phone.locator("#meter")).to_contain_text("2 of 10 photos")
    acting.agree_and_send(phone)
    expect(phone.locator("#arrived .photo")).to_have_count(2)
    (request,) = acting.requests_of(careroom, person)
    assert len(acting.consents_of(careroom, request.id)) == 2  # each batch was agreed to
    assert request.photo_count == 2


def test_without_scripts_the_form_sends_the_photos(
    windows: Windows, people: People, careroom: Careroom
) -> None:
    phone = windows.phone(java_script_enabled=False)
    person = _at_the_photos(phone, people, careroom)
    phone.locator("#pick").set_input_files([photos.jpeg(1), photos.jpeg(2)])
    acting.agree_and_send(phone)
    expect(phone.get_by_role("heading", level=1)).to_have_text("Your photos have arrived")
    assert len(acting.photos_of(careroom, person)) == 2


def test_photos_chosen_before_the_page_was_ready_are_not_overlooked(
    phone: Page, people: People, careroom: Careroom
) -> None:
    """A slow phone: the buttons are there, the script is still on its way."""
    held: list[Route] = []
    phone.route("**/choose.js*", lambda route: held.append(route))
    person = people.new()
    phone.goto(acting.ask_for_photos(careroom, person))
    acting.enter_birth_date(phone, person.birth_date)
    file = photos.jpeg(1)
    phone.locator("#pick").set_input_files([file])
    held.pop().continue_()
    expect(acting.chosen_photos(phone)).to_have_count(1)
    acting.agree_and_send(phone)
    acting.expect_confirmation(phone)
    assert [stored.sha256 for stored in acting.files_of(careroom, person)] == [acting.fingerprint(file)]
