"""The tools of a call, each on one side with its effect on the other: Amira's desk and the patient's phone."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from core import audit, files, plugin_system
from core.plugin_system import plugin_settings
from plugins.video_call.models import Consent, Document
from tests.journeys import photos
from tests.journeys.consultations import CONNECTIONS, Consultation, colour, flows, line
from tests.journeys.looking import look_over, sideways
from tests.journeys.patients_camera import OWN, PATIENT, PERSON, SECOND_CAMERA, ZOOM, is_blue, may_zoom, zooms
from tests.journeys.people import People
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom, eventually

# How many pixels of a canvas are not empty.
INK = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let ink = 0;
  for (let at = 3; at < data.length; at += 4) ink += data[at] > 0;
  return ink;
}"""
# The bounds of what a page sends of its camera, in bit/s; 0: none.
_MOST_BITS = """connections.filter((one) => one.connectionState === "connected").flatMap((one) => one.getSenders())
  .filter(({ track }) => track?.kind === "video").map((one) => one.getParameters().encodings[0]?.maxBitrate ?? 0)"""
# What a recording holds: how wide its picture is, and how loud its loudest moment.
_PLAYED = """async (content) => {
  const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
  const video = document.createElement("video");
  video.src = URL.createObjectURL(new Blob([bytes], { type: "video/webm" }));
  video.muted = true;
  document.body.append(video);
  await video.play();
  await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  const sound = await new OfflineAudioContext(1, 48000, 48000).decodeAudioData(bytes.buffer);
  const loudest = sound.getChannelData(0).reduce((most, one) => Math.max(most, Math.abs(one)), 0);
  return [video.videoWidth, sound.duration, loudest];
}"""


@pytest.fixture
def recording_on(careroom: Careroom) -> Iterator[None]:
    def choose(what: str) -> None:
        with careroom.at("riverside", write=True), audit.use_actor(audit.SYSTEM):
            plugin_settings.save(
                plugin_system.registry.get("video_call"), {"recording": what, "max_video_height": "480"}
            )

    choose("video")
    yield
    choose("off")


@pytest.fixture
def talk(
    windows: Windows, careroom: Careroom, people: People, recording_on: None
) -> tuple[Page, Page, Consultation]:
    """The two see each other."""
    consultation = Consultation(careroom, people.new())
    desk, phone = windows.clinician("amira"), windows.phone()
    desk.add_init_script(CONNECTIONS)
    phone.add_init_script(SECOND_CAMERA)
    may_zoom(phone, careroom)
    desk.goto(consultation.path)
    consultation.wait_in(phone)
    desk.get_by_role("button", name=f"Admit {consultation.person.name}").click()
    eventually(lambda: consultation.row().state == "in_call", 60, "the call")
    expect(desk.locator(PATIENT)).to_be_visible()
    return desk, phone, consultation


def documents(consultation: Consultation) -> list[tuple[str, str]]:
    """What the call left in the record: kind and media type."""
    with consultation.careroom.at(consultation.person.slug) as session:
        found = session.scalars(
            select(Document).where(Document.call_id == consultation.id).order_by(Document.id)
        )
        return [(one.kind, files.get(one.file_id).media_type) for one in found]


def still_height(consultation: Consultation) -> int | None:
    """Of the picture of the video that was kept."""
    with consultation.careroom.at(consultation.person.slug) as session:
        wanted = select(Document).where(Document.call_id == consultation.id, Document.kind == "still")
        return files.get(session.scalars(wanted).one().file_id).height


def kept(consultation: Consultation, kind: str, media_type: str) -> None:
    eventually(lambda: (kind, media_type) in documents(consultation), 20, f"the {kind} in the record")


def agree(phone: Page, words: str) -> None:
    question = phone.get_by_role("dialog", name="A question to you")
    expect(question).to_contain_text(words)
    question.get_by_role("button", name="Yes, I agree").click()
    expect(question).to_be_hidden()


@pytest.mark.timeout(420)
def test_each_tool_has_its_effect_on_the_other_side(
    talk: tuple[Page, Page, Consultation], watch: Watch, tmp_path: Path
) -> None:
    desk, phone, consultation = talk
    _chat(desk, phone, watch)
    _refuses_200_megabytes_at_once(phone, tmp_path)
    _devices(desk, phone)
    _boards(desk, phone, consultation)
    _pictures(desk, phone, consultation)
    _windows(desk, phone)
    _afterwards(desk, phone, consultation)


