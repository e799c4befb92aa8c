"""The patient's cameras in a journey, and what shows on the clinician's page when one is switched or zoomed."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect

from tests.journeys.consultations import colour
from tests.support.running import Careroom, eventually

PERSON = ".vc-person[data-role=patient]"
PATIENT = f"{PERSON} video"
OWN = "document.querySelector('#self video').srcObject"
# Chromium's second camera is one of depths, which no connection sends. Here it shows blue around red, and cannot zoom.
SECOND_CAMERA = """
  const ask = globalThis.MediaDevices?.prototype.getUserMedia;
  if (ask) MediaDevices.prototype.getUserMedia = async function (wanted) {
    const second = (await this.enumerateDevices()).filter((one) => one.kind === "videoinput")[1]?.deviceId;
    if (!second || wanted.video?.deviceId?.exact !== second) return ask.call(this, wanted);
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const paint = canvas.getContext("2d");
    setInterval(() => {
      for (const [shade, left, wide] of [["#0000ff", 0, 640], ["#ff0000", 224, 192]]) {
        paint.fillStyle = shade;
        paint.fillRect(left, 0, wide, 360);
      }
    }, 60);
    return canvas.captureStream(15);
  };
"""
ZOOM = f"{OWN}.getVideoTracks()[0].getSettings().zoom"


def may_zoom(phone: Page, careroom: Careroom) -> None:
    """The patient's browser lets the page zoom the camera; Chromium's zooms up to four times."""
    browser = phone.context.browser
    assert browser
    here = phone.context.new_cdp_session(phone).send("Target.getTargetInfo")["targetInfo"]["browserContextId"]
    allowed = {"permission": {"name": "camera", "panTiltZoom": True}, "setting": "granted"}
    browser.new_browser_cdp_session().send(
        "Browser.setPermission", {**allowed, "browserContextId": here, "origin": careroom.url}
    )


def zooms(desk: Page, phone: Page, label: str) -> None:
    """What the camera cannot, the clinician's page does; what it can, the patient's."""
    panel = desk.get_by_role("region", name="Patient’s devices")
    larger, level = panel.get_by_role("button", name="Larger"), panel.locator("output")
    assert is_blue(_on_the_screen(desk))
    larger.click()
    larger.click()
    expect(level).to_have_text("2.0×")
    eventually(lambda: not is_blue(_on_the_screen(desk)), 10, "the larger picture")
    assert _scale(desk) == "2"
    panel.get_by_role("button", name="Switch", exact=True).click()  # and back
    phone.wait_for_function(f"(label) => {OWN}.getVideoTracks()[0]?.label === label", arg=label)
    eventually(lambda: not is_blue(colour(desk, PATIENT, 0.1, 0.5)), 20, "the first camera's picture")
    expect(level).to_have_text("1.0×")
    eventually(lambda: _scale(desk) == "1", 10, "the whole picture")
    larger.click()
    larger.click()
    eventually(lambda: phone.evaluate(ZOOM) == 200, 10, "the camera's own zoom")
    assert _scale(desk) == "1"


def is_blue(found: list[int]) -> bool:
    red, green, blue = found
    return blue > 150 and red < 90 and green < 90


def _on_the_screen(desk: Page) -> list[int]:
    """The colour at 28 % of the width of the patient's frame: in the whole picture beside the red."""
    box = desk.locator(PERSON).bounding_box()
    assert box
    shown = Image.open(io.BytesIO(desk.screenshot())).convert("RGB")
    found = shown.getpixel((int(box["x"] + box["width"] * 0.28), int(box["y"] + box["height"] * 0.5)))
    assert isinstance(found, tuple)
    return [int(one) for one in found]


def _scale(desk: Page) -> Any:
    return desk.locator(PATIENT).evaluate("(video) => video.style.scale")
