"""Patient pages are light: at most 60 kB compressed before photos, everything that Chromium loads counted."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, Response, expect

from tests.journeys import acting, photos
from tests.journeys.people import People
from tests.support.browser import Windows
from tests.support.running import Careroom

MOST = 60_000
_PHOTOS = ("/thumb", "/large")


@dataclass
class Scale:
    """Weighs what a page loads, each address once. ``parts``: bytes by address, compressed."""

    parts: dict[str, int] = field(default_factory=dict)

    def watch(self, page: Page) -> None:
        page.on("response", self._weigh)

    @property
    def total(self) -> int:
        return sum(self.parts.values())

    def _weigh(self, response: Response) -> None:
        if response.url.startswith("blob:") or response.url.split("?")[0].endswith(_PHOTOS):
            return
        if response.request.method != "GET" or response.status != 200:
            return
        # At gzip's usual level, whatever this server does: what a page weighs is a matter of the page.
        self.parts[response.url] = len(gzip.compress(response.body(), 6))


@pytest.fixture
def weigh(
    windows: Windows, request: pytest.FixtureRequest
) -> Callable[[str, str, Callable[[Page], object]], None]:
    """``weigh(name, address, act)``: open a page in a browser with an empty cache, and act in it."""

    def weighed(
        name: str,
        address: str,
        act: Callable[[Page], object] = lambda _page: None,
        cookies: Page | None = None,
    ) -> None:
        state = cookies.context.storage_state() if cookies else None
        phone = windows.phone(storage_state=state) if state else windows.phone()
        scale = Scale()
        scale.watch(phone)
        phone.goto(address, wait_until="networkidle")
        act(phone)
        phone.wait_for_load_state("networkidle")
        lines = [
            f"{size:>7,}  {url.partition('/')[2]}"
            for url, size in sorted(scale.parts.items(), key=lambda part: -part[1])
        ]
        print(f"\n{name}: {scale.total:,} bytes in {len(scale.parts)} files\n" + "\n".join(lines))
        assert scale.parts, "nothing was weighed"
        assert scale.total <= MOST, f"{name} weighs {scale.total:,} bytes\n" + "\n".join(lines)

    return weighed


def _choose(phone: Page) -> None:
    acting.choose(phone, photos.jpeg(1))
    expect(acting.chosen_photos(phone)).to_have_count(1)


def test_every_patient_page_is_light(
    phone: Page, people: People, careroom: Careroom, weigh: Callable[..., None]
) -> None:
    person = people.new()
    link = acting.ask_for_photos(careroom, person, note="Both hands, please")
    weigh("date of birth", link)
    acting.open_link(phone, link, person)
    here = phone.url
    weigh("what it is about", here, cookies=phone)
    weigh("choosing and sending", here, _choose, cookies=phone)
    weigh("tips", f"{here}tips", cookies=phone)
    acting.send_photos(phone, photos.jpeg(1))
    expect(phone.locator("#arrived img")).to_have_count(1, timeout=30_000)
    weigh("confirmation", here, cookies=phone)
