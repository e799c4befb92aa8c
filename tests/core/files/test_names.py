"""Names are for the eye: they lead nowhere and hide nothing."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from core.files import names


def test_ordinary_names_stay_as_they_are() -> None:
    for name in ("IMG_2041.jpeg", "photo de l’éruption.heic", "ふくらはぎ.png", "👩‍⚕️ rash.webp", "صورة.jpg"):
        assert names.clean(name) == name


def test_folders_controls_and_direction_marks_are_taken_out() -> None:
    assert names.clean("../../etc/passwd") == "passwd"
    assert names.clean("C:\\Users\\me\\scan.jpg") == "scan.jpg"
    assert names.clean("in\u202egpj.exe") == "ingpj.exe"
    assert names.clean("a\r\nSet-Cookie: b\x00.jpg") == "a Set-Cookie: b.jpg"
    assert names.clean("\u2067 \u200f") == names.clean("") == names.clean(None) == "photo"


def test_two_hundred_characters_become_at_most_120_and_keep_the_ending() -> None:
    cut = names.clean("é" * 200 + ".jpeg")
    assert len(cut) == 120
    assert cut.endswith("….jpeg")


@given(st.text(max_size=300))
def test_any_name_comes_out_safe_and_stays_the_same_the_second_time(name: str) -> None:
    clean = names.clean(name)
    assert 1 <= len(clean) <= 120
    assert "/" not in clean
    assert "\\" not in clean
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in "\u202e\u2066" for c in clean)
    assert names.clean(clean) == clean


@given(st.text(max_size=200))
def test_the_header_carries_the_name_whole_and_nothing_else(name: str) -> None:
    header = names.disposition(name)
    assert header.isascii()
    assert header.isprintable()
    kind, options = parse_options_header(header)
    assert kind == "inline"
    assert options == {"filename": names.clean(name)}


def test_the_ending_follows_the_format() -> None:
    assert names.with_ending("IMG_1.heic", "jpg") == "IMG_1.jpg"
    assert names.with_ending("rash", "jpg") == "rash.jpg"
    assert names.with_ending(".hidden", "jpg") == ".hidden.jpg"
    assert len(names.with_ending("a" * 120, "jpg")) == 120
