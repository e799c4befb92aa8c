"""Who comes into a call and leaves it: the patient by the form, a guest by a link, a colleague by a hand-over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from core import audit, plugin_system
from core.plugin_system import plugin_settings
from tests.journeys import acting
from tests.journeys.consultations import Consultation, flows
from tests.journeys.looking import look_over
from tests.journeys.people import People, Person
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom, eventually

PATIENT = ".vc-person[data-role=patient] video"
GUEST = ".vc-person[data-role=guest]"


@pytest.fixture
def recorded(careroom: Careroom) -> Iterator[None]:
    """Sound may be recorded."""

    def choose(**values: str) -> None:
        with careroom.at("riverside", write=True), audit.use_actor(audit.SYSTEM):
            plugin_settings.save(plugin_system.registry.get("video_call"), values)

    choose(recording="audio", max_video_height="360")
    yield
    choose(recording="off", max_video_height="360")


def _invites_by_the_form(desk: Page, careroom: Careroom, person: Person) -> Consultation:
    """The preview follows what is typed; being on the telephone ticks the text, and so does a number for this once."""
    desk.goto(f"/p/riverside/video_call/invite/{person.id}")
    desk.get_by_label("Note to the patient").fill("Please have your tablets at hand.")
    preview = desk.locator("#preview")
    expect(preview).to_contain_text("Please have your tablets at hand.")
    text = desk.get_by_label("Send as SMS", exact=True)
    text.uncheck()
    desk.get_by_label("We are on the telephone already").check()
    expect(text).to_be_checked()
    desk.get_by_label("We are on the telephone already").uncheck()
    text.uncheck()
    desk.get_by_label("Send as SMS to").fill("+447700900999")
    expect(text).to_be_checked()
    expect(preview.get_by_text("Riverside Surgery invites you to a video call:")).to_be_visible()
    desk.get_by_role("button", name="Send invitation").click()
    desk.wait_for_url(re.compile("/video_call/calls/"))
    found = re.search("/calls/([0-9a-f-]{36})", desk.url)
    assert found
    return Consultation(careroom, person, invited=UUID(found.group(1)))


@pytest.mark.timeout(420)
def test_a_guest_comes_and_is_removed_and_a_colleague_goes_on(
    windows: Windows, watch: Watch, careroom: Careroom, people: People, recorded: None
) -> None:
    desk, phone, guest = windows.clinician("amira"), windows.phone(), windows.phone()
    consultation = _invites_by_the_form(desk, careroom, people.new())
    consultation.wait_in(phone)
    desk.get_by_role("button", name=f"Admit {consultation.person.name}").click()
    flows(desk, PATIENT)
    consultation.becomes("in_call")

    _guest_joins(desk, guest, consultation)
    flows(desk, f"{GUEST} video")
    flows(guest, "#pictures .large video")
    flows(phone, "#pictures .main:not(.large) video")  # beside the clinician, who is large
    expect(desk.locator(f"{GUEST} figcaption")).to_contain_text("Ines Costa")
    expect(desk.locator(f"{GUEST} [data-person-role]")).to_have_text("Interpreter")
    expect(phone.locator("#pictures figcaption", has_text="Ines Costa (Interpreter)")).to_have_count(1)
    look_over(desk)
    with watch.failing_network():  # what the page that goes away had asked for
        guest.reload()  # and is in the call again, without being let in once more
        flows(guest, "#pictures .large video")
    flows(desk, f"{GUEST} video")

    _voice_is_recorded_with_consent(desk, phone, guest)

    watch.expect(410, "/video_call/(state|chat|boards/.+)?$")  # the link of a guest who was removed
    desk.get_by_role("button", name="Remove Ines Costa").click()
    desk.get_by_role("button", name="Remove from the consultation").click()
    expect(desk.locator(GUEST)).to_have_count(0)
    expect(phone.locator("#pictures .main")).to_have_count(1)
    expect(guest.get_by_text("Riverside Surgery has withdrawn it.")).to_be_visible()
    assert guest.locator("video").count() == 0
    flows(desk, PATIENT)

    tom = windows.clinician("tom")
    _hands_over(desk, tom, consultation)
    flows(tom, PATIENT)
    flows(phone, "#pictures .large video")
    assert consultation.row().state == "in_call"
    tom.get_by_role("button", name="More", exact=True).or_(tom.locator(".vc-bar-more summary")).first.click()
    tom.get_by_role("button", name="Put on hold").click()
    expect(phone.get_by_role("heading", name="Please wait a moment")).to_be_visible()
    tom.get_by_role("button", name="Go on").click()
    expect(phone.get_by_role("heading", name="Please wait a moment")).to_be_hidden()
    flows(tom, PATIENT)
    tom.get_by_role("button", name="End", exact=True).click()
    tom.get_by_role("button", name="End for everybody").click()
    tom.wait_for_url("**/ended")
    expect(tom.locator("#exchanged, [aria-labelledby=exchanged]").first).to_contain_text(
        "Recording of the sound"
    )
    look_over(tom)


def _guest_joins(desk: Page, guest: Page, consultation: Consultation) -> None:
    desk.locator(".vc-bar-more summary").click()
    desk.get_by_role("button", name="Invite a guest").click()
    dialog = desk.get_by_role("dialog", name="Invite a guest")
    dialog.get_by_label("Name").fill("Ines Costa")
    dialog.get_by_label("Takes part as").select_option("interpreter")
    dialog.get_by_label("E-mail address or mobile number").fill("ines@example.com")
    dialog.get_by_role("button", name="Send invitation").click()
    expect(desk.locator(".vc-guests")).to_contain_text("Ines Costa Interpreter")
    guest.goto(consultation.link_of_guest())
    guest.get_by_role("button", name="Join as Ines Costa (Interpreter)").click()
    guest.get_by_role("button", name="Start video call").click()
    guest.get_by_role("button", name="Go to the waiting room").click()
    desk.get_by_role("button", name="Let in", exact=True).click()


def _voice_is_recorded_with_consent(desk: Page, phone: Page, guest: Page) -> None:
    desk.get_by_role("button", name="Record the sound").click()
    for page, words in (
        (phone, "record the sound of this consultation"),
        (guest, "May your voice be recorded, too?"),
    ):
        question = page.get_by_role("dialog", name="A question to you")
        expect(question).to_contain_text(words)
        question.get_by_role("button", name="Yes, I agree").click()
        expect(question).to_be_hidden()
    expect(desk.get_by_text("Ines Costa agrees: the voice is recorded, too.")).to_be_visible()
    expect(guest.get_by_text("This consultation is being recorded.").first).to_be_visible()
    desk.wait_for_timeout(5_000)  # a part of the recording is four seconds
    desk.get_by_role("button", name="Record the sound").click()
    expect(desk.get_by_text("The recording is in the record.")).to_be_visible()


def _hands_over(desk: Page, tom: Page, consultation: Consultation) -> None:
    tom.goto("/p/riverside/")
    desk.locator(".vc-bar-more summary").click()
    desk.get_by_role("button", name="Hand over").click()
    dialog = desk.get_by_role("dialog", name="Hand over to a colleague")
    dialog.get_by_label("Who holds the consultation from now on").select_option(label="Tom Ashworth")
    dialog.get_by_role("button", name="Hand over").click()
    told = (
        f"Amira Khan has handed the video consultation with {consultation.person.name} over to Tom Ashworth"
    )
    expect(tom.locator(".bell-count")).to_be_visible()  # by itself
    tom.locator(".bell summary, summary[title=Notifications]").first.click()
    tom.locator(".bell-item", has_text=told).click()
    tom.wait_for_url(re.compile(f"/calls/{consultation.id}"))
    expect(desk.get_by_text("Only who holds the consultation writes notes.")).to_be_visible()
    desk.goto("/p/riverside/")


def test_a_patient_who_leaves_is_sent_a_new_link_waits_through_a_hold_and_reads_why_they_are_declined(
    windows: Windows, careroom: Careroom, people: People
) -> None:
    consultation = Consultation(careroom, people.new())
    desk, phone = windows.clinician("amira"), windows.phone()
    consultation.open(phone)
    with phone.expect_request("**/started"):
        phone.get_by_role("button", name="Start video call").click()
    desk.goto(consultation.path)
    expect(desk.get_by_text("Patient is getting ready")).to_be_visible()
    phone.goto("about:blank")  # closed at the check of the devices
    expect(desk.get_by_text("Patient was here and left the page")).to_be_visible()
    desk.get_by_role("button", name="Send again").click()
    before = consultation.link
    eventually(lambda: acting.newest_link(careroom, consultation.person) != before, 15, "the new link")
    consultation.link = acting.newest_link(careroom, consultation.person)
    consultation.open(phone)
    expect(desk.get_by_text("Patient is getting ready")).to_be_visible()

    with phone.expect_response("**/arrive"):
        desk.get_by_role("button", name="Ask to wait").click()
    phone.get_by_role("button", name="Start video call").click()
    expect(phone.get_by_role("button", name="Come in now")).to_be_hidden()
    phone.get_by_role("button", name="Go to the waiting room").click()
    expect(phone.locator("#knows")).to_have_text("Please wait a moment")
    desk.get_by_role("button", name="Go on").click()
    consultation.becomes("ready")  # which the page says by itself
    expect(phone.get_by_text("You are next.")).to_be_visible()
    desk.get_by_role("button", name="Decline").first.click()
    dialog = desk.get_by_role("dialog", name="Decline this consultation")
    dialog.get_by_label("What the patient reads").fill("Please call the practice instead.")
    dialog.get_by_role("button", name="Decline").click()
    expect(phone.get_by_role("heading", name="The consultation cannot take place now")).to_be_visible()
    expect(phone.get_by_text("Please call the practice instead.")).to_be_visible()
    eventually(lambda: consultation.row().state == "declined", 10, "the decline")


def test_whoever_is_let_in_while_they_read_is_seen_once_they_come_in(
    windows: Windows, careroom: Careroom, people: People
) -> None:
    consultation = Consultation(careroom, people.new())
    desk, phone = windows.clinician("amira"), windows.phone()
    consultation.open(phone)
    consultation.becomes("waiting")
    desk.goto(consultation.path)
    desk.get_by_role("button", name=f"Admit {consultation.person.name}").click()
    expect(phone.get_by_text("You are seen and heard once you come in.")).to_be_visible()
    assert phone.locator("video").evaluate_all("all => all.filter((one) => one.srcObject).length") == 0
    assert consultation.row().state == "admitted", "nothing has flowed"
    look_over(phone)
    phone.reload()
    expect(phone.get_by_role("button", name="Come in now")).to_be_visible()
    phone.get_by_role("button", name="Come in now").click()
    flows(desk, PATIENT)
    flows(phone, "#pictures .large video")
    consultation.becomes("in_call")