def _chat(desk: Page, phone: Page, watch: Watch) -> None:
    phone.get_by_role("button", name="Chat").click()
    phone.get_by_label("Message", exact=True).fill("It began here.")
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(desk.locator("[data-ct-tool=chat] .ct-badge")).to_have_text("1")
    desk.get_by_role("button", name="Chat").click()
    lines = desk.locator(".ct-lines")
    expect(lines).to_contain_text("It began here.")
    phone.locator(".ct-pick input").set_input_files([photos.jpeg(3)])
    expect(lines).to_contain_text("IMG_0003.jpg")
    look_over(desk)
    assert not sideways(phone)
    phone.get_by_label("Message", exact=True).fill("And it began")  # what is not sent yet stays
    watch.expect(415, "/chat/files$")
    for file, words in (
        (photos.chosen("big.pdf", b"%PDF-1.4" + bytes(16 * 1024 * 1024), "application/pdf"), "15 MB at most"),
        (photos.chosen("arm.jpg.exe", photos.jpeg(4)["buffer"], "image/jpeg"), "can carry a virus"),
        (photos.chosen("page.html", b"<html><script>", "text/html"), "Only photos"),
    ):
        phone.locator(".ct-pick input").set_input_files([file])
        expect(phone.get_by_role("alert")).to_contain_text(words)
    expect(phone.get_by_label("Message", exact=True)).to_have_value("And it began")
    desk.get_by_role("button", name="Show on the screen").click()  # once the worker has made it
    shown = phone.locator(".ct-show img")
    expect(shown).to_be_visible()
    phone.wait_for_function("() => document.querySelector('.ct-show img').naturalWidth > 0")
    desk.get_by_role("button", name="Take it away").click()
    expect(shown).to_be_hidden()
    phone.get_by_role("button", name="Close the chat").click()


def _refuses_200_megabytes_at_once(phone: Page, tmp_path: Path) -> None:
    film = tmp_path / "film.pdf"
    with film.open("wb") as made:
        made.truncate(200 * 1024 * 1024)
    phone.get_by_role("button", name="Chat").click()
    sent = "performance.getEntriesByType('resource').filter((one) => one.name.includes('/chat/files')).length"
    before = phone.evaluate(sent)
    phone.locator(".ct-pick input").set_input_files(film)
    expect(phone.get_by_role("alert")).to_contain_text("15 MB at most")
    phone.wait_for_timeout(500)
    assert phone.evaluate(sent) == before, "nothing is sent"
    phone.get_by_role("button", name="Close the chat").click()


def _devices(desk: Page, phone: Page) -> None:
    desk.get_by_role("button", name="Patient’s devices").click()
    panel = desk.get_by_role("region", name="Patient’s devices")
    panel.get_by_role("button", name="Switch off").first.click()
    phone.wait_for_function(f"() => {OWN}.getAudioTracks()[0].enabled === false")
    expect(phone.locator(".ct-banner")).to_contain_text("Your microphone was switched off by the practice.")
    panel.get_by_role("button", name="Ask to switch on").click()
    agree(phone, "asks you to switch your microphone on")
    phone.wait_for_function(f"() => {OWN}.getAudioTracks()[0].enabled === true")
    expect(phone.locator(".ct-banner")).to_have_count(0)

    panel.locator("[data-ct-control=camera_off]").click()
    expect(desk.locator(f"{PERSON} [data-person-off]")).to_be_visible()
    expect(phone.locator(".ct-banner")).to_contain_text("Your camera was switched off by the practice.")
    phone.get_by_role("button", name="Camera on").click()  # without asking anybody
    expect(desk.locator(f"{PERSON} [data-person-off]")).to_be_hidden()
    phone.wait_for_function(f"() => {OWN}.getVideoTracks()[0]?.readyState === 'live'")

    label = phone.evaluate(f"{OWN}.getVideoTracks()[0].label")
    panel.get_by_role("button", name="Ask the patient").click()
    agree(phone, "switch between your cameras and to zoom")
    expect(phone.locator(".ct-banner")).to_contain_text("The practice may switch and zoom your camera.")
    panel.get_by_role("button", name="Switch", exact=True).click()
    phone.wait_for_function(f"(label) => {OWN}.getVideoTracks()[0]?.label !== label", arg=label)
    eventually(lambda: is_blue(colour(desk, PATIENT, 0.1, 0.5)), 20, "the other camera's picture")
    zooms(desk, phone, label)
    look_over(desk)
    phone.get_by_role("button", name="Stop it").click()
    expect(panel).to_contain_text("The patient took the permission back.")
    expect(panel.get_by_role("button", name="Switch", exact=True)).to_be_hidden()
    eventually(lambda: phone.evaluate(ZOOM) == 100, 10, "the whole picture")
    panel.get_by_role("button", name="Close").click()


