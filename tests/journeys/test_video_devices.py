"""Devices in a call as the two who talk have them: a browser that holds the sound back, a camera that stops, another chosen."""

from __future__ import annotations

import re
from functools import partial

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.consultations import Consultation, flows, line
from tests.journeys.looking import look_over, sideways
from tests.journeys.people import People
from tests.support.browser import Windows
from tests.support.running import Careroom, eventually

# Until it is pressed, no video with sound may play; and the page's devices are at hand.
REFUSE_SOUND = """
  const play = HTMLMediaElement.prototype.play;
  addEventListener("click", (event) => { window.wasTouched ||= Boolean(event.target.closest("#unblock")); }, true);
  HTMLMediaElement.prototype.play = function () {
    if (!this.muted && this.srcObject && !window.wasTouched)
      return Promise.reject(new DOMException("for the test", "NotAllowedError"));
    return play.call(this);
  };
"""
# Chromium's second camera is one of depths: it is seen on its own page, and no connection sends it. So whoever asks for
# any camera gets the first.
FIRST_CAMERA = """
  const ask = window.MediaDevices?.prototype.getUserMedia; // an empty page has none
  if (ask) MediaDevices.prototype.getUserMedia = async function (wanted) {
    const [first] = (await this.enumerateDevices()).filter((one) => one.kind === "videoinput" && one.deviceId);
    const open = first && wanted.video && !wanted.video.deviceId;
    return ask.call(this, open ? { ...wanted, video: { ...wanted.video, deviceId: first.deviceId } } : wanted);
  };
"""
STOP = """([video, kind]) => {
  const track = document.querySelector(video).srcObject.getTracks().find((one) => one.kind === kind);
  track.stop();
  track.dispatchEvent(new Event("ended"));
}"""
NO_MICROPHONE = """(is) => {
  const real = MediaDevices.prototype.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (is && wanted.audio) throw new DOMException("for the test", "NotFoundError");
    return real(wanted);
  };
}"""
# A phone call takes the microphone: the track is muted, and nobody can do that from a page.
PHONE_CALL = """(is) => {
  const [track] = document.querySelector("#self video").srcObject.getAudioTracks();
  Object.defineProperty(track, "muted", { value: is, configurable: true });
  track.dispatchEvent(new Event(is ? "mute" : "unmute"));
}"""
SCREEN = """() => {
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [640, 360];
    const paint = canvas.getContext("2d");
    let turn = 0;
    setInterval(() => { paint.fillStyle = `hsl(${(turn += 9)} 80% 50%)`; paint.fillRect(0, 0, 640, 360); }, 60);
    return canvas.captureStream(15);
  };
}"""
HEARD = "(video) => [video.muted, video.paused]"


@pytest.fixture
def visit(careroom: Careroom, people: People) -> Consultation:
    return Consultation(careroom, people.new())


def test_what_happens_to_devices_in_a_call_is_said_and_mended(windows: Windows, visit: Consultation) -> None:
    home = windows.desk()  # a patient at a computer
    desk = windows.clinician("amira")
    home.add_init_script(REFUSE_SOUND)
    for page in (home, desk):
        page.add_init_script(FIRST_CAMERA)
    visit.wait_in(home)
    desk.goto(visit.path)
    desk.get_by_role("button", name=re.compile("^Admit")).click()
    picture, theirs = "#pictures .large video", "[data-role=patient] video"

    # The picture is there, and one touch brings the sound.
    expect(home.locator("#status")).to_contain_text("Tap to hear")
    visit.becomes("in_call")
    flows(home, picture)
    assert home.locator(picture).evaluate(HEARD) == [True, False]
    home.get_by_role("button", name="Tap to hear").click()
    expect(home.get_by_role("button", name="Tap to hear")).to_be_hidden()
    assert home.locator(picture).evaluate(HEARD) == [False, False]
    flows(desk, theirs)

    _devices(home, desk, theirs)
    _screen(home, desk)
    _keys_and_language(home, desk)
    # The clinician's camera stops, too: another one goes on.
    desk.evaluate(STOP, ["[data-self-video]", "video"])
    expect(desk.get_by_text("was unplugged. Another device is used.")).to_be_visible()
    flows(home, picture)
    home.get_by_role("button", name="End", exact=True).click()
    home.get_by_role("button", name="End the consultation").click()
    expect(home.get_by_role("heading", name="The consultation has ended")).to_be_visible()


