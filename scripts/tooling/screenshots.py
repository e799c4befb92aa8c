"""`scripts/screenshots`: the pictures of the README and the guides, taken from a demonstration that is made for them.

Starts `careroom demo` in a temporary folder, goes the tour in Chromium as clinician, patient and administrator, and
writes docs/images/*.png, each at most LARGEST bytes. The photos in them are painted by a program.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect, sync_playwright

from scripts.tooling import guide_pictures, video_pictures
from tests.journeys.photos import Chosen, jpeg
from tests.support.browser import Watch, Windows, chromium
from tests.support.servers import free_port

ROOT: Final = Path(__file__).resolve().parents[2]
expect.set_options(timeout=30_000)
IMAGES: Final = ROOT / "docs" / "images"
SHARPNESS: Final = 1.5
LARGEST: Final = 150_000
PICTURES: Final = (
    "workspace", "send", "phone", "review", "workspace-french", *guide_pictures.CLINICIANS, *guide_pictures.ADMINS,
    *video_pictures.PICTURES,
)  # fmt: skip
_LINK: Final = re.compile(r"http://127\.0\.0\.1:\d+/l/[\w-]+")


@contextmanager
def demonstration() -> Iterator[str]:
    """A fresh `careroom demo`; answers its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="careroom-screenshots-") as folder:
        command = [
            str(Path(sys.executable).with_name("careroom")),
            "demo",
            "--port",
            str(port),
            "--folder",
            folder,
        ]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not _is_ready(url):
                if process.poll() is not None:
                    raise SystemExit("The demonstration did not start; try `careroom demo`.")
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


class Tour:
    """The steps of the README's tour, and a picture here and there."""

    def __init__(self, windows: Windows, others: Windows) -> None:
        self.windows, self.others = windows, others
        self.strip: list[Image.Image] = []
        self.taken: set[str] = set()

    def take(self) -> None:
        """Take every picture."""
        clinician = self._desk("amira")
        self._ask(clinician, "Okafor", "Your left forearm, please")
        self._answer("02", "11", "1987", [jpeg(4, close=True), jpeg(7)])
        self._keep_all(clinician)
        self._open(clinician, "Okafor")
        clinician.locator('[data-action="photo_request.send"]').click()
        self._compose(clinician, "The same forearm again, with a ruler beside it")
        self._picture(clinician, "send")
        clinician.locator("[data-photo-request-form] button[type=submit]").click()
        self._answer("02", "11", "1987", [jpeg(1), jpeg(4), jpeg(10, close=True)], pictured=True)
        expect(clinician.locator(".pr-thumb img")).to_have_count(5, timeout=30_000)
        expect(clinician.locator(".bell-count")).to_be_visible()
        self._picture(clinician, "workspace")
        clinician.get_by_role("link", name="Review photos").click()
        clinician.get_by_role("button", name="Compare").click()
        clinician.wait_for_load_state("networkidle")
        self._picture(clinician, "review")
        self._save(_side_by_side(self.strip), "phone")
        admin = self._desk("helen")
        guide_pictures.of_clinicians(clinician, self._picture)
        guide_pictures.of_emergencies(admin, clinician, self._picture)
        guide_pictures.of_admins(admin, self._picture)
        self._consultation(clinician)
        self._french()
        assert self.taken == set(PICTURES), self.taken ^ set(PICTURES)

    def _consultation(self, clinician: Page) -> None:
        self.strip.clear()
        phone = self.others.phone()
        video_pictures.of_a_consultation(
            clinician, phone, self._picture, lambda page: self._phone_picture(page, True)
        )
        self._save(_side_by_side(self.strip), "video-phone")

    def _french(self) -> None:
        clinician = self._desk("claire", locale="fr-FR", color_scheme="dark")
        self._ask(clinician, "Benali", "L’avant-bras droit", slug="lumiere")
        self._answer("27", "02", "1990", [jpeg(2), jpeg(5, close=True)], locale="fr-FR")
        expect(clinician.locator(".pr-thumb img")).to_have_count(2, timeout=30_000)
        self._picture(clinician, "workspace-french")

    def _desk(self, username: str, **options: Any) -> Page:
        return self.windows.clinician(
            username, viewport={"width": 1280, "height": 800}, device_scale_factor=SHARPNESS, **options
        )

    def _open(self, page: Page, name: str, slug: str = "riverside") -> None:
        page.goto(f"/p/{slug}/patients")
        page.locator("#patient-search").fill(name)
        page.locator(".patient-row", has_text=name).first.click()
        page.wait_for_url("**/patients/*-*")

    def _ask(self, page: Page, name: str, note: str, slug: str = "riverside") -> None:
        self._open(page, name, slug)
        page.locator('[data-action="photo_request.send"]').click()
        page.locator("[name=note]").fill(note)
        page.locator("[data-photo-request-form] button[type=submit]").click()
        page.wait_for_url("**/patients/*-*")

    def _compose(self, page: Page, note: str) -> None:
        page.locator("#channel-email").check()
        page.locator("[name=note]").fill(note)
        expect(page.locator(".compose-letter")).to_contain_text(note)
        expect(page.locator("#preview")).to_have_attribute("aria-busy", "false")

    def _answer(
        self,
        day: str,
        month: str,
        year: str,
        photos: list[Chosen],
        *,
        pictured: bool = False,
        locale: str = "en-GB",
    ) -> None:
        """The patient opens the newest link of the outbox and sends these photos."""
        phone = self.windows.phone(locale=locale)
        phone.goto("/dev/outbox")
        found = _LINK.search(phone.locator(".phone-bubble").first.inner_text())
        assert found, "the newest text has no link"
        phone.goto(found.group())
        for name, value in (("day", day), ("month", month), ("year", year)):
            phone.locator(f"[name={name}]").fill(value)
        self._phone_picture(phone, pictured)
        phone.locator(".button.main").click()
        phone.locator("#pick").set_input_files(list(photos))
        expect(phone.locator("#photos .photo-actions:not([hidden])")).to_have_count(len(photos))
        phone.locator("[data-comment-open]").first.click()
        phone.locator("#photos textarea").first.fill(
            "Itches most at night" if locale == "en-GB" else "Surtout la nuit"
        )
        self._phone_picture(phone, pictured)
        phone.locator("#field-agreed").check()
        phone.locator("#send").click()
        expect(phone.locator("#arrived img")).to_have_count(len(photos), timeout=60_000)
        self._phone_picture(phone, pictured)
        phone.close()

    def _keep_all(self, page: Page) -> None:
        expect(page.locator(".pr-thumb img")).to_have_count(2, timeout=30_000)
        page.locator(".pr-when a").first.click()
        page.get_by_role("button", name="Keep all").click()
        page.get_by_role("button", name="Complete").click()

    def _picture(self, page: Page, name: str) -> None:
        page.wait_for_load_state("networkidle")
        page.evaluate("document.querySelectorAll('.flashes').forEach((said) => said.replaceChildren())")
        self._save(_opened(page.screenshot()), name)

    def _phone_picture(self, phone: Page, pictured: bool) -> None:
        if pictured:
            phone.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
            self.strip.append(_opened(phone.screenshot()))

    def _save(self, image: Image.Image, name: str) -> None:
        IMAGES.mkdir(parents=True, exist_ok=True)
        path = IMAGES / f"{name}.png"
        while True:
            image.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
            if path.stat().st_size <= LARGEST:
                break
            image = image.resize((image.width * 9 // 10, image.height * 9 // 10), Image.Resampling.LANCZOS)
        self.taken.add(name)
        print(f"{path.relative_to(ROOT)}: {image.width} x {image.height}, {path.stat().st_size // 1024} kB")


def _opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content)).convert("RGB")


