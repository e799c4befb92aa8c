"""What the worker makes of a picture of somebody: the person stays as they are, what is behind them does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Page, sync_playwright

from tests.support import behind
from tests.support.browser import chromium

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
FACE, SHIRT = (285, 210, 355, 270), (260, 390, 380, 460)
WALL = (0, 0, 120, 200)


@pytest.fixture(scope="module")
def opened() -> Iterator[Page]:
    with (
        sync_playwright() as playwright,
        chromium(playwright) as browser,
        behind.page(browser, slow=behind.on_a_machine(slow=True)) as page,
    ):
        yield page


def difference(one: Image.Image, other: Image.Image, where: tuple[int, int, int, int]) -> float:
    """How much two pictures differ there, of 255."""
    found = ImageStat.Stat(ImageChops.difference(one.crop(where), other.crop(where)))
    return max(found.mean)


def contrast(picture: Image.Image, where: tuple[int, int, int, int]) -> float:
    return max(ImageStat.Stat(picture.crop(where)).stddev)


def test_blurred_the_person_stays_sharp_and_the_wall_cannot_be_made_out(opened: Page) -> None:
    before = behind.somebody()
    after, _took, _said = behind.behind(opened, which="blur", picture=behind.as_url(before))
    assert after.size == before.size
    assert difference(before, after, FACE) < 3
    assert difference(before, after, SHIRT) < 3
    assert difference(before, after, WALL) > 30
    assert contrast(before, WALL) > 60
    assert contrast(after, WALL) < 25


def test_a_picture_of_the_practice_covers_all_that_is_not_the_person(opened: Page) -> None:
    before = behind.somebody()
    scene = Image.new("RGB", (1280, 400), "#00ff00")  # broader than the video: its sides are cut off
    scene.paste("#ff00ff", (640, 0, 1280, 400))
    after, _took, _said = behind.behind(
        opened, which="picture", scene=behind.as_url(scene), picture=behind.as_url(before)
    )
    assert [after.getpixel(at) for at in ((3, 3), (3, 300), (636, 3))] == [(0, 255, 0)] * 2 + [(255, 0, 255)]
    assert difference(before, after, FACE) < 3
    assert difference(before, after, SHIRT) < 3


def test_a_picture_taken_upright_and_the_colour_of_the_practice_cover_all_too(opened: Page) -> None:
    person = behind.as_url(behind.somebody())
    upright = behind.as_url(Image.new("RGB", (300, 900), "#00ff00"))
    after, _took, _said = behind.behind(opened, which="picture", scene=upright, picture=person)
    assert [after.getpixel(at) for at in ((3, 3), (636, 3), (3, 476))] == [(0, 255, 0)] * 3
    after, _took, _said = behind.behind(opened, which="colour", colour="#ff0000", picture=person)
    corner = after.getpixel((3, 3))
    assert isinstance(corner, tuple)
    red, green, blue = corner
    assert (red > 245, green < 15, blue < 15) == (True, True, True)


def test_a_worker_that_takes_too_long_says_so_and_a_quick_one_does_not(opened: Page) -> None:
    person = behind.as_url(behind.somebody())
    _after, took, said = behind.behind(opened, path="/slow.js", which="blur", picture=person, times=31)
    assert min(took) > 130
    assert said.count("slow") == 1
    _after, took, said = behind.behind(opened, which="blur", picture=person, times=31)
    assert said.count("slow") == (1 if sorted(took)[15] > 120 else 0)
