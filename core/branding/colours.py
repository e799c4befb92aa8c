"""A practice's colour, made into the tokens of both shells so that everything stays readable.

Any colour may be chosen. In light pages it is darkened, in dark ones lightened, in steps and no further than needed,
until text in it, text on it and its tints have a contrast of 4.5 as WCAG 2.2 computes it.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

ENOUGH: Final = 4.5
_COLOUR = re.compile(r"#[0-9a-f]{6}")
# The grounds that text in the colour stands on, in the staff's and the patients' pages: the tokens canvas, page,
# surface, hover and sunk of css/staff.css and css/patient.css.
LIGHT_GROUNDS: Final = ("#f2f5f3", "#fbfcfa", "#ffffff", "#e7edea", "#eff4f1")
DARK_GROUNDS: Final = ("#0e1514", "#0f1615", "#161f1e", "#182220", "#202c2a", "#1d2927")
_INK: Final = {"light": "#13211f", "dark": "#e6edeb"}
_SURFACE: Final = {"light": "#ffffff", "dark": "#161f1e"}
_TINT: Final = {"light": 0.12, "dark": 0.2}


@dataclass(frozen=True, slots=True)
class Scheme:
    """The colour in light or in dark. ratio: the lowest contrast of text in it; changed: it had to be."""

    brand: str
    strong: str
    on_brand: str
    tint: str
    ratio: float
    changed: bool


@dataclass(frozen=True, slots=True)
class Palette:
    """What a chosen colour becomes."""

    chosen: str
    light: Scheme
    dark: Scheme

    def css(self) -> str:
        """The tokens, in the place of those of both shells."""
        pairs = (
            ("brand", self.light.brand, self.dark.brand),
            ("brand-strong", self.light.strong, self.dark.strong),
            ("on-brand", self.light.on_brand, self.dark.on_brand),
            ("brand-tint", self.light.tint, self.dark.tint),
        )
        tokens = "".join(f"--{name}:light-dark({light},{dark});" for name, light, dark in pairs)
        return f":root{{{tokens}}}\n"


def is_colour(text: str) -> bool:
    """ "#0d5f5a": six digits in lower case."""
    return _COLOUR.fullmatch(text) is not None


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it: 0 is black, 1 is white."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def palette(colour: str) -> Palette:
    """The tokens for a colour ("#0d5f5a"). Raises ValueError for what is none."""
    if not is_colour(colour):
        raise ValueError(f"{colour!r} is no colour")
    return Palette(colour, _scheme(colour, "light", LIGHT_GROUNDS), _scheme(colour, "dark", DARK_GROUNDS))


def _scheme(colour: str, name: str, grounds: tuple[str, ...]) -> Scheme:
    for brand in _towards(colour, "black" if name == "light" else "white"):
        tint = _mixed(brand, _SURFACE[name], _TINT[name])
        on_brand = _on(brand)
        ratio = min(contrast(brand, ground) for ground in (*grounds, tint))
        if ratio >= ENOUGH and contrast(on_brand, brand) >= ENOUGH and contrast(_INK[name], tint) >= ENOUGH:
            break
    strong = _strong(brand, on_brand, name)
    return Scheme(brand, strong, on_brand, tint, round(ratio, 1), brand != colour)


def _strong(brand: str, on_brand: str, name: str) -> str:
    """A step further from the ground, for what the pointer is on."""
    further = _mixed(brand, "#000000" if name == "light" else "#ffffff", 0.75)
    return further if contrast(further, on_brand) >= ENOUGH else brand


def _on(brand: str) -> str:
    """White or nearly black, whichever reads better on it."""
    return "#ffffff" if contrast("#ffffff", brand) >= contrast("#0b1413", brand) else "#0b1413"


def _towards(colour: str, end: str) -> Iterator[str]:
    """The colour itself, then ever darker (or lighter) ones of the same hue."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    yield colour
    goal = 0.0 if end == "black" else 1.0
    for step in range(1, 101):
        here = lightness + (goal - lightness) * step / 100
        yield _hex(colorsys.hls_to_rgb(hue, here, saturation))


def _mixed(one: str, other: str, share: float) -> str:
    """So much of one, the rest of the other."""
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def _hex(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)