def _devices(home: Page, desk: Page, theirs: str) -> None:
    """The camera stops, the microphone stops and there is no other, a phone call comes; and others are chosen."""
    home.evaluate(STOP, ["#self video", "video"])
    expect(home.locator("#interrupted")).to_contain_text("Your camera has stopped. Another one is used now.")
    flows(desk, theirs)
    home.evaluate(NO_MICROPHONE, True)
    home.evaluate(STOP, ["#self video", "audio"])
    gone = "Your microphone has stopped. The others do not hear you."
    expect(home.locator("#interrupted")).to_contain_text(gone)
    expect(home.locator("#status")).to_contain_text(gone)
    expect(desk.locator("[data-role=patient] [data-person-muted]")).to_be_visible()
    home.evaluate(NO_MICROPHONE, False)
    home.locator("#interrupted").get_by_role("button", name="Try again").click()
    expect(home.locator("#interrupted")).to_be_hidden()
    expect(desk.locator("[data-role=patient] [data-person-muted]")).to_be_hidden()

    home.evaluate(PHONE_CALL, True)
    expect(home.locator("#interrupted")).to_contain_text(
        "perhaps by a phone call. The others do not hear you."
    )
    expect(desk.locator("[data-role=patient] [data-person-muted]")).to_be_visible()
    home.locator("#interrupted").get_by_role("button", name="Try again").click()
    expect(home.locator("#interrupted")).to_be_hidden()
    expect(desk.locator("[data-role=patient] [data-person-muted]")).to_be_hidden()

    home.get_by_role("button", name="More").click()
    dialog = home.get_by_role("dialog", name="More")
    for label in ("Camera", "Microphone", "Loudspeaker"):
        expect(dialog.get_by_label(label)).to_be_visible()
    options = dialog.get_by_label("Camera").locator("option")
    expect(options).to_have_count(2)
    dialog.get_by_label("Camera").select_option(label="fake_device_1")
    label = "document.querySelector('#self video').srcObject.getVideoTracks()[0]?.label"
    eventually(lambda: home.evaluate(label) == "fake_device_1", what="the other camera")
    speaker = dialog.get_by_label("Loudspeaker").locator("option:not(:checked)").last.get_attribute("value")
    dialog.get_by_label("Loudspeaker").select_option(value=speaker)
    eventually(
        lambda: home.evaluate("document.querySelector('#pictures .large video').sinkId") == speaker,
        what="sound from the other loudspeaker",
    )
    look_over(home)
    for width, height in ((320, 568), (1280, 900)):
        home.set_viewport_size({"width": width, "height": height})
        assert not sideways(home)
    dialog.get_by_label("Camera").select_option(label="fake_device_0")
    dialog.get_by_role("button", name="Close").click()
    flows(desk, theirs)


