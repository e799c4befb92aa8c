"""Counting text messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.notifications.sms import GSM7_BASIC, GSM7_EXTENSION, encoding_of, measure, outside_gsm7

gsm = st.text(st.sampled_from(sorted(GSM7_BASIC | GSM7_EXTENSION)), max_size=700)
plain = st.text(st.sampled_from(sorted(GSM7_BASIC)), max_size=700)
anything = st.text(max_size=400)


def test_the_basic_table_has_its_127_printable_places() -> None:
    assert len(GSM7_BASIC) == 127  # 128 places, one of them the escape
    assert sorted(GSM7_EXTENSION) == sorted("^{}\\[~]|€\f")


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("ç", "UCS-2", 1, 1),
        ("ç" * 70, "UCS-2", 70, 1),
        ("ç" * 71, "UCS-2", 71, 2),
        ("ç" * 134, "UCS-2", 134, 2),
        ("ç" * 135, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
    ],
)
def test_known_sizes(text: str, encoding: str, units: int, segments: int) -> None:
    assert measure(text) == (encoding, units, segments)


def test_an_escape_pair_is_not_torn_apart() -> None:
    # 152 + 2: the euro sign does not fit in what is left of the first segment's 153, so 9 are pushed on.
    torn = "a" * 152 + "€" + "a" * 151
    assert measure(torn).units == 305
    assert measure(torn).segments == 2
    assert measure(torn + "a").units == 306
    assert measure(torn + "a").segments == 3


def test_a_surrogate_pair_is_not_torn_apart() -> None:
    assert measure("ç" * 66 + "😀" + "ç" * 65).segments == 2
    assert measure("ç" * 66 + "😀" + "ç" * 66).segments == 3  # 134 units, which would be 2 if it were torn


@pytest.mark.parametrize("character", "âçêëîïôœûÿ«»’")
def test_french_characters_outside_gsm7(character: str) -> None:
    assert encoding_of(f"re{character}u") == "UCS-2"


@pytest.mark.parametrize("character", "éèàùÉÇ")
def test_french_characters_inside_gsm7(character: str) -> None:
    assert encoding_of(character) == "GSM-7"


def test_recu_makes_it_ucs2_and_says_why() -> None:
    text = "Vos photos ont été reçues. Elles sont à l’abri."
    assert measure(text).encoding == "UCS-2"
    assert outside_gsm7(text) == ["ç", "’"]


@given(plain)
def test_plain_text_packs_without_gaps(text: str) -> None:
    expected = 0 if not text else 1 if len(text) <= 160 else -(-len(text) // 153)
    assert measure(text).segments == expected


@given(gsm)
def test_gsm7_counts_the_extension_double(text: str) -> None:
    size = measure(text)
    assert size.encoding == "GSM-7"
    assert size.units == len(text) + sum(c in GSM7_EXTENSION for c in text)


@given(anything.map(lambda text: "ç" + text))
def test_ucs2_counts_utf16_units(text: str) -> None:
    assert measure(text).units == len(text.encode("utf-16-le", "surrogatepass")) // 2


@given(anything, st.characters())
def test_a_longer_text_never_takes_fewer_segments(text: str, more: str) -> None:
    before, after = measure(text), measure(text + more)
    assert after.segments >= before.segments
    assert after.units > 0


@given(anything)
def test_segments_hold_all_units_and_waste_at_most_one_each(text: str) -> None:
    size = measure(text)
    single, room = (160, 153) if size.encoding == "GSM-7" else (70, 67)
    if size.units <= single:
        assert size.segments == (1 if text else 0)
    else:
        assert (size.segments - 1) * (room - 1) < size.units <= size.segments * room
