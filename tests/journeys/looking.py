"""Looking a page over as people with other eyes, hands and screens do: axe in light and dark, narrow and wide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from playwright.sync_api import Page

from tests.support import axe

NARROW, WIDE = 360, 1280
NARROWEST = 320


def look_over(page: Page, widths: Iterable[int] = (NARROW, WIDE), *, without: Sequence[str] = ()) -> None:
    """No violation of WCAG 2.2 AA in light or dark, and nothing that has to be scrolled sideways, at these widths."""
    before = page.viewport_size
    found = [
        f"at {width} px, {scheme}: {wrong}"
        for width in widths
        for scheme in ("light", "dark")
        for wrong in _problems(page, width, scheme, without)
    ]
    page.emulate_media(color_scheme="light")
    if before is not None:
        page.set_viewport_size(before)
    assert not found, "\n".join([page.url, *found])


def glance(page: Page) -> list[str]:
    """What is wrong, looked at once in each colour and each width, and turned round for right-to-left at the narrowest.

    For a round of many pages: names and roles depend neither on the colours nor on the width, so they are asked once.
    """
    found = []
    for width, scheme, only in ((WIDE, "light", ()), (NARROW, "dark", axe.COLOURS_AND_SIZES)):
        _show(page, width, scheme)
        wrong = [*axe.violations(page, only=only), *sideways(page)]
        found += [f"at {width} px, {scheme}: {one}" for one in wrong]
    page.evaluate("document.documentElement.dir = 'rtl'")
    page.set_viewport_size({"width": NARROWEST, "height": 800})
    _settle(page)
    return found + [f"at {NARROWEST} px, right to left: {wrong}" for wrong in sideways(page)]


def glance_over(page: Page) -> None:
    """Nothing is wrong at a glance; afterwards the page stands as before."""
    before, direction = page.viewport_size, page.evaluate("document.documentElement.dir")
    found = glance(page)
    page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
    page.emulate_media(color_scheme="light")
    if before is not None:
        page.set_viewport_size(before)
    assert not found, "\n".join([page.url, *found])


def _problems(page: Page, width: int, scheme: str, without: Sequence[str]) -> list[str]:
    _show(page, width, scheme)
    return [*axe.violations(page, without), *sideways(page)]


def _show(page: Page, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    _settle(page)


def _settle(page: Page) -> None:
    """Until the page is drawn in its new size and colours: an animation frame, and the one after."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def sideways(page: Page) -> list[str]:
    """The elements that make the page wider than its window, the widest first."""
    found: list[str] = page.evaluate(
        """() => {
          const root = document.documentElement;
          if (root.scrollWidth <= root.clientWidth) return [];
          const beyond = [...document.querySelectorAll("body *")].filter((element) => {
            const box = element.getBoundingClientRect();
            return box.width && (box.right > root.clientWidth + 1 || box.left < -1);
          });
          const names = beyond.slice(0, 5).map((element) => element.outerHTML.slice(0, 120));
          return [`${root.scrollWidth} px wide in a window of ${root.clientWidth}`, ...names];
        }"""
    )
    return found
