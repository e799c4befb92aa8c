"""A video consultation as the clinician holds it, with the patient's phone as the other Chromium page."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.consultations import CONNECTIONS, Consultation, flows, hears, hears_nothing
from tests.journeys.looking import NARROW, WIDE, look_over
from tests.journeys.people import People
from tests.support.browser import Windows
from tests.support.running import Careroom, eventually


@pytest.fixture
def consultation(careroom: Careroom, people: People) -> Consultation:
    return Consultation(careroom, people.new())


PATIENT = ".vc-person[data-role=patient] video"
CLINICIAN = "#pictures .main video"
SCREEN = "#pictures .screen video"
LABEL = "document.querySelector('[data-self-video]').srcObject.getVideoTracks()[0]?.label"


@pytest.mark.timeout(300)
def test_a_consultation_from_the_waiting_room_to_the_outcome(
    windows: Windows, consultation: Consultation
) -> None:
    desk, phone = windows.clinician("amira"), windows.phone()
    for page in (desk, phone):
        page.add_init_script(CONNECTIONS)
    desk.goto(consultation.path)
    expect(desk.get_by_text("Waiting for patient", exact=True)).to_be_visible()
    flows(desk, "[data-self-video]")
    consultation.open(phone)
    phone.get_by_role("button", name="Start video call").click()
    phone.get_by_role("button", name="Play a sound").click()
    phone.get_by_role("button", name="Yes", exact=True).click()
    phone.get_by_role("button", name="Go to the waiting room").click()
    expect(desk.get_by_text("Patient is ready")).to_be_visible()  # by itself
    found = desk.locator(".vc-checks")
    expect(found).to_contain_text("Camera works")
    expect(found).to_contain_text("Sound works")
    expect(found).to_contain_text(re.compile("(Good|Slow|Very slow) line"))
    look_over(desk, (NARROW,))
    desk.get_by_label("Message to the patient").fill("Two more minutes, please.")
    desk.get_by_role("button", name="Send", exact=True).click()
    expect(phone.locator("#practice-message")).to_contain_text("Two more minutes, please.")
    expect(desk.get_by_text("The patient reads: “Two more minutes, please.”")).to_be_visible()

    desk.get_by_role("button", name=f"Admit {consultation.person.name}").click()
    flows(desk, PATIENT)
    flows(phone, CLINICIAN)
    consultation.becomes("in_call")
    expect(desk.get_by_role("button", name="End", exact=True)).to_be_in_viewport(ratio=1)
    look_over(desk, (WIDE,))

    _seen_and_heard(desk, phone)
    _moves_the_tile(desk)
    _shares_the_screen(desk, phone)

    desk.get_by_role("textbox", name="Notes").fill("Rash on the left arm for three days.")
    expect(desk.locator("[data-notes-state]")).to_have_text("Kept.")
    desk.reload()
    expect(desk.get_by_role("textbox", name="Notes")).to_have_value("Rash on the left arm for three days.")
    flows(desk, PATIENT)
    flows(phone, CLINICIAN)
    assert consultation.row().state == "in_call"  # without being let in again

    desk.keyboard.press("?")
    expect(desk.get_by_role("heading", name="In the call")).to_be_visible()
    desk.keyboard.press("Escape")
    desk.keyboard.press("Shift+E")
    desk.get_by_role("button", name="Stay in the call").click()
    desk.get_by_role("button", name="End", exact=True).click()
    desk.get_by_role("button", name="End for everybody").click()
    desk.wait_for_url("**/ended")
    expect(phone.get_by_role("heading", name="The consultation has ended")).to_be_visible()
    desk.get_by_text("Consultation completed").first.click()
    desk.get_by_role("button", name="Save").first.click()
    eventually(lambda: consultation.row().outcome == "completed", 15, "the outcome")
    assert consultation.row().notes == "Rash on the left arm for three days."


def _seen_and_heard(desk: Page, phone: Page) -> None:
    """What one turns off, the other sees; another camera sends another picture."""
    hears(desk)
    hears(phone)
    phone.get_by_role("button", name="Microphone off").click()
    expect(desk.locator(".vc-person [data-person-muted]")).to_be_visible()
    hears_nothing(desk)
    phone.get_by_role("button", name="Microphone on").click()
    expect(desk.locator(".vc-person [data-person-muted]")).to_be_hidden()
    hears(desk)
    desk.keyboard.press("m")
    microphone = desk.get_by_role("button", name="Microphone", exact=True)
    expect(microphone).to_have_attribute("aria-pressed", "false")
    assert (
        desk.evaluate("document.querySelector('[data-self-video]').srcObject.getAudioTracks()[0].enabled")
        is False
    )
    hears_nothing(phone)
    desk.keyboard.press("m")
    expect(microphone).to_have_attribute("aria-pressed", "true")
    hears(phone)
    desk.keyboard.press("d")
    camera = desk.get_by_label("Camera", exact=True).and_(desk.locator("select"))
    expect(camera.locator("option")).to_have_count(2)
    before = desk.evaluate(LABEL)
    camera.select_option(index=1)
    desk.wait_for_function(f"(before) => ({LABEL}) !== before", arg=before)
    camera.select_option(index=0)  # Chromium's second camera measures depth, which no call can send
    desk.wait_for_function(f"(before) => ({LABEL}) === before", arg=before)
    desk.keyboard.press("Escape")
    flows(phone, CLINICIAN)


def _moves_the_tile(desk: Page) -> None:
    tile = desk.locator("[data-self]")
    before = tile.bounding_box()
    tile.focus()
    for _ in range(5):
        desk.keyboard.press("ArrowUp")
    after = tile.bounding_box()
    assert before
    assert after
    assert after["y"] < before["y"] - 60
    desk.mouse.move(after["x"] + 20, after["y"] + 20)
    desk.mouse.down()
    desk.mouse.move(after["x"] - 200, after["y"] + 20, steps=4)
    desk.mouse.up()
    moved = tile.bounding_box()
    assert moved
    assert moved["x"] < after["x"] - 150


def _shares_the_screen(desk: Page, phone: Page) -> None:
    desk.get_by_role("button", name="Share the screen").click()
    expect(desk.locator("[data-sharing]")).to_be_visible()
    flows(phone, SCREEN)
    desk.get_by_role("button", name="Stop sharing").click()
    expect(desk.locator("[data-sharing]")).to_be_hidden()
    flows(phone, CLINICIAN)


def test_a_newer_window_takes_over_and_a_background_is_made_without_asking_anybody_else(
    windows: Windows, consultation: Consultation
) -> None:
    first = windows.clinician("amira")
    first.goto(consultation.path)
    flows(first, "[data-self-video]")
    second = first.context.new_page()
    asked: list[str] = []
    second.context.on("request", lambda request: asked.append(request.url))
    second.goto(consultation.path)
    expect(first.get_by_text("This consultation goes on in another window of yours")).to_be_visible()
    assert first.evaluate("document.querySelector('[data-self-video]').srcObject.getTracks().length") == 0
    flows(second, "[data-self-video]")

    assert not any("vision" in url for url in asked)  # megabytes that nobody asked for yet
    second.keyboard.press("d")
    second.get_by_role("radio", name="Blurred").check()
    expect(second.locator("[data-background-state]")).to_have_text("The background is on", timeout=60_000)
    second.keyboard.press("Escape")
    flows(second, "[data-self-video]")
    own = urlsplit(consultation.careroom.url).netloc
    assert any(url.endswith(".wasm") or ".wasm?" in url for url in asked)
    assert {urlsplit(url).netloc for url in asked if not url.startswith(("blob:", "data:"))} == {own}

    first.get_by_role("button", name="Go on here").click()
    expect(second.get_by_text("This consultation goes on in another window of yours")).to_be_visible()
    flows(first, "[data-self-video]")
