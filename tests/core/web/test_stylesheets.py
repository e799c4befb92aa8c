"""What the stylesheets promise: size, nothing from elsewhere, and no left or right."""

from __future__ import annotations

import gzip
import re

import pytest

from core.web.assets import STATIC

OURS = sorted(path.name for path in (STATIC / "css").glob("*.css"))


def test_patient_stylesheet_is_small() -> None:
    assert len(gzip.compress((STATIC / "css" / "patient.css").read_bytes())) < 8_000


@pytest.mark.parametrize("name", OURS)
def test_nothing_comes_from_another_site(name: str) -> None:
    css = (STATIC / "css" / name).read_text()
    assert not re.search(r"url\([\"']?(?:https?:)?//", css)
    assert "@import" not in css


@pytest.mark.parametrize("name", OURS)
def test_directions_are_logical(name: str) -> None:
    """A page turns round for right-to-left by itself: no margin-left, no text-align: right."""
    css = (STATIC / "css" / name).read_text()
    physical = re.findall(
        r"(?:^|[;{\s])((?:margin|padding|border|inset)-(?:left|right)|(?:text-align|float): (?:left|right))",
        css,
    )
    assert physical == []