def _screen(home: Page, desk: Page) -> None:
    """The patient shows the screen of their computer, and both are told."""
    home.evaluate(SCREEN)
    home.get_by_role("button", name="More").click()
    home.get_by_role("button", name="Show my screen").click()
    expect(home.locator("#sharing")).to_contain_text("The others see your screen.")
    expect(desk.locator("[data-shown-by]")).to_contain_text("shows their screen")
    flows(desk, "[data-shared-video]")
    flows(desk, "[data-role=patient] video")  # who shows it stays in sight
    _points(home, desk)
    desk.get_by_role("button", name="Draw on the screen").click()
    here, there = (page.locator(".ct-board[data-board=screen] canvas") for page in (desk, home))
    line(desk, here, 0.3, 0.6)
    expect(there).to_have_attribute("data-marks", "1")
    flows(home, ".ct-board[data-board=screen] video")
    desk.get_by_role("button", name="Close the board").click()
    expect(there).to_be_hidden()
    home.locator("#sharing").get_by_role("button", name="Stop").click()
    expect(home.locator("#sharing")).to_be_hidden()
    expect(desk.locator("[data-shared]")).to_be_hidden()
    expect(desk.locator("[data-shown-by]")).to_be_hidden()

    home.get_by_role("button", name="More").click()
    home.get_by_role("button", name="Full screen").click()
    eventually(lambda: home.evaluate("document.fullscreenElement?.id") == "call", what="full screen")
    home.get_by_role("button", name="More").click()
    home.get_by_role("button", name="Leave full screen").click()
    eventually(lambda: home.evaluate("!document.fullscreenElement"), what="the page as it was")
    small = "document.pictureInPictureElement?.matches('#pictures .large video') ?? false"
    for is_small in (True, False):
        home.get_by_role("button", name="More").click()
        home.get_by_role("button", name="Small window").click()
        eventually(lambda is_small=is_small: home.evaluate(small) == is_small, what="the small window")


def _keys_and_language(home: Page, desk: Page) -> None:
    """Single keys, where there is a keyboard; the end asks once more; and another language without leaving the call."""
    muted = desk.locator("[data-role=patient] [data-person-muted]")
    home.keyboard.press("m")
    expect(muted).to_be_visible()
    home.keyboard.press("m")
    expect(muted).to_be_hidden()
    home.keyboard.press("Shift+E")
    expect(home.get_by_role("heading", name="End the consultation?")).to_be_visible()
    home.keyboard.press("Escape")
    home.get_by_role("button", name="More").click()
    expect(home.get_by_text("Microphone on or off")).to_be_visible()
    home.get_by_label("Use these keys").uncheck()
    home.keyboard.press("Escape")
    home.keyboard.press("v")
    expect(home.get_by_role("button", name="Camera off")).to_have_attribute("aria-pressed", "false")
    home.get_by_role("button", name="More").click()
    look_over(home)
    home.get_by_label("Use these keys").check()
    home.keyboard.press("Escape")
    home.keyboard.press("m")
    expect(muted).to_be_visible()
    home.get_by_role("button", name="More").click()
    home.get_by_role("button", name="Français").click()
    unmute = home.get_by_role("button", name="Activer le micro")  # as it was
    expect(unmute).to_be_visible(timeout=60_000)
    flows(home, "#pictures .large video")
    expect(muted).to_be_visible()
    unmute.click()
    expect(muted).to_be_hidden()
    home.locator("#more-open").click()
    home.get_by_role("button", name="English").click()
    flows(home, "#pictures .large video")
    flows(desk, "[data-role=patient] video")


def _is_in_the_middle(at: Locator, dot: Locator, seen: Locator) -> bool:
    """Points at the middle of a picture here: is the dot in the middle of the other one? Pages may still be settling."""
    box = at.bounding_box()
    assert box
    for from_it in (3, 0):
        at.page.mouse.move(box["x"] + box["width"] / 2 + from_it, box["y"] + box["height"] / 2, steps=2)
    expect(dot).to_have_count(1)
    place, frame = dot.bounding_box(), seen.bounding_box()
    if place is None or frame is None:
        return False
    across = (place["x"] + place["width"] / 2 - frame["x"]) / frame["width"]
    down = (place["y"] + place["height"] / 2 - frame["y"]) / frame["height"]
    return 0.3 < across < 0.7 and 0.3 < down < 0.7


def _points(home: Page, desk: Page) -> None:
    """The patient at their screen, the clinician at the patient's face, each where the other sees the same."""
    for one, other, at, seen in (
        (home, desk, "#pictures .screen video", "[data-shared-video]"),
        (desk, home, "[data-role=patient] video", "#self video"),
    ):
        one.get_by_role("button", name="Point").click()
        dot = other.locator(".ct-dot")
        eventually(partial(_is_in_the_middle, one.locator(at), dot, other.locator(seen)), 20, "the dot")
        one.get_by_role("button", name="Point").click()
        expect(dot).to_have_count(0)
