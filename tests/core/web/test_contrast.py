"""Contrast as WCAG 2.2 computes it, from the colour tokens of both shells, in light and dark.

A stylesheet names its pairs itself: ``/* contrast 4.5: ink/canvas ... */``.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.web.assets import STATIC

TOKEN = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
PAIRS = re.compile(r"/\* contrast ([\d.]+): (.*?)\*/", re.DOTALL)
SHEETS = ("staff.css", "patient.css")


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_measure_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("sheet", SHEETS)
@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_named_pairs_have_enough_contrast(sheet: str, theme: int) -> None:
    css = Path(STATIC / "css" / sheet).read_text()
    tokens = {name: (light, dark)[theme] for name, light, dark in TOKEN.findall(css)}
    found = [
        (float(ratio), *pair.split("/")) for ratio, pairs in PAIRS.findall(css) for pair in pairs.split()
    ]
    assert len(found) > 20
    weak = {
        f"{front} on {back}": round(contrast(tokens[front], tokens[back]), 2)
        for ratio, front, back in found
        if contrast(tokens[front], tokens[back]) < ratio
    }
    assert weak == {}


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_text_colour_is_in_a_pair(sheet: str) -> None:
    """A colour that is used for text and in no pair would escape the measure."""
    css = Path(STATIC / "css" / sheet).read_text()
    if sheet == "staff.css":
        css += Path(STATIC / "css" / "parts.css").read_text()
    used = set(re.findall(r"[; {]color: var\(--([a-z-]+)\)", css))
    measured = {front for _ratio, pairs in PAIRS.findall(css) for front in re.findall(r"([a-z-]+)/", pairs)}
    # Set by a variant to a measured colour: a button's text, a state's tone; patient.css names its page "page".
    assert used - measured - {"fg", "tone", "page"} == set()
