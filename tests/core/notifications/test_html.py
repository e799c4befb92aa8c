"""The HTML of an e-mail."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.i18n import use_language
from core.notifications.html import html_of, ink_on
from core.tenancy import Practice


def practice(**changes: object) -> Practice:
    made = Practice(
        slug="r",
        name="Riverside <Surgery>",
        address="1 River Road\nReading",
        phone="+441184960000",
        country="GB",
    )
    made.profile = dict(changes)
    return made


class Reader(HTMLParser):
    """What a mail client would make of it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            if name == "href":
                self.links.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words += data


TAGS = {"html", "head", "meta", "title", "style", "body", "table", "tr", "td", "p", "a", "br"}


def test_a_link_on_its_own_line_becomes_a_button_with_the_address_beneath() -> None:
    page = html_of(
        "Hello\n\nhttps://x.example/l/abc\n\nBye", title="T", practice=practice(), action="Send photos"
    )
    read = Reader(page)
    assert read.links == ["https://x.example/l/abc"] * 2
    assert "Send photos" in read.words
    assert "copy this address" in read.words
    assert "1 River Road" in read.words
    assert "0118 496 0000" in read.words


def test_a_link_within_a_line_stays_in_its_sentence() -> None:
    read = Reader(html_of("See https://x.example/a, please.", title="T", practice=practice()))
    assert read.links == ["https://x.example/a"]
    assert "See https://x.example/a, please." in read.words


def test_nothing_that_a_person_wrote_becomes_html() -> None:
    page = html_of('<img src=x onerror=alert(1)> & "q" {colour}', title="<b>", practice=practice())
    assert set(Reader(page).tags) <= TAGS
    assert "<img" not in page
    assert '<img src=x onerror=alert(1)> & "q" {colour}' in Reader(page).words


@given(st.text(max_size=300))
def test_no_text_breaks_out(text: str) -> None:
    assert set(Reader(html_of(text, title=text, practice=practice())).tags) <= TAGS


def test_language_and_direction_are_said() -> None:
    with use_language("fr-FR"):
        assert '<html lang="fr-FR" dir="ltr">' in html_of("x", title="T", practice=practice())
    with use_language("ar-XB"):
        page = html_of("x", title="T", practice=practice())
    assert 'dir="rtl"' in page
    assert 'align="right"' in page


def test_nothing_is_fetched() -> None:
    page = html_of("https://x.example/", title="T", practice=practice())
    assert "src=" not in page
    assert "url(" not in page
    assert "prefers-color-scheme:dark" in page


@pytest.mark.parametrize("bad", ["red", "#12345", "#123456;}body{display:none", None, 7])
def test_a_colour_that_is_none_is_not_used(bad: object) -> None:
    assert "#0d5f5a" in html_of("https://x.example/", title="T", practice=practice(colour=bad))


@given(st.integers(0, 0xFFFFFF))
def test_the_buttons_words_have_enough_contrast(colour: int) -> None:
    text = f"#{colour:06x}"

    def luminance(of: str) -> float:
        parts = [int(of[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(text), luminance(ink_on(text))), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5
