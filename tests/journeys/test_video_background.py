"""The practice's pictures behind its clinicians: Helen adds one, Amira talks before it; a slow computer goes without."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.journeys import photos
from tests.journeys.consultations import Consultation, colour, flows
from tests.journeys.looking import look_over
from tests.journeys.people import People
from tests.support import behind
from tests.support.browser import Watch, Windows
from tests.support.running import Careroom, eventually

SELF = "[data-self-video]"
THEIRS = "#pictures .large video"


def is_pink(page: Page, video: str = SELF) -> bool:
    """In the corner."""
    red, green, blue = colour(page, video)
    return red > 180 and blue > 180 and green < 90


def computer(page: Page, *, slow: bool) -> None:
    """The page's worker runs on such a machine, however busy this one is."""

    def answer(route: Route) -> None:
        route.fulfill(response=route.fetch(), body=behind.on_a_machine(slow=slow))

    page.route("**/video_call/background.js", answer)


def a_wall() -> Any:
    content = io.BytesIO()
    Image.new("RGB", (1280, 800), "#ff00ff").save(content, "PNG")
    return photos.chosen("wall.png", content.getvalue(), "image/png")


@pytest.mark.timeout(240)
def test_a_picture_of_the_practice_is_what_patients_see_behind_the_clinician(
    windows: Windows, careroom: Careroom, people: People, watch: Watch
) -> None:
    desk = windows.clinician("helen")
    _adds_a_picture(desk, watch)
    console = windows.clinician("amira")
    computer(console, slow=False)
    consultation = Consultation(careroom, people.new())
    console.goto(consultation.path)
    flows(console, SELF)
    assert not is_pink(console)
    console.keyboard.press("d")
    console.get_by_role("radio", name="Wall of the reception").check()
    state = console.locator("[data-background-state]")
    expect(state).to_have_text("The background is on", timeout=60_000)
    look_over(console)
    console.keyboard.press("Escape")
    eventually(lambda: is_pink(console), 20, "the picture behind Amira")
    flows(console, SELF)

    computer(console, slow=True)
    console.reload()  # what was chosen is chosen again, on a computer that cannot do it
    expect(state).to_have_text(
        "This computer is too slow for a background. It was switched off.", timeout=60_000
    )
    expect(console.locator("[data-say]")).to_have_text(
        "This computer is too slow for a background. It was switched off."
    )
    console.keyboard.press("d")
    expect(console.get_by_role("radio", name="As it is")).to_be_checked()
    console.keyboard.press("Escape")
    eventually(lambda: not is_pink(console), 20, "the camera as it is")
    flows(console, SELF)

    _without_streams_of_frames(console, windows.phone(), consultation)

    desk.get_by_role("button", name="Remove Wall of the reception").click()
    expect(desk.get_by_text("There is no picture yet")).to_be_visible()


def _without_streams_of_frames(console: Page, phone: Page, consultation: Consultation) -> None:
    """As in Firefox and Safari: what the patient sees, whatever is chosen next and whether the camera was off."""
    console.add_init_script("delete window.MediaStreamTrackProcessor")
    computer(console, slow=False)
    console.reload()
    expect(console.locator("[data-background-state]")).to_have_text("The background is on", timeout=60_000)
    consultation.wait_in(phone)
    console.get_by_role("button", name=f"Admit {consultation.person.name}").click()
    eventually(lambda: is_pink(phone, THEIRS), 60, "the picture behind Amira at the patient's")
    width, height = console.locator(SELF).evaluate("(video) => [video.videoWidth, video.videoHeight]")
    assert abs(width / height - 16 / 9) < 0.05  # as the camera gives it
    console.keyboard.press("d")
    console.get_by_role("radio", name="Blurred").check()
    eventually(lambda: not is_pink(phone, THEIRS), 20, "the blurred room")
    flows(phone, THEIRS)
    console.get_by_role("radio", name="Wall of the reception").check()
    eventually(lambda: is_pink(phone, THEIRS), 20, "the wall again")
    console.keyboard.press("Escape")
    expect(
        console.get_by_role("radio", name="Wall of the reception")
    ).to_be_hidden()  # single keys wait for that
    camera = console.get_by_role("button", name="Camera", exact=True)
    for is_on in ("false", "true"):
        console.keyboard.press("v")
        expect(camera).to_have_attribute("aria-pressed", is_on)
    flows(phone, THEIRS)
    assert is_pink(phone, THEIRS)


def _adds_a_picture(desk: Page, watch: Watch) -> None:
    """From the plugin's settings; a program that calls itself a picture is refused, and the name stays."""
    desk.goto("/p/riverside/admin/plugins/video_call/settings")
    desk.get_by_role("link", name="Open: Pictures behind clinicians").click()
    expect(desk.get_by_text("There is no picture yet")).to_be_visible()
    desk.get_by_label("Name").fill("Wall of the reception")
    script = photos.chosen("wall.jpg", b"<script>alert(1)</script>", "image/jpeg")
    desk.get_by_label("Picture", exact=True).set_input_files([script])
    watch.expect(415, "/video_call/backgrounds")
    desk.get_by_role("button", name="Add", exact=True).click()
    expect(desk.get_by_role("alert")).to_contain_text("This is not a picture that we can open.")
    expect(desk.get_by_label("Name")).to_have_value("Wall of the reception")
    desk.get_by_label("Picture", exact=True).set_input_files([a_wall()])
    desk.get_by_role("button", name="Add", exact=True).click()
    desk.wait_for_function("() => document.querySelector('.vc-look-item img')?.naturalWidth > 0")  # by itself
    look_over(desk)
