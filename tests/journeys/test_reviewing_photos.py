"""Step 5: what a patient does shows at the practice without a reload; clinicians look, compare, keep and reject."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys import acting, photos
from tests.journeys.people import People, Person
from tests.support.browser import Watch
from tests.support.running import Careroom, eventually

Desk = Callable[[str], Page]


@pytest.fixture(scope="module")
def installation(installation_of_its_own: Careroom) -> Careroom:
    return installation_of_its_own


def _received(
    phone: Page, people: People, careroom: Careroom, *files: photos.Chosen, comment: str | None = None
) -> Person:
    """A patient whose photos have arrived and been prepared."""
    person = people.new()
    acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
    acting.choose(phone, *files)
    expect(acting.chosen_photos(phone)).to_have_count(len(files))
    if comment:
        phone.locator("[data-comment-open]").first.click()
        phone.locator("#photos textarea").first.fill(comment)
    acting.agree_and_send(phone)
    acting.expect_confirmation(phone)
    eventually(lambda: acting.states(careroom, person) == ["ready"] * len(files), what="the pictures")
    return person


def _state(panel: Locator, state: str) -> None:
    expect(panel.locator(f'.state[data-state="{state}"]').first).to_be_visible()


def test_an_open_workspace_follows_from_sent_to_opened_to_received_without_a_reload(
    clinician: Page, phone: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    clinician.goto(person.path)
    panel = acting.photo_panel(clinician)
    expect(panel).to_contain_text("No photos yet")
    expect(clinician.locator("[data-connection]")).to_have_attribute("data-state", "connected")
    acting.mark(clinician)

    link = acting.ask_for_photos(careroom, person, by="tom")
    _state(panel, "sent")
    expect(panel).to_contain_text("Asked by Tom Ashworth")
    _state(panel, "delivered")
    acting.open_link(phone, link, person)
    _state(panel, "opened")
    expect(panel).to_contain_text("The patient opened the link")
    acting.send_photos(phone, photos.jpeg(1), photos.jpeg(2, close=True))
    _state(panel, "received")
    expect(panel).to_contain_text("2 photos to review")
    for number in (1, 2):
        thumb = panel.get_by_role("img", name=f"Photo {number} of 2", exact=True)
        expect(thumb).to_be_visible()
        eventually(
            lambda shown=thumb: shown.evaluate("image => image.naturalWidth") > 100, what="the thumbnail"
        )
    timeline = clinician.locator("[data-panel]", has=clinician.get_by_role("heading", name="Timeline"))
    for entry in ("Photo request sent", "Photo request opened by the patient", "2 photos received"):
        expect(timeline.get_by_text(entry)).to_be_visible()
    bell = clinician.get_by_label("Notifications, 1 new")
    expect(bell).to_be_visible()
    expect(
        clinician.get_by_role("navigation", name="Main menu").get_by_role("link", name="Photo requests")
    ).to_be_visible()
    acting.expect_no_reload(clinician)

    bell.click()
    clinician.get_by_role("link", name=f"Photos received from {person.name}").click()
    expect(clinician.get_by_role("heading", level=1)).to_have_text("Photo request")
    expect(clinician.get_by_label("Notifications", exact=True)).to_be_visible()  # it is read now


def test_prepared_photos_show_within_two_seconds(
    clinician: Page, phone: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
    clinician.goto(person.path)
    expect(clinician.locator("[data-connection]")).to_have_attribute("data-state", "connected")
    clinician.evaluate("""() => {
      window.seenAt = {};
      new MutationObserver(() => {
        for (const image of document.querySelectorAll(".pr-thumb img")) window.seenAt[image.getAttribute("src")] ??= Date.now() / 1000;
      }).observe(document.body, {childList: true, subtree: true});
    }""")
    acting.send_photos(phone, *(photos.jpeg(n) for n in range(1, 6)))
    expect(acting.photo_panel(clinician).locator(".pr-thumb img")).to_have_count(5)
    seen = clinician.evaluate("window.seenAt")
    ready = {str(photo.id): photo.updated_at for photo in acting.photos_of(careroom, person)}
    delays = [
        (datetime.fromtimestamp(at, UTC) - ready[src.split("/")[-2]]).total_seconds()
        for src, at in seen.items()
    ]
    assert len(delays) == 5
    assert median(delays) < 2, delays


def test_today_and_the_list_of_requests_follow_as_well(
    clinician: Page, desk: Desk, phone: Page, people: People, careroom: Careroom
) -> None:
    person = people.new()
    colleague = desk("tom")
    clinician.goto("/p/riverside/")
    colleague.goto("/p/riverside/photo_request/?show=review")
    for page in (clinician, colleague):
        expect(page.locator("[data-connection]")).to_have_attribute("data-state", "connected")
        acting.mark(page)
    acting.open_link(phone, acting.ask_for_photos(careroom, person), person)
    acting.send_photos(phone, photos.jpeg(1))
    expect(clinician.locator(".panel").get_by_role("link", name=person.name, exact=True)).to_be_visible()
    expect(colleague.get_by_role("main").get_by_role("link", name=person.name)).to_be_visible()
    for page in (clinician, colleague):
        acting.expect_no_reload(page)


def test_a_photo_is_looked_at_closely(
    clinician: Page, phone: Page, people: People, careroom: Careroom
) -> None:
    person = _received(
        phone, people, careroom, photos.jpeg(1), photos.jpeg(2, close=True), comment="It itches"
    )
    clinician.goto(person.path)
    acting.photo_panel(clinician).get_by_role("link", name="Review photos").click()
    expect(clinician.get_by_text("Photo 1 of 2, received")).to_be_visible()
    expect(clinician.get_by_text("It itches", exact=True)).to_be_visible()
    stage = clinician.get_by_role("group", name="Photo 1 of 2")
    picture = stage.locator("[data-stage-picture]")
    expect(picture).to_be_visible()

    stage.get_by_role("button", name="Zoom in").click()
    stage.get_by_role("button", name="Zoom in").click()
    expect(stage.locator("[data-zoom]")).to_have_text("196 %")
    assert _scale(picture) == pytest.approx(1.96, abs=0.01)
    stage.get_by_role("button", name="Whole picture").click()
    expect(stage.locator("[data-zoom]")).to_have_text("100 %")
    _expect_shape(picture, "upright")
    stage.get_by_role("button", name="Turn right").click()
    _expect_shape(picture, "on its side")
    stage.focus()
    clinician.keyboard.press("l")
    _expect_shape(picture, "upright")

    clinician.keyboard.press("ArrowRight")
    expect(clinician.get_by_text("Photo 2 of 2, received")).to_be_visible()
    clinician.get_by_role("button", name="Compare").click()
    expect(clinician.locator("[data-stage]")).to_have_count(2)
    for shown in clinician.locator("[data-stage-picture]").all():
        eventually(lambda image=shown: image.evaluate("image => image.naturalWidth") > 0, what="a picture")
    clinician.get_by_label("Comment", exact=True).fill("Compare again in a week")
    clinician.get_by_role("button", name="Save comment").click()
    expect(clinician.get_by_text("Comment saved.")).to_be_visible()
    expect(clinician.get_by_label("Comment", exact=True)).to_have_value("Compare again in a week")
    assert [photo.staff_comment for photo in acting.photos_of(careroom, person)] == [
        None,
        "Compare again in a week",
    ]
    viewed = acting.actions_of(careroom, person).count("photo_request.photo_viewed")
    assert viewed >= 2  # whoever looks at a photo leaves a trace


def _scale(picture: Locator) -> float:
    return float(picture.evaluate("image => image.getBoundingClientRect().width / image.offsetWidth"))


def _expect_shape(picture: Locator, shape: str) -> None:
    def seen() -> bool:
        width, height = picture.evaluate(
            "image => { const box = image.getBoundingClientRect(); return [box.width, box.height]; }"
        )
        return shape == ("upright" if height > width else "on its side")

    eventually(seen, what=f"a picture that is {shape}")


def test_photos_are_kept_or_rejected_with_a_reason(
    clinician: Page, phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = _received(phone, people, careroom, photos.jpeg(1), photos.jpeg(2))
    clinician.goto(person.path)
    acting.photo_panel(clinician).get_by_role("link", name="Review photos").click()
    clinician.get_by_role("button", name="Keep in the record").click()
    expect(clinician.get_by_text("Photo 2 of 2, received")).to_be_visible()  # on to the next

    clinician.locator("summary", has_text="Reject with a reason").click()
    clinician.get_by_label("Why").select_option("other")
    watch.expect(422, "/reject$")
    clinician.get_by_role("button", name="Reject", exact=True).click()
    expect(clinician.get_by_role("alert")).to_contain_text("for another reason, write it down")
    clinician.get_by_label("In your own words").fill("Please show the whole hand")
    clinician.get_by_label("Ask the patient for a new photo now").check()
    clinician.get_by_role("button", name="Reject", exact=True).click()
    expect(clinician.get_by_text("Rejected. The patient was asked for a new photo.")).to_be_visible()

    assert acting.states(careroom, person) == ["kept", "rejected"]
    kept, rejected = acting.photos_of(careroom, person)
    assert kept.reviewed_by_name == "Amira Khan"
    assert (rejected.reject_reason, rejected.reject_text) == ("other", "Please show the whole hand")
    retake = acting.messages_to(careroom, person)[0]
    assert retake.body.startswith("Riverside Surgery needs a new photo. Please show the whole hand")
    assert [request.state for request in acting.requests_of(careroom, person)] == ["completed", "sent"]
    clinician.goto(person.path)
    timeline = clinician.locator("[data-panel]", has=clinician.get_by_role("heading", name="Timeline"))
    expect(timeline.get_by_text("1 photo kept in the record")).to_be_visible()
    expect(timeline.get_by_text("1 photo rejected")).to_be_visible()


def test_another_clinician_picks_the_request_up_and_everybody_sees_it(
    clinician: Page, desk: Desk, phone: Page, people: People, careroom: Careroom
) -> None:
    person = _received(phone, people, careroom, photos.jpeg(1))
    clinician.goto(person.path)
    expect(clinician.locator("[data-connection]")).to_have_attribute("data-state", "connected")
    acting.mark(clinician)
    colleague = desk("tom")
    colleague.goto(person.path)
    acting.photo_panel(colleague).get_by_role("link", name="Asked by Amira Khan").click()
    colleague.get_by_role("button", name="I look after this").click()
    expect(colleague.get_by_text("You look after this request now.")).to_be_visible()
    expect(acting.photo_panel(clinician)).to_contain_text("With Tom Ashworth")
    colleague.get_by_role("link", name="Review photos").click()
    colleague.get_by_role("button", name="Keep in the record").click()
    expect(colleague.get_by_text("Kept in the record.", exact=True)).to_be_visible()
    expect(acting.photo_panel(clinician)).to_contain_text("Everything is reviewed.")
    acting.expect_no_reload(clinician)
    (request,) = acting.requests_of(careroom, person)
    assert request.taken_by_name == "Tom Ashworth"


def test_what_somebody_types_is_not_swept_away_by_what_arrives(
    clinician: Page, phone: Page, people: People, careroom: Careroom
) -> None:
    """The comment of a colleague is half written when the next photo comes."""
    person = _received(phone, people, careroom, photos.jpeg(1))
    clinician.goto(person.path)
    acting.photo_panel(clinician).get_by_role("link", name="Review photos").click()
    clinician.get_by_label("Comment", exact=True).fill("Half a sent")
    acting.mark(clinician)
    phone.get_by_role("link", name="Add more photos").click()
    acting.choose(phone, photos.jpeg(2))
    expect(acting.chosen_photos(phone)).to_have_count(1)
    acting.agree_and_send(phone)
    expect(phone.locator("#arrived .photo")).to_have_count(2)
    acting.expect_no_reload(clinician)
    expect(clinician.get_by_label("Comment", exact=True)).to_have_value("Half a sent")
    clinician.on("dialog", lambda dialog: dialog.accept())


def test_a_receptionist_asks_for_photos_and_sees_none(
    desk: Desk, phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = _received(phone, people, careroom, photos.jpeg(1))
    (photo,) = acting.photos_of(careroom, person)
    (request,) = acting.requests_of(careroom, person)
    reception = desk("grace")
    reception.goto(person.path)
    expect(reception.get_by_role("link", name="Send photo request")).to_be_visible()
    expect(acting.photo_panel(reception)).to_contain_text("1 photo arrived.")
    reception.goto(f"/p/riverside/photo_request/requests/{request.id}")
    expect(reception.get_by_role("heading", level=1)).to_have_text("Photo request")
    for path in (
        person.path,
        f"/p/riverside/photo_request/requests/{request.id}",
        "/p/riverside/photo_request/?show=all",
    ):
        reception.goto(path)
        assert reception.locator("main img").count() == 0
        expect(
            reception.get_by_label("Notifications", exact=True)
        ).to_be_visible()  # the bell has no news of photos
    watch.expect(403, f"/photos/{photo.id}")
    for suffix in ("", "/thumb", "/large"):
        answer = reception.goto(f"/p/riverside/photo_request/photos/{photo.id}{suffix}")
        assert answer is not None
        assert answer.status == 403
        expect(reception.get_by_role("heading", level=1)).to_be_visible()


def test_a_colleague_of_another_practice_finds_nothing_of_it(
    desk: Desk, phone: Page, people: People, careroom: Careroom, watch: Watch
) -> None:
    person = _received(phone, people, careroom, photos.jpeg(1))
    (photo,) = acting.photos_of(careroom, person)
    elsewhere = desk("claire")
    watch.expect(404, "/p/lumiere/")
    for path in (
        f"patients/{person.id}",
        f"photo_request/photos/{photo.id}",
        f"photo_request/photos/{photo.id}/thumb",
    ):
        elsewhere.goto(f"/p/lumiere/{path}")
        expect(elsewhere.locator("body")).not_to_contain_text(person.family_name)
    watch.expect(404, "/p/riverside/")
    elsewhere.goto(person.path)
    expect(elsewhere.locator("body")).not_to_contain_text(person.family_name)
    assert urlsplit(elsewhere.url).path == person.path
