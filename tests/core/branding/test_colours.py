"""Any colour becomes one that can be read, in light and dark, on both shells' grounds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.branding import colours
from core.web.assets import STATIC

COLOURS = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


@given(COLOURS)
def test_text_in_it_and_on_it_can_be_read(colour: str) -> None:
    made = colours.palette(colour)
    for scheme, grounds in ((made.light, colours.LIGHT_GROUNDS), (made.dark, colours.DARK_GROUNDS)):
        lowest = min(colours.contrast(scheme.brand, ground) for ground in (*grounds, scheme.tint))
        assert lowest >= 4.5
        assert scheme.ratio == pytest.approx(lowest, abs=0.051)
        assert colours.contrast(scheme.on_brand, scheme.brand) >= 4.5
        assert colours.contrast(scheme.on_brand, scheme.strong) >= 4.5
        assert colours.contrast({made.light: "#13211f"}.get(scheme, "#e6edeb"), scheme.tint) >= 4.5
        assert scheme.changed == (scheme.brand != colour)


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert colours.palette("#0d5f5a").light.brand == "#0d5f5a"
    assert not colours.palette("#63cabe").dark.changed


def test_the_hue_stays() -> None:
    yellow = colours.palette("#ffd400")
    red, green, blue = (int(yellow.light.brand[i : i + 2], 16) for i in (1, 3, 5))
    assert red > green > blue


@pytest.mark.parametrize("text", ["", "0d5f5a", "#0D5F5A", "#0d5", "#0d5f5a;}", "red"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no colour"):
        colours.palette(text)


def test_the_grounds_are_those_of_the_shells() -> None:
    """Whoever changes a token of a stylesheet changes it here, too."""
    pairs = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
    for sheet, names in (("staff", ("canvas", "surface", "hover")), ("patient", ("page", "surface", "sunk"))):
        css = (STATIC / "css" / f"{sheet}.css").read_text()
        tokens = {name: (light, dark) for name, light, dark in pairs.findall(css)}
        for name in names:
            light, dark = tokens[name]
            assert light in colours.LIGHT_GROUNDS
            assert dark in colours.DARK_GROUNDS
