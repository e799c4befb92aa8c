"""The pictures of a video consultation: two browsers, each with a painted person before its camera."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect

from scripts.tooling.guide_pictures import Picture, open_record

PICTURES: Final = ("video-invite", "video-waiting", "video-phone", "video-call", "video-ended")
PATIENT: Final = "Okafor"
BORN: Final = (("day", "02"), ("month", "11"), ("year", "1987"))
CLINICIAN_LOOKS: Final = ("#dfe9e4", "#8d5a3c", "#2b1d18", "#0d5f5a")
PATIENT_LOOKS: Final = ("#e9e2d3", "#6b4430", "#17110f", "#3f5d86")
_LINK: Final = re.compile(r"http://127\.0\.0\.1:\d+/l/[\w-]+")
_SIZE: Final = (960, 540)
_FRAMES: Final = 12


def film(folder: Path, name: str, looks: tuple[str, str, str, str]) -> Path:
    """A short film of a painted person for Chromium's camera. looks: wall, skin, hair, clothes."""
    path = folder / f"{name}.mjpeg"
    with path.open("wb") as target:
        for number in range(_FRAMES):
            frame = BytesIO()
            _person(looks, 6 * math.sin(2 * math.pi * number / _FRAMES)).save(frame, "JPEG", quality=85)
            target.write(frame.getvalue())
    return path


def camera(path: Path) -> str:
    """What tells Chromium to take this film for what its camera sees."""
    return f"--use-file-for-fake-video-capture={path}"


def _person(looks: tuple[str, str, str, str], sway: float) -> Image.Image:
    wall, skin, hair, clothes = looks
    image = Image.new("RGB", _SIZE, wall)
    draw = ImageDraw.Draw(image)
    draw.rectangle((60, 60, 250, 300), fill="#f8fbfa", outline="#b9c7c0", width=8)  # a window
    draw.line((155, 60, 155, 300), fill="#b9c7c0", width=6)
    draw.rectangle((720, 210, 920, 222), fill="#a98f6c")  # a shelf with books
    for place, colour in enumerate(("#7c9a92", "#c2a46b", "#8a7ea8", "#b0736a")):
        draw.rectangle((735 + 38 * place, 130 + 9 * place, 765 + 38 * place, 210), fill=colour)
    middle = _SIZE[0] / 2 + sway
    draw.ellipse((middle - 260, 400, middle + 260, 900), fill=clothes)
    draw.rectangle((middle - 42, 330, middle + 42, 430), fill=skin)
    draw.ellipse((middle - 128, 80, middle + 128, 380), fill=hair)
    draw.ellipse((middle - 104, 130, middle + 104, 390), fill=skin)
    for eye in (-42, 42):
        draw.ellipse((middle + eye - 11, 240, middle + eye + 11, 262), fill="#1c1512")
        draw.arc((middle + eye - 24, 208, middle + eye + 24, 244), 200, 340, fill=hair, width=6)
    draw.arc((middle - 44, 280, middle + 44, 346), 25, 155, fill="#5c2a26", width=7)
    return image


def of_a_consultation(desk: Page, phone: Page, take: Picture, strip: Callable[[Page], None]) -> None:
    """From the invitation to the result. strip: takes the phone as it stands beside the others."""
    open_record(desk, PATIENT)
    desk.locator('[data-action="video_call.invite"]').click()
    desk.locator("#channel-sms").check()
    desk.locator("[name=note]").fill("Please have your inhaler at hand.")
    expect(desk.locator("main")).to_contain_text("Please have your inhaler at hand.")
    take(desk, "video-invite")
    desk.get_by_role("button", name="Send invitation").click()
    desk.wait_for_url("**/video_call/calls/*")
    phone.goto("/dev/outbox")
    said = _LINK.search(phone.locator(".phone-bubble").first.inner_text())
    assert said, "the newest text has no link"
    phone.goto(said.group())
    for name, value in BORN:
        phone.locator(f"[name={name}]").fill(value)
    phone.locator(".button.main").click()
    start = phone.get_by_role("button", name="Start video call")
    expect(start).to_be_enabled()
    strip(phone)
    start.click()
    enter = phone.get_by_role("button", name="Go to the waiting room")
    expect(enter).to_be_visible()
    strip(phone)
    enter.click()
    expect(desk.get_by_text("Patient is ready")).to_be_visible()
    strip(phone)
    take(desk, "video-waiting")
    desk.get_by_role("button", name="Admit ").click()
    expect(desk.locator(".vc-person[data-role=patient] video")).to_be_visible()
    desk.get_by_role("textbox", name="Notes").fill("Peak flow 410. Uses the inhaler twice a day.")
    expect(desk.locator("[data-notes-state]")).to_have_text("Kept.")
    take(desk, "video-call")
    desk.get_by_role("button", name="End", exact=True).click()
    desk.get_by_role("button", name="End for everybody").click()
    desk.wait_for_url("**/ended")
    desk.get_by_text("Consultation completed").first.click()
    take(desk, "video-ended")
