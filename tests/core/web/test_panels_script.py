"""panels.js in a real browser: what several panels heard is one request, lazy ones are fetched, faults are retried.

No server: what the page asks for is answered here, so that the requests can be counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright

from core.web import assets
from tests.support.browser import chromium

pytestmark = pytest.mark.browser

ORIGIN = "http://panels.test"
PAGE = """<!doctype html><html lang="en"><head><title>Panels</title>
<script type="importmap">{"imports": %s}</script></head><body>
<section data-panel="x.one" data-panels-url="/together" data-topics="t.one t.both">one</section>
<section data-panel="x.two" data-panels-url="/together" data-topics="t.two t.both">two</section>
<section data-panel="x.late" data-panels-url="/together" data-topics="" data-panel-waiting>skeleton</section>
<section data-panel="x.later" data-panels-url="/together" data-topics="" data-panel-waiting>skeleton</section>
<section data-panel="x.alone" data-panel-url="/alone" data-topics="t.alone t.both">alone</section>
<script type="application/json" id="words">{"try_again": "Try again",
 "something_went_wrong": "That went wrong."}</script>
<script type="module">import { start } from "careroom/panels"; start(); window.ready = true;</script>
</body></html>"""
RETRY = "cannot be shown <button type=button data-panel-retry>Try again</button>"


@dataclass
class Answers:
    """What was asked, and what each panel answers next."""

    asked: list[list[str]] = field(default_factory=list)
    parts: dict[str, dict[str, str] | None] = field(default_factory=dict)
    status: int = 200

    def take(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        if url.path == "/":
            names = {
                f"careroom/{path.stem}": f"/js/{path.name}" for path in (assets.STATIC / "js").glob("*.js")
            }
            route.fulfill(body=PAGE % json.dumps(names), content_type="text/html")
        elif url.path.startswith("/js/"):
            body = (assets.STATIC / url.path.lstrip("/")).read_text()
            route.fulfill(body=body, content_type="text/javascript")
        elif url.path == "/together":
            names_asked = parse_qs(url.query)["names"][0].split(",")
            self.asked.append(names_asked)
            usual = {name: {"html": f"fresh {name}", "state": "shown"} for name in names_asked}
            parts = {name: self.parts.get(name, usual[name]) for name in names_asked}
            route.fulfill(status=self.status, json={"panels": parts})
        elif url.path == "/alone":
            self.asked.append(["alone"])
            route.fulfill(body="fresh alone", content_type="text/html")
        else:
            route.fulfill(status=404)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as opened:
        yield opened


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def page(browser: Browser, answers: Answers) -> Iterator[Page]:
    opened = browser.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.route(f"{ORIGIN}/**", answers.take)
    opened.goto(f"{ORIGIN}/")
    expect(panel(opened, "x.late")).to_have_text("fresh x.late")
    yield opened
    opened.close()
    assert errors == []


def panel(page: Page, name: str) -> Locator:
    return page.locator(f'[data-panel="{name}"]')


def tell(page: Page, *topics: str) -> None:
    page.evaluate(
        "topics => topics.forEach((topic) => "
        "document.dispatchEvent(new CustomEvent('careroom:event', { detail: { topic } })))",
        list(topics),
    )


def test_all_that_wait_are_fetched_in_one_request(page: Page, answers: Answers) -> None:
    expect(panel(page, "x.later")).to_have_text("fresh x.later")
    assert answers.asked == [["x.late", "x.later"]]
    assert page.locator("[data-panel-waiting]").count() == 0
    expect(panel(page, "x.one")).to_have_text("one")


def test_what_several_heard_is_one_request_and_the_others_stay(page: Page, answers: Answers) -> None:
    answers.asked.clear()
    tell(page, "t.both", "t.one", "t.both")
    expect(panel(page, "x.two")).to_have_text("fresh x.two")
    expect(panel(page, "x.alone")).to_have_text("fresh alone")
    assert sorted(answers.asked) == [["alone"], ["x.one", "x.two"]]
    answers.asked.clear()
    tell(page, "t.two")
    page.wait_for_timeout(400)
    assert answers.asked == [["x.two"]]


@pytest.mark.parametrize("held", ["mouse", "space bar"])
def test_what_is_held_down_is_exchanged_after_its_click(page: Page, answers: Answers, held: str) -> None:
    """A list that changes between press and release does not take the button away from under the finger."""
    button = '<button type="button" onclick="clicks += 1">Remove</button>'
    page.evaluate("window.clicks = 0")
    answers.parts["x.one"] = {"html": f"old {button}", "state": "shown"}
    tell(page, "t.one")
    expect(panel(page, "x.one")).to_contain_text("old")
    press = panel(page, "x.one").get_by_role("button")
    if held == "mouse":
        press.hover()
        page.mouse.down()
    else:
        press.focus()
        page.keyboard.down(" ")
    answers.parts["x.one"] = {"html": f"new {button}", "state": "shown"}
    answers.asked.clear()
    tell(page, "t.both")
    expect(panel(page, "x.two")).to_have_text("fresh x.two")
    assert ["x.one", "x.two"] in answers.asked
    expect(panel(page, "x.one")).to_contain_text("old")
    page.mouse.up() if held == "mouse" else page.keyboard.up(" ")
    expect(panel(page, "x.one")).to_contain_text("new")
    assert page.evaluate("clicks") == 1


def test_a_steady_stream_of_events_starves_nobody(page: Page, answers: Answers) -> None:
    answers.asked.clear()
    page.evaluate(
        "() => { window.stream = setInterval(() => document.dispatchEvent("
        "new CustomEvent('careroom:event', { detail: { topic: 't.one' } })), 30); }"
    )
    expect(panel(page, "x.one")).to_have_text("fresh x.one")
    page.evaluate("clearInterval(window.stream)")


def test_a_panel_that_is_gone_is_hidden_and_the_others_are_not(page: Page, answers: Answers) -> None:
    answers.parts["x.one"] = None
    tell(page, "t.both")
    expect(panel(page, "x.one")).to_be_hidden()
    expect(panel(page, "x.two")).to_have_text("fresh x.two")


def test_a_fault_can_be_tried_again(page: Page, answers: Answers) -> None:
    answers.parts["x.one"] = {"html": RETRY, "state": "fault"}
    tell(page, "t.one")
    expect(panel(page, "x.one")).to_contain_text("cannot be shown")
    expect(panel(page, "x.one")).to_have_attribute("data-panel-state", "fault")
    answers.parts.clear()
    panel(page, "x.one").get_by_role("button", name="Try again").click()
    expect(panel(page, "x.one")).to_have_text("fresh x.one")
    expect(panel(page, "x.one")).to_have_attribute("data-panel-state", "shown")


def test_what_could_not_be_fetched_says_so_in_each_panel_and_comes_with_the_line(
    page: Page, answers: Answers
) -> None:
    answers.status = 500
    tell(page, "t.one", "t.two")
    expect(page.get_by_role("alert")).to_have_count(2)
    expect(panel(page, "x.one")).to_contain_text("one")
    answers.status = 200
    answers.asked.clear()
    page.evaluate(
        "document.dispatchEvent(new CustomEvent('careroom:connection', { detail: { state: 'connected' } }))"
    )
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(panel(page, "x.two")).to_have_text("fresh x.two")
    assert answers.asked == [["x.one", "x.two"]]
