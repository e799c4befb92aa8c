"""A real Chromium: a clinician's desk, a patient's phone, and a watch over everything that goes wrong in them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    Request,
    Response,
)

from core import demo

DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 780},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "reduced_motion": "reduce",
    "user_agent": (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/126.0.0.0 Mobile Safari/537.36"
    ),
}
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Two cameras and a microphone that beeps; whoever asks for them is allowed to. Only pages of calls may ask.
    "--use-fake-device-for-media-stream=device-count=2",
    "--use-fake-ui-for-media-stream",
)
# What Chromium says besides a response or a failed request that is counted by itself.
_SAID_TWICE = "Failed to load resource:"


@contextmanager
def chromium(playwright: Playwright, *more: str) -> Iterator[Browser]:
    """Debian's Chromium, for as long as the block. more: arguments. Skips the test when there is none."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    browser = playwright.chromium.launch(executable_path=program, args=[*_ARGUMENTS, *more])
    try:
        yield browser
    finally:
        browser.close()


@dataclass
class Watch:
    """Counts what goes wrong in a test's pages: errors on the console, exceptions, failed requests, answers >= 400.

    A test says beforehand what it provokes: ``watch.expect(422, "/l/")``. Everything else fails it.
    """

    found: list[str] = field(default_factory=list)
    _expected: list[tuple[int, re.Pattern[str]]] = field(default_factory=list)
    _seen: set[tuple[int, re.Pattern[str]]] = field(default_factory=set)
    _network_may_fail: bool = False

    def expect(self, status: int, path: str) -> None:
        """An answer with this status below an address whose path matches is meant."""
        self._expected.append((status, re.compile(path)))

    @contextmanager
    def failing_network(self) -> Iterator[None]:
        """Requests that get no answer, or none that the server means, are meant while this lasts."""
        self._network_may_fail = True
        try:
            yield
        finally:
            self._network_may_fail = False

    def look_at(self, context: BrowserContext) -> None:
        """Watch every page of this context."""
        context.on("console", self._on_console)
        context.on(
            "weberror",
            lambda error: self.found.append(f"exception in {error.page and error.page.url}: {error.error}"),
        )
        context.on("requestfailed", self._on_failed)
        context.on("response", self._on_response)

    def check(self) -> None:
        """Fail with everything that went wrong, and with what was expected and never came."""
        missing = [
            f"no answer {status} at {path.pattern}"
            for status, path in self._expected
            if (status, path) not in self._seen
        ]
        assert not self.found + missing, "\n".join(["in the browser:", *self.found, *missing])

    def _on_console(self, message: ConsoleMessage) -> None:
        if (
            message.type == "error"
            and not message.text.startswith(_SAID_TWICE)
            and not self._network_may_fail
        ):
            self.found.append(f"console: {message.text} ({message.location})")

    def _on_failed(self, request: Request) -> None:
        # Aborted: the page went on to another, or a newer search took over. Changed: this machine's own network did;
        # Chromium asks again by itself, or the test fails for what is missing.
        known = any(why in (request.failure or "") for why in ("ERR_ABORTED", "ERR_NETWORK_CHANGED"))
        if not known and not self._network_may_fail:
            self.found.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _on_response(self, response: Response) -> None:
        if response.status < 400 or (self._network_may_fail and response.status >= 500):
            return
        for status, path in self._expected:
            if response.status == status and path.search(urlsplit(response.url).path):
                self._seen.add((status, path))
                return
        self.found.append(f"answer {response.status}: {response.request.method} {response.url}")


@dataclass
class Windows:
    """Opens desks and phones for one test; all of them are watched."""

    browser: Browser
    url: str
    watch: Watch
    keys: dict[str, Any]
    """Cookies of who has signed in before, by user name; kept for as long as the installation runs."""
    contexts: list[BrowserContext] = field(default_factory=list)

    def desk(self, *, locale: str = "en-GB", **options: Any) -> Page:
        """A page at the practice, nobody signed in."""
        return self._open({**DESK, "locale": locale, **options})

    def phone(self, *, locale: str = "en-GB", **options: Any) -> Page:
        """A page on a phone: small, touched, sharp."""
        return self._open({**PHONE, "locale": locale, **options})

    def clinician(self, username: str, *, locale: str = "en-GB", **options: Any) -> Page:
        """A desk at which this person has signed in, on the first page that they see."""
        if username in self.keys:
            page = self.desk(locale=locale, storage_state=self.keys[username], **options)
            page.goto("/")
        else:
            page = self.desk(locale=locale, **options)
            page.goto("/login")
            page.locator("input[name=username]").fill(username)
            page.locator("input[name=password]").fill(demo.PASSWORD)
            page.locator("main button[type=submit]").click()
        page.wait_for_url("**/p/*/")
        self.keys[username] = page.context.storage_state()
        return page

    def close(self) -> None:
        """Close all of them. A page that is closed while it goes on to another is sometimes never closed (Chromium 156
        loses the request with the document that it sent it to), so those that leave by themselves when a call ends are
        brought to rest first."""
        for page in self._pages():
            if "/video_call/" in page.url:
                _come_to_rest(page)
        for context in self.contexts:
            context.close()

    def picture_all(self, folder: Path, name: str) -> None:
        """Keep what every open page shows, for whoever has to find out why a test failed."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(self._pages(), 1):
            page.screenshot(path=folder / f"{name}-{number}.png", full_page=True)

    def words(self) -> str:
        """The address and the first words of every open page, for where nobody can look at pictures."""
        shown = []
        for page in self._pages():
            try:
                words = page.locator("body").inner_text(timeout=2_000)
            except Error as gone:
                words = f"({gone.message.splitlines()[0]})"
            shown.append(f"{page.url}\n{' / '.join(words.split(chr(10)))[:1500]}")
        return "\n\n".join(shown)

    def _pages(self) -> list[Page]:
        return [page for context in self.contexts for page in context.pages if not page.is_closed()]

    def _open(self, options: dict[str, Any]) -> Page:
        context = self.browser.new_context(base_url=self.url, timezone_id="Europe/London", **options)
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        self.watch.look_at(context)
        return context.new_page()


def _come_to_rest(page: Page) -> None:
    """Leave for an empty page, also where the page itself is just about to go elsewhere."""
    for _ in range(5):
        try:
            page.goto("about:blank", timeout=2_000)
        except Error:  # interrupted by the page's own way
            continue
        return
