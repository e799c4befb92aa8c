"""Is everything on a page French? Compares what a person can read or hear with the English sources of the catalogues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
# Words that no French sentence has, for what was never put into a catalogue.
_ENGLISH = re.compile(
    r"\b(?:the|and|of|your|with|this|please|from|have|are|not|will|been|which|was|they|you)\b", re.I
)
_PLACE = re.compile(r"%\(\w+\)[sd]|\{\w+\}")

_STRINGS = """() => {
  const found = [];
  const add = (text) => { const said = (text ?? "").replace(/\\s+/g, " ").trim(); if (said) found.push(said); };
  const inFrench = (element) => (element.closest("[lang]")?.getAttribute("lang") ?? "").startsWith("fr");
  const walk = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const parent = node.parentElement;
    if (!parent || ["SCRIPT", "STYLE"].includes(parent.tagName) || parent.closest("[data-own-words]") || !inFrench(parent)) continue;
    add(node.textContent);
  }
  for (const name of ["aria-label", "title", "placeholder", "alt", "data-connected", "data-disconnected", "data-words"]) {
    for (const element of document.querySelectorAll(`[${name}]`)) if (inFrench(element)) add(element.getAttribute(name));
  }
  for (const island of document.querySelectorAll("script[type='application/json']")) {
    for (const word of Object.values(JSON.parse(island.textContent))) if (typeof word === "string") add(word);
  }
  return found;
}"""


def english_on(page: Page) -> list[str]:
    """What a reader meets on this page that is English: whole strings, each once."""
    language = page.evaluate("document.documentElement.lang")
    assert language.startswith("fr"), f"{page.url} says that it is in {language}"
    return sorted({text for text in page.evaluate(_STRINGS) if is_english(text)})


def is_english(text: str) -> bool:
    """Is this an English message of the catalogues, or does it have words that French has not?"""
    return bool(_ENGLISH.search(text)) or any(source.fullmatch(text) for source in _sources())


@cache
def _sources() -> list[re.Pattern[str]]:
    """The English messages whose French differs, with anything in the place of their variables.

    Without those that would take French for English because they are hardly more than their variables.
    """
    french = {" ".join(text.split()) for text in _french()}
    sources = [re.compile(_pattern(english)) for english in sorted(_english() - _french())]
    return [source for source in sources if not any(source.fullmatch(text) for text in french)]


def _pattern(message: str) -> str:
    parts = _PLACE.split(" ".join(message.split()))
    return ".+?".join(re.escape(part) for part in parts)


def _english() -> set[str]:
    return {text for message, _translation in _messages() for text in message}


def _french() -> set[str]:
    return {text for _message, translation in _messages() for text in translation}


def _messages() -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    catalogues = [ROOT / "translations", *sorted((ROOT / "plugins").glob("*/translations"))]
    for folder in catalogues:
        with (folder / "fr" / "LC_MESSAGES" / "messages.po").open("rb") as file:
            for message in read_po(file, locale="fr"):
                if message.id:
                    yield _forms(message.id), _forms(message.string)


def _forms(text: str | tuple[str, ...]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)
