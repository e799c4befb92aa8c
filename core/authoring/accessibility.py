"""axe-core in a real Chromium, over every page of the plugin: at a desk and on a phone, light and dark."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server

import core
from core import demo, i18n
from core.authoring.inspection import Inspection
from core.authoring.rules import NotMeasured

TAGS: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
AXE: Final = "node_modules/axe-core/axe.min.js"
VIEWS: Final = (("1280 px", 1280, "light"), ("360 px, dark", 360, "dark"))
_ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def axe_script() -> Path:
    """The script of axe-core: CAREROOM_AXE ("" for none), or npm's below here or beside Careroom. Or NotMeasured."""
    folders = (Path.cwd(), *Path.cwd().parents, Path(core.__file__).parents[1])
    named = os.environ.get("CAREROOM_AXE")
    for path in [Path(named)] if named is not None else [folder / AXE for folder in folders]:
        if path.is_file():
            return path
    raise NotMeasured("axe-core is not there: npm install axe-core, or set CAREROOM_AXE to axe.min.js")


def look(place: Inspection) -> list[str]:
    """No violation of WCAG 2.2 AA. Raises NotMeasured where there is no browser."""
    script = axe_script().read_text(encoding="utf-8")
    sample = place.sample(place.house.riverside)
    if sample is None:
        raise NotMeasured("there is no sample.py that makes one of everything")
    wrong: list[str] = []
    with _browser() as browser, _serving(place) as url:
        for words, width, scheme in VIEWS:
            context = browser.new_context(
                base_url=url,
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                reduced_motion="reduce",
            )
            page = context.new_page()
            _sign_in(page)
            pages = [*place.pages(sample), place.pages_of_others(sample)[-1]]
            for path in pages:
                if (answer := _goto(page, path)) is not None and "html" in answer.headers.get(
                    "content-type", ""
                ):
                    wrong += [f"{path} at {words}: {one}" for one in _violations(page, script)]
            context.close()
            for link in sample.links:
                wrong += _behind(browser, url, place, link, script, (words, width, scheme))
    return wrong


def _behind(
    browser: Any, url: str, place: Inspection, link: str, script: str, view: tuple[str, int, str]
) -> list[str]:
    """The patient's pages behind a link, whose date of birth is that of :meth:`Inspection.make`."""
    words, width, scheme = view
    phone = place.phone(link)
    context = browser.new_context(
        base_url=url, viewport={"width": width, "height": 780}, color_scheme=scheme, reduced_motion="reduce"
    )
    host = urlsplit(url).hostname
    context.add_cookies(
        [
            {"name": cookie.key, "value": cookie.value, "domain": host, "path": cookie.path}
            for cookie in (phone.visitor.client._cookies or {}).values()
        ]
    )
    page = context.new_page()
    wrong = []
    for path in place.patient_pages(phone):
        answer = _goto(page, path)
        if answer is None:
            continue
        if answer.status >= 400:
            wrong.append(f"{path} does not open")
        elif "html" in answer.headers.get("content-type", "") and page.locator("main").count():
            wrong += [f"{path} at {words}: {one}" for one in _violations(page, script)]
    context.close()
    return wrong


def _goto(page: Any, path: str) -> Any:
    """The answer of a page; None for what the browser saves rather than shows."""
    try:
        return page.goto(path)
    except Exception as error:
        if "Download is starting" not in str(error):
            raise
        return None


def _sign_in(page: Any) -> None:
    page.goto("/login")
    page.locator("input[name=username]").fill("helen")
    page.locator("input[name=password]").fill(demo.PASSWORD)
    page.locator("main button[type=submit]").click()
    page.wait_for_url("**/p/*/")


def _violations(page: Any, script: str) -> list[str]:
    if page.locator("main").count() == 0:
        return []  # a fragment, seen where it belongs
    page.evaluate(script)
    found = page.evaluate(
        "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})",
        TAGS,
    )
    wrong = [
        f"{rule['id']}: {rule['help']} ({', '.join(str(node['target'][0]) for node in rule['nodes'][:3])})"
        for rule in found["violations"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        wrong.append("the page is wider than the screen")
    return wrong


@contextmanager
def _browser() -> Iterator[Any]:
    """Chromium by Playwright. Raises NotMeasured when either is missing."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise NotMeasured("Playwright is not installed (pip install playwright)") from None
    program = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=list(_ARGUMENTS))
        except Error as error:
            raise NotMeasured(f"no Chromium: {str(error).splitlines()[0]}") from None
        try:
            yield browser
        finally:
            browser.close()


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Nobody wants to read every request."""


@contextmanager
def _serving(place: Inspection) -> Iterator[str]:
    """The app behind a port of this machine, for as long as the block."""
    server = make_server("127.0.0.1", 0, place.app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(10)
        i18n.set_language("en")