def _boards(desk: Page, phone: Page, consultation: Consultation) -> None:
    desk.get_by_role("button", name="Draw", exact=True).click()
    here, there = desk.locator(".ct-board canvas"), phone.locator(".ct-board canvas")
    expect(there).to_be_visible()
    assert there.evaluate(INK) == 0
    line(desk, here, 0.2, 0.3)
    expect(here).to_have_attribute("data-marks", "1")
    expect(there).to_have_attribute("data-marks", "1")
    assert there.evaluate(INK) > 50
    line(phone, there, 0.6, 0.7)
    expect(here).to_have_attribute("data-marks", "2")
    desk.get_by_role("button", name="Write").click()
    box = here.bounding_box()
    assert box
    desk.mouse.click(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    desk.get_by_label("Text on the board. Enter puts it there.").fill("left knee")
    desk.keyboard.press("Enter")
    expect(phone.locator("#ct-board-words")).to_have_text("left knee")
    phone.get_by_role("button", name="Undo my last").click()
    expect(here).to_have_attribute("data-marks", "2")
    look_over(phone, widths=(360,))
    desk.get_by_role("button", name="Pen", exact=True).click()
    line(desk, here, 0.75, 0.85)
    expect(there).to_have_attribute("data-marks", "3")
    desk.get_by_role("button", name="Eraser").click()
    line(desk, here, 0.85, 0.8)
    expect(here).to_have_attribute("data-marks", "2")
    expect(there).to_have_attribute("data-marks", "2")
    desk.get_by_role("button", name="Point").click()
    desk.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.25, steps=4)
    expect(phone.locator(".ct-dot")).to_have_attribute("data-x", re.compile(r"0\.(5|499\d*|500\d*)"))
    desk.get_by_role("button", name="Point").click()
    phone.reload()  # who comes back sees what was drawn
    expect(there).to_have_attribute("data-marks", "2")
    desk.get_by_role("button", name="Keep in the record").click()
    kept(consultation, "drawing", "image/png")
    desk.get_by_role("button", name="Clear everything").click()
    expect(there).to_have_attribute("data-marks", "0")
    desk.get_by_role("button", name="Close the board").click()
    expect(there).to_be_hidden()
    _draws_on_the_screen(desk, phone)


def _draws_on_the_screen(desk: Page, phone: Page) -> None:
    desk.get_by_role("button", name="Share the screen").click()
    flows(phone, "#pictures .screen video")
    desk.get_by_role("button", name="Draw on the screen").click()
    here, there = (page.locator(".ct-board[data-board=screen] canvas") for page in (desk, phone))
    expect(there).to_be_visible()
    desk.get_by_role("button", name="Pen", exact=True).click()  # the eraser was in hand
    line(desk, here, 0.3, 0.6)
    expect(there).to_have_attribute("data-marks", "1")
    assert there.evaluate(INK) > 50
    flows(phone, ".ct-board[data-board=screen] video")  # the screen goes on below what was drawn
    desk.get_by_role("button", name="Stop sharing").click()  # within reach while the board is open
    expect(there).to_be_hidden()
    desk.get_by_role("button", name="Share the screen").click()
    flows(phone, "#pictures .screen video")
    flows(desk, PATIENT)  # small, beside what is shared
    desk.get_by_role("button", name="Draw on the screen").click()
    expect(there).to_have_attribute("data-marks", "0")  # another picture, nothing drawn over it yet
    desk.get_by_role("button", name="Stop sharing").click()