def _side_by_side(screens: list[Image.Image]) -> Image.Image:
    """Phones beside each other, each in a frame with round corners, on the colour of a page."""
    gap, edge, radius = 64, 14, 56
    width, height = screens[0].size
    made = Image.new(
        "RGB", (len(screens) * (width + 2 * edge + gap) + gap, height + 2 * (edge + gap)), "#f3f5f4"
    )
    draw = ImageDraw.Draw(made)
    mask = Image.new("L", (width, height), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, width - 1, height - 1), radius, fill=255)
    for number, screen in enumerate(screens):
        left = gap + number * (width + 2 * edge + gap)
        frame = (left, gap, left + width + 2 * edge - 1, gap + height + 2 * edge - 1)
        draw.rounded_rectangle(frame, radius + edge, fill="#13211f")
        made.paste(screen, (left + edge, gap + edge), mask)
    return made


def main() -> None:
    """Take them all; fails when anything went wrong in the browser. Clinician and patient have a browser each, because
    what Chromium takes for its camera is the same for all its windows.
    """
    watch = Watch()
    with (
        tempfile.TemporaryDirectory(prefix="careroom-films-") as folder,
        demonstration() as url,
        sync_playwright() as playwright,
    ):
        desk, phone = (
            video_pictures.camera(video_pictures.film(Path(folder), name, looks))
            for name, looks in (
                ("clinician", video_pictures.CLINICIAN_LOOKS),
                ("patient", video_pictures.PATIENT_LOOKS),
            )
        )
        with chromium(playwright, desk) as browser, chromium(playwright, phone) as other:
            windows, others = Windows(browser, url, watch, {}), Windows(other, url, watch, {})
            Tour(windows, others).take()
            windows.close()
            others.close()
    watch.check()


if __name__ == "__main__":
    main()
