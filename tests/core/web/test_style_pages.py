"""/dev/ui in a real Chromium: WCAG 2.2 AA, nothing sticks out, a quiet console; and what the scripts do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from core.app import create_app
from core.settings import Settings

playwright = pytest.importorskip("playwright.sync_api")
AXE = Path(__file__).parents[3] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
pytestmark = pytest.mark.browser


@pytest.fixture
def site(make_settings: Callable[..., Settings], configured: Settings) -> Iterator[str]:
    """The address of a running web process with pseudo-languages. /dev/ui needs nothing in the database."""
    del configured
    app = create_app(make_settings(pseudo_locales=True, async_mode="threading"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any, site: str) -> Iterator[Callable[..., Any]]:
    """Open a path of the site: ``open_page("/dev/ui", width=360, scheme="dark")``."""
    contexts = []

    def open_(path: str, *, width: int = 1280, scheme: str = "light") -> Any:
        context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda said: page.faults.append(said.text) if said.type == "error" else None)
        page.goto(site + path, wait_until="networkidle")
        return page

    yield open_
    for context in contexts:
        context.close()


def violations(page: Any) -> list[tuple[str, Any]]:
    page.evaluate(AXE.read_text() + ";1")
    found = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [(item["id"], [node["target"] for node in item["nodes"]]) for item in found["violations"]]


PAGES = ["/dev/ui", "/dev/ui/patient", "/login"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("path", [*PAGES, "/dev/ui?language=ar-XB", "/dev/ui/patient?language=ar-XB"])
def test_accessible_and_inside_the_window(
    open_page: Callable[..., Any], path: str, width: int, scheme: str
) -> None:
    page = open_page(path, width=width, scheme=scheme)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.faults == []


def test_menu_closes_on_escape_and_gives_the_focus_back(open_page: Callable[..., Any]) -> None:
    page = open_page("/dev/ui")
    bell = page.locator(".bell summary")
    bell.click()
    assert page.locator(".bell-panel").is_visible()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Mark all as read"
    page.keyboard.press("Escape")
    assert not page.locator(".bell-panel").is_visible()
    assert bell.evaluate("element => element === document.activeElement")


def test_only_one_menu_is_open(open_page: Callable[..., Any]) -> None:
    page = open_page("/dev/ui")
    page.locator(".bell summary").click()
    page.locator(".person-button").click()
    assert page.locator("details[data-menu][open]").count() == 1


def test_menus_stay_inside_a_phone(open_page: Callable[..., Any]) -> None:
    page = open_page("/dev/ui", width=320)
    for summary in page.locator(".top-bar details[data-menu] > summary").all():
        summary.click()
        box = page.locator("details[open] > .menu-panel").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320


@pytest.mark.parametrize("language", ["en", "ar-XB"])
def test_the_open_tab_is_in_sight_on_a_phone(open_page: Callable[..., Any], language: str) -> None:
    page = open_page(f"/dev/ui?language={language}", width=320)
    row = page.locator(".tabs").nth(1)
    assert row.evaluate("row => row.scrollWidth > row.clientWidth"), "wider than the window"
    box = row.locator("[aria-current]").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 320


def test_rail_on_a_phone_opens_and_closes(open_page: Callable[..., Any]) -> None:
    page = open_page("/dev/ui", width=360)
    assert not page.locator("#rail").is_visible()
    page.get_by_role("button", name="Open the menu").click()
    assert page.get_by_role("link", name="Patients").first.is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#rail").is_visible()


def test_ctrl_k_opens_the_palette(open_page: Callable[..., Any]) -> None:
    page = open_page("/dev/ui")
    page.keyboard.press("Control+k")
    assert page.evaluate("document.activeElement.id") == "palette-input"


def test_dialog_opens_keeps_the_focus_and_gives_it_back(open_page: Callable[..., Any]) -> None:
    page = open_page("/dev/ui")
    opener = page.get_by_role("button", name="Delete", exact=True).last
    opener.click()
    dialog = page.get_by_role("dialog", name="Delete this photo?")
    assert dialog.is_visible()
    assert violations(page) == []
    dialog.get_by_role("button", name="Cancel").click()
    assert not dialog.is_visible()
    assert opener.evaluate("element => element === document.activeElement")


def test_the_theme_changes_at_once_and_stays(open_page: Callable[..., Any]) -> None:
    page = open_page("/dev/ui")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_label("Language and appearance").click()
    with page.expect_response("**/preferences"):
        page.get_by_role("button", name="Dark").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert after != before
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after
