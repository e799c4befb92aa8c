"""Which language a browser gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.i18n import best_language

OFFERED = ["en", "fr", "ar-XB"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.5", "fr"),
        ("en;q=0.5,fr", "fr"),
        ("de,fr;q=0.2,en;q=0.1", "fr"),
        ("de", "en"),
        ("", "en"),
        ("fr;q=0", "en"),
        ("fr;q=nonsense,*", "en"),
        ("ar", "en"),
        ("ar-xb", "ar-XB"),
    ],
)
def test_header_picks_what_is_liked_best(header: str, expected: str) -> None:
    assert best_language(header, OFFERED) == expected


def test_whole_tags_win_over_their_language() -> None:
    assert best_language("fr-CA", ["fr-FR", "fr-CA"]) == "fr-CA"
    assert best_language("fr-BE", ["en-GB", "fr-FR", "fr-CA"]) == "fr-FR"


@given(st.text())
def test_any_header_gets_an_offered_language(header: str) -> None:
    assert best_language(header, OFFERED) in OFFERED