def _pictures(desk: Page, phone: Page, consultation: Consultation) -> None:
    desk.keyboard.press("d")
    desk.get_by_text("Advanced", exact=True).click()
    desk.get_by_label("Size of photos from the video").select_option("360")
    _sends_less(desk, phone)
    desk.keyboard.press("Escape")
    desk.get_by_role("button", name="Keep a picture").click()
    lines = [desk.locator(PATIENT).evaluate("(video) => video.videoHeight")]
    agree(phone, "take one picture of what your camera shows now")
    kept(consultation, "still", "image/jpeg")
    lines.append(desk.locator(PATIENT).evaluate("(video) => video.videoHeight"))
    assert still_height(consultation) in {
        min(seen, 360) for seen in lines
    }  # a weak line sends fewer by itself
    desk.get_by_role("button", name="Record", exact=True).click()
    agree(phone, "record picture and sound")
    expect(phone.locator(".ct-banner[data-kind=recording_video]")).to_contain_text("being recorded")
    desk.wait_for_timeout(5000)  # something to keep
    desk.get_by_role("button", name="Record", exact=True).click()
    kept(consultation, "recording", "video/webm")
    _can_be_played(desk, consultation)
    with consultation.careroom.at(consultation.person.slug) as session:
        said = session.scalars(select(Consent).where(Consent.call_id == consultation.id)).all()
        assert {(one.kind, one.state) for one in said} >= {
            ("camera_control", "revoked"),
            ("still", "granted"),
            ("recording_video", "granted"),
        }


def _sends_less(desk: Page, phone: Page) -> None:
    """Fewer lines of the same shape, and fewer bits; in the dialog of the devices."""
    desk.get_by_label("Size of your picture").select_option("360")
    video = phone.locator("#pictures .main video")

    def smaller() -> bool:
        width, height = video.evaluate("(video) => [video.videoWidth, video.videoHeight]")
        return bool(height <= 360 and abs(width / height - 16 / 9) < 0.05)

    eventually(smaller, 20, "the smaller picture at the patient's")
    most = desk.get_by_label("Most that the video may use")
    for kbps in (300, 0):
        most.select_option(str(kbps or ""))
        eventually(lambda bits=kbps * 1000: desk.evaluate(_MOST_BITS) == [bits], 10, "the bandwidth")


def _can_be_played(desk: Page, consultation: Consultation) -> None:
    """The recording has a picture, and the beeps of the microphones."""
    with consultation.careroom.at(consultation.person.slug) as session:
        wanted = select(Document).where(Document.call_id == consultation.id, Document.kind == "recording")
        with files.open(session.scalars(wanted).one().file_id) as content:
            found = base64.b64encode(content.read()).decode()
    player = desk.context.new_page()
    width, seconds, loudest = player.evaluate(_PLAYED, found)
    player.close()
    assert width >= 320
    assert seconds > 3
    assert loudest > 0.01


def _windows(desk: Page, phone: Page) -> None:
    """Full screen; picture in picture; and in words, how the connection is, where they are wanted."""
    for is_full in (True, False):
        desk.get_by_role("button", name="Full screen").click()
        desk.wait_for_function("(is) => Boolean(document.fullscreenElement) === is", arg=is_full)
        expect(desk.get_by_role("button", name="Full screen")).to_have_attribute(
            "aria-pressed", str(is_full).lower()
        )
    desk.get_by_role("button", name="Picture in picture").click()
    desk.wait_for_function(f"() => document.pictureInPictureElement?.matches('{PATIENT}')")
    desk.get_by_role("button", name="Picture in picture").click()
    desk.wait_for_function("() => !document.pictureInPictureElement")
    caption = desk.locator("[data-caption]")
    expect(caption).to_be_empty()  # a line that is good is not spoken of
    there = phone.url
    phone.goto("about:blank")
    gone = re.compile("is not here at the moment|The connection was interrupted|There is no connection")
    expect(caption).to_contain_text(gone, timeout=60_000)  # as the page could still say that it goes, or not
    _say_in_words(desk)
    _say_in_words(desk)
    phone.goto(there)
    expect(caption).to_contain_text("Connected to", timeout=60_000)
    flows(desk, PATIENT)


def _say_in_words(desk: Page) -> None:
    """Turn it off, or on again."""
    desk.keyboard.press("d")
    desk.get_by_label("Say in words how the connection is").locator("visible=true").click()
    desk.keyboard.press("Escape")


def _afterwards(desk: Page, phone: Page, consultation: Consultation) -> None:
    desk.get_by_role("button", name="End", exact=True).click()
    desk.get_by_role("dialog").get_by_role("button", name="End", exact=False).last.click()
    expect(phone.get_by_role("heading", name="The consultation has ended")).to_be_visible()
    phone.get_by_text("Messages", exact=True).click()
    expect(phone.get_by_text("It began here.")).to_be_visible()
    expect(phone.get_by_text("IMG_0003.jpg").first).to_be_visible()
