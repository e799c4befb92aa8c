"""`scripts/gallery`: every page of staff, administrators and operators in each language, width and colour, on sheets.

Goes the URL map as tests/journeys/test_pages_of_the_map.py does, in a Careroom of its own, and puts small pictures
beside each other in var/gallery/<language>-<width>-<scheme>-<number>.png, each with its endpoint: a person looks at
hundreds of pages in minutes. Nothing here fails because of what a page looks like; the tests do that.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Page, expect, sync_playwright

from core.app import create_app
from core.testing.databases import SqliteTemplate
from tests.journeys import acting, one_of_everything
from tests.journeys.one_of_everything import OPERATOR
from tests.journeys.people import People
from tests.journeys.test_pages_of_the_map import Visit
from tests.support.browser import Watch, Windows, chromium
from tests.support.running import Careroom, running

FOLDER: Final = Path(__file__).resolve().parents[2] / "var" / "gallery"
AREAS: Final = ("staff", "administration", "photo_request", "video_call", "operator", "signed_in")
LANGUAGES: Final = ("en", "fr", "ar-XB")
SCHEMES: Final = ("light", "dark")
HEIGHTS: Final = {1280: 1000, 360: 1500}
"""Widths of windows, and how much of a page is seen."""
SMALLER: Final = {1280: 0.5, 360: 0.8}
LEFT_OUT: Final = ("lock.page", "admin_plugins.consent", "account.index")
"""Pages that there are only for somebody who is locked out, or while a plugin waits."""
_OTHER_CALLS: Final = {"video_call.ended": "ended_call_id", "video_call.move": "planned_call_id"}
_SHEET: Final = 2000
_CAPTION: Final = 22

Taken = dict[tuple[int, str], list[tuple[str, Image.Image]]]


class Gallery:
    """What is taken of one language, by width and scheme."""

    def __init__(self, visit: Visit, widths: Sequence[int], schemes: Sequence[str]) -> None:
        self.visit, self.widths, self.schemes = visit, widths, schemes
        self.taken: Taken = {}

    def area(self, page: Page, area: str) -> None:
        """Take every page of an area."""
        for rule in self.visit.routes(area):
            if rule.endpoint in LEFT_OUT:
                continue
            values = self.visit.everything.values
            call_id = values[_OTHER_CALLS.get(rule.endpoint, "call_id")]
            self._page(page, self.visit.url(rule, call_id=call_id), rule.endpoint)

    def _page(self, page: Page, url: str, endpoint: str) -> None:
        answer = page.goto(url)
        said = "" if answer is None or answer.status == 200 else f" ({answer.status})"
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        for width in self.widths:
            for scheme in self.schemes:
                page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
                page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
                picture = Image.open(BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
                scale = SMALLER[width]
                small = picture.resize(
                    (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
                )
                self.taken.setdefault((width, scheme), []).append((endpoint + said, small))

    def save(self, language: str) -> None:
        """The sheets of everything that was taken."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        for (width, scheme), pictures in self.taken.items():
            name = f"{language}-{width}-{scheme}"
            for old in FOLDER.glob(f"{name}-*.png"):
                old.unlink()
            for number, sheet in enumerate(sheets(pictures), 1):
                sheet.save(FOLDER / f"{name}-{number:02}.png", optimize=True)
            print(f"{name}: {len(pictures)} pages")


def sheets(pictures: Sequence[tuple[str, Image.Image]]) -> Iterator[Image.Image]:
    """Pictures of one size beside each other with their names above, on as many sheets as they need."""
    font = ImageFont.load_default(14)
    width, height = pictures[0][1].size
    across, down = max(1, _SHEET // (width + 12)), max(1, _SHEET // (height + _CAPTION + 12))
    for at in range(0, len(pictures), across * down):
        some = pictures[at : at + across * down]
        rows = -(-len(some) // across)
        sheet = Image.new(
            "RGB", (min(across, len(some)) * (width + 12), rows * (height + _CAPTION + 12)), "#888"
        )
        draw = ImageDraw.Draw(sheet)
        for number, (name, picture) in enumerate(some):
            left, top = number % across * (width + 12) + 6, number // across * (height + _CAPTION + 12) + 6
            draw.text((left, top), name, fill="#fff", font=font)
            sheet.paste(picture, (left, top + _CAPTION))
        yield sheet


@contextmanager
def installation() -> Iterator[Careroom]:
    """A Careroom with the demonstration's practices that offers the pseudo-languages."""
    with tempfile.TemporaryDirectory(prefix="careroom-gallery-") as name:
        folder = Path(name)
        (empty := folder / "template").mkdir()
        with (
            SqliteTemplate(empty, seeded=True).copy(folder) as url,
            running(url, folder, pseudo_locales=True) as careroom,
            careroom.inside(),
        ):
            yield careroom


def choose_language(page: Page, code: str) -> None:
    """As somebody does in their menu."""
    page.locator(f"button[name=language][value={code}]").first.evaluate("button => button.click()")
    page.wait_for_selector(f"html[lang^={code}]", state="attached")


def main() -> None:
    """Take them. Without arguments all of them: that takes about a quarter of an hour."""
    asked = argparse.ArgumentParser(prog="scripts/gallery", description=main.__doc__)
    asked.add_argument("--area", action="append", choices=AREAS)
    asked.add_argument("--language", action="append", choices=LANGUAGES)
    asked.add_argument("--width", action="append", type=int, choices=tuple(HEIGHTS))
    asked.add_argument("--scheme", action="append", choices=SCHEMES)
    chosen = asked.parse_args()
    areas, languages = chosen.area or AREAS, chosen.language or LANGUAGES
    with installation() as careroom, sync_playwright() as playwright, chromium(playwright) as browser:
        app = create_app(careroom.settings.model_copy(update={"async_mode": "threading"}))
        visit = Visit(app, one_of_everything.make(careroom, People(careroom)))
        windows = Windows(browser, careroom.url, Watch(), {})
        admin, operator = windows.clinician("helen"), windows.desk()
        acting.sign_in(operator, OPERATOR)
        operator.wait_for_url("**/operator")
        for language in languages:
            gallery = Gallery(visit, chosen.width or tuple(HEIGHTS), chosen.scheme or SCHEMES)
            for area in areas:
                page = operator if area in ("operator", "signed_in") else admin
                page.goto("/operator" if page is operator else "/p/riverside/")
                choose_language(page, language)
                gallery.area(page, area)
            gallery.save(language)
        windows.close()


if __name__ == "__main__":
    main()
