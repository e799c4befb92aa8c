"""Pages of the URL map that need nobody: WCAG 2.2 AA by axe, light and dark, phone and desk, right-to-left.

The map is the application's own, so a new route is looked at without being written down here. What is no page (parts
of pages, files, redirects) is told by its answer. Error pages are rendered here and shown with the server's styles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from playwright.sync_api import Page, Route

from core import db
from core.app import create_app
from core.authoring.surfaces import rules, url_of
from core.web import errors
from tests.journeys.looking import glance
from tests.support.browser import Windows
from tests.support.running import Careroom


@pytest.fixture(scope="module")
def application(installation: Careroom) -> Flask:
    """The same application in the test's process, for its map."""
    with installation.inside():
        return create_app(installation.settings.model_copy(update={"async_mode": "threading"}))


def pages(app: Flask, kind: str) -> Iterator[tuple[str, str]]:
    """Endpoint and address of each route of a kind that answers a GET and asks for no row."""
    for rule, access in rules(app):
        asks_for_row = any(name.endswith("_id") for name in rule.arguments)
        if access.kind == kind and "GET" in (rule.methods or ()) and not asks_for_row:
            yield rule.endpoint, url_of(rule, "riverside", {})


def look_at_all(page: Page, wanted: Iterator[tuple[str, str]]) -> set[str]:
    """Look at every page among these; answers the endpoints of those that were pages."""
    seen, wrong = set(), []
    for endpoint, url in wanted:
        answer = page.context.request.get(url, max_redirects=0)
        is_page = "text/html" in answer.headers.get("content-type", "") and "<html" in answer.text()
        assert answer.status < 500, f"{url}: {answer.status}"
        if answer.status >= 300 or not is_page:
            continue
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(url)
        seen.add(endpoint)
        wrong += [f"{url} {one}" for one in glance(page)]
    assert not wrong, "\n".join(wrong)
    return seen


def test_pages_that_need_nobody(windows: Windows, application: Flask, careroom: Careroom) -> None:
    seen = look_at_all(windows.desk(), pages(application, "public"))
    assert {"AuthDBView.login", "sign_in.forgotten"} <= seen


def test_pages_of_errors(windows: Windows, application: Flask, careroom: Careroom) -> None:
    page = windows.desk()
    page.goto("/login")
    for status in sorted(errors.PAGES):
        with application.test_request_context("/nowhere"), db.scope(write=False):
            body = errors.answer(status).get_data(as_text=True)
        page.route("**/nowhere", _showing(body))
        page.goto("/nowhere")
        assert page.locator("h1").inner_text()
        assert glance(page) == [], status
        page.unroute("**/nowhere")


def _showing(body: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=body, content_type="text/html")
