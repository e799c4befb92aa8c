"""bus.js, panels.js, toast.js and time.js in a real browser, against the real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from core.realtime import tickets
from core.settings import Settings
from tests.core.realtime.live import Server, serving
from tests.core.realtime.script_app import TOPIC
from tests.support.browser import chromium

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as opened:
        yield opened


@pytest.fixture
def server(embedded: Callable[..., Settings]) -> Iterator[Server]:
    with serving(embedded(), "eventlet", app="script_app") as running:
        yield running


@pytest.fixture
def practice(server: Server, make_practice: Callable[[str], UUID]) -> UUID:
    return make_practice("riverside")


@pytest.fixture
def page(browser: Browser, server: Server, practice: UUID) -> Iterator[Page]:
    opened = browser.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(f"{server.url}/live/{practice}")
    expect(_connection(opened)).to_have_attribute("data-state", "connected")
    yield opened
    opened.close()
    assert errors == []


def _connection(page: Page) -> Any:
    return page.locator("[data-connection]")


def _show(server: Server, practice: UUID, html: str, number: int, status: int = 200) -> None:
    requests.post(f"{server.url}/panel", json={"html": html, "status": status}, timeout=5).raise_for_status()
    server.publish(practice, TOPIC, number)


def test_a_panel_reloads_when_its_topic_is_told(page: Page, server: Server, practice: UUID) -> None:
    _show(server, practice, "<p id=state>second</p>", 1)
    expect(page.locator("#state")).to_have_text("second")
    expect(page.locator("[data-announcer]")).to_have_text("Changed")
    assert page.evaluate("heard") == [1]
    assert page.evaluate("states") == ["connected"]


def test_what_the_person_did_inside_stays(page: Page, server: Server, practice: UUID) -> None:
    def html(version: int) -> str:
        return (
            f"<p id=state>{version}</p><details><summary>More</summary>{version}</details>"
            "<details open><summary>Less</summary></details>"
            '<form action="/a"><input name="note"><input type="checkbox" name="kept"></form>'
            '<div class="list" style="height:40px;overflow:auto"><div style="height:400px"></div></div>'
            f'<button type="button" name="one">One {version}</button>'
        )

    _show(server, practice, html(1), 1)
    expect(page.locator("#state")).to_have_text("1")
    page.locator("summary").nth(0).click()
    page.locator("summary").nth(1).click()
    page.locator("[name=note]").fill("half a sent")
    page.locator("[name=kept]").check()
    page.locator(".list").evaluate("element => { element.scrollTop = 90; }")
    page.locator("[name=one]").focus()
    _show(server, practice, html(2), 2)
    expect(page.locator("#state")).to_have_text("2")
    expect(page.locator("details").nth(0)).to_have_attribute("open", "")
    expect(page.locator("details").nth(1)).not_to_have_attribute("open", "")
    expect(page.locator("[name=note]")).to_have_value("half a sent")
    expect(page.locator("[name=kept]")).to_be_checked()
    expect(page.locator("[name=one]")).to_be_focused()
    assert page.locator(".list").evaluate("element => element.scrollTop") == 90


def test_nothing_changes_under_hands_that_type(page: Page, server: Server, practice: UUID) -> None:
    form = '<form action="/a"><textarea name="note"></textarea></form>'
    _show(server, practice, f"<p id=state>1</p>{form}", 1)
    expect(page.locator("#state")).to_have_text("1")
    page.locator("textarea").press_sequentially("half a")
    _show(server, practice, f"<p id=state>2</p>{form}", 2)
    news = page.get_by_role("button", name="Show what is new")
    expect(news).to_be_visible()
    expect(page.locator("#state")).to_have_text("1")
    page.locator("textarea").press_sequentially(" sentence")
    expect(page.locator("textarea")).to_have_value("half a sentence")
    news.click()
    expect(page.locator("#state")).to_have_text("2")
    expect(page.locator("textarea")).to_have_value("half a sentence")
    expect(news).to_have_count(0)


def test_a_panel_that_fails_says_so_and_can_be_tried_again(
    page: Page, server: Server, practice: UUID
) -> None:
    _show(server, practice, "broken", 1, status=500)
    expect(page.get_by_role("alert")).to_contain_text("That went wrong.")
    expect(page.locator("#state")).to_have_text("first")
    requests.post(f"{server.url}/panel", json={"html": "<p id=state>well</p>", "status": 200}, timeout=5)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#state")).to_have_text("well")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_panel_of_a_plugin_that_is_off_disappears(page: Page, server: Server, practice: UUID) -> None:
    _show(server, practice, "", 1, status=404)
    expect(page.locator("#panel")).to_be_hidden()
    _show(server, practice, "<p id=state>back</p>", 2)
    expect(page.locator("#state")).to_be_visible()


def test_a_server_that_comes_back_is_found_and_nothing_is_lost_or_doubled(
    page: Page, server: Server, practice: UUID, embedded: Callable[..., Settings]
) -> None:
    server.publish(practice, TOPIC, 1)
    page.wait_for_function("heard.length === 1")
    server.process.terminate()
    assert server.process.wait(15) == 0
    expect(_connection(page)).to_have_attribute("data-state", "disconnected")
    expect(page.locator("[data-connection-word]")).to_have_text("No connection")
    with serving(embedded(), "eventlet", port=server.port, app="script_app") as again:
        again.publish(practice, TOPIC, 2, 3)
        page.wait_for_function("heard.length >= 4", timeout=30_000)
        again.publish(practice, TOPIC, 5)
        page.wait_for_function("heard.length >= 5")
        assert page.evaluate("heard") == [1, 2, 3, 4, 5]
        expect(_connection(page)).to_have_attribute("data-state", "connected")
        page.context.set_offline(True)
        again.publish(practice, TOPIC, 6)
        page.context.set_offline(False)
        page.wait_for_function("heard.length >= 6", timeout=30_000)
        assert page.evaluate("heard") == [1, 2, 3, 4, 5, 6]
        page.close()


def test_an_old_ticket_is_renewed_and_one_of_another_session_is_not(
    page: Page, server: Server, practice: UUID
) -> None:
    session_id = page.request.get(f"{server.url}/session-id").json()["id"]
    page.goto(f"{server.url}/live/{practice}?ticket={_ticket(practice, session_id, minutes_old=11)}")
    expect(_connection(page)).to_have_attribute("data-state", "connected")
    server.publish(practice, TOPIC, 1)
    page.wait_for_function("heard.length === 1")
    page.goto(f"{server.url}/live/{practice}?ticket={_ticket(practice, 'another', minutes_old=0)}")
    page.wait_for_function("states.includes('refused')")
    expect(_connection(page)).to_have_attribute("data-state", "disconnected")


def _ticket(practice: UUID, session_id: str, *, minutes_old: int) -> str:
    signer = tickets._serializer()
    said = {
        "p": practice.hex, "t": [TOPIC], "k": "staff", "a": "7", "b": tickets.binding(session_id).hex, "g": "",
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        now = signer.default_signer.get_timestamp
        patch.setattr(signer.default_signer, "get_timestamp", lambda self: now(self) - 60 * minutes_old)
        token = signer.dumps(said)
    assert isinstance(token, str)
    return token


def test_the_page_comes_back_from_the_browser_s_cache_up_to_date(
    page: Page, server: Server, practice: UUID
) -> None:
    server.publish(practice, TOPIC, 1)
    page.wait_for_function("heard.length === 1")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    server.publish(practice, TOPIC, 2)
    page.wait_for_timeout(600)
    assert page.evaluate("heard") == [1]
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    page.wait_for_function("heard.length === 2")


def test_toasts_go_by_themselves_unless_they_offer_something(page: Page) -> None:
    page.evaluate(
        """async () => {
          const { toast, toastFrom } = await import("careroom/toast");
          toast({ text: "Saved" });
          toastFrom("rejected", { run: () => { window.undone = true; } });
        }"""
    )
    expect(page.locator(".toast-note")).to_have_count(2)
    expect(page.get_by_text("Saved")).to_have_count(0, timeout=12_000)
    page.get_by_role("button", name="Undo").click()
    assert page.evaluate("window.undone") is True
    expect(page.locator(".toast-note")).to_have_count(0)


def test_relative_times_move_on(page: Page) -> None:
    page.clock.install()
    page.reload()
    page.evaluate(
        """() => {
          const time = document.createElement("time");
          time.dateTime = new Date(Date.now() - 61000).toISOString();
          time.setAttribute("data-relative-time", "");
          time.textContent = "one minute ago";
          document.querySelector("#content").append(time);
        }"""
    )
    page.clock.run_for(25_000)
    moving = page.locator("time").nth(1)
    expect(moving).to_have_text("one minute ago")  # the server's words, while they are true
    page.clock.run_for(180_000)
    expect(moving).to_have_text("4 minutes ago")
    expect(page.locator("time").nth(0)).to_have_text("1 January 2020")
