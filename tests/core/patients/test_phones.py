"""Phone numbers in the United Kingdom and in France."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.patients import InvalidPhone, phones


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("07700 900123", "GB", "+447700900123"),
        ("07911 123456", "GB", "+447911123456"),
        ("+44 (0)7911 123456", "GB", "+447911123456"),
        ("0044 7911 123456", "GB", "+447911123456"),
        ("+33 6 12 34 56 78", "GB", "+33612345678"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("06.12.34.56.78", "FR", "+33612345678"),
        ("06 39 98 01 23", "FR", "+33639980123"),
        ("07 56 78 90 12", "FR", "+33756789012"),
        ("+44 7911 123456", "FR", "+447911123456"),
    ],
)
def test_mobiles_are_kept_as_e164(text: str, country: str, e164: str) -> None:
    assert phones.parse_mobile(text, country) == e164


@pytest.mark.parametrize(
    ("text", "country"),
    [("020 7946 0018", "GB"), ("01632 960123", "GB"), ("01 99 00 12 34", "FR"), ("01 42 68 53 00", "FR")],
)
def test_a_landline_is_a_phone_and_takes_no_texts(text: str, country: str) -> None:
    assert phones.parse_phone(text, country).startswith("+44" if country == "GB" else "+33")
    with pytest.raises(InvalidPhone, match="cannot receive texts"):
        phones.parse_mobile(text, country)


@pytest.mark.parametrize(
    ("text", "country", "words"),
    [
        ("", "GB", "not a phone number"),
        ("call me", "GB", "not a phone number"),
        ("07700 900", "GB", "Check it"),
        ("07700 900123 456789", "GB", "too long"),
        ("0612", "FR", "too short"),
        ("+999 123456", "GB", "country code"),
        ("00000000000", "GB", "Check it"),
        ("1" * 60, "GB", "not a phone number"),
        ("0800 FLOWERS", "GB", "not a phone number"),
        ("📞0770", "GB", "too short"),
    ],
)
def test_nonsense_is_refused_with_what_to_do(text: str, country: str, words: str) -> None:
    with pytest.raises(InvalidPhone, match=words):
        phones.parse_phone(text, country)


@given(st.text(max_size=60), st.sampled_from(["GB", "FR"]))
def test_no_text_breaks_it(text: str, country: str) -> None:
    try:
        e164 = phones.parse_phone(text, country)
    except InvalidPhone:
        return
    assert phones.parse_phone(e164, country) == e164


@pytest.mark.parametrize(
    ("e164", "country", "shown"),
    [
        ("+447700900123", "GB", "07700 900123"),
        ("+447700900123", "FR", "+44 7700 900123"),
        ("+33639980123", "FR", "06 39 98 01 23"),
        ("not a number", "GB", "not a number"),
    ],
)
def test_numbers_are_shown_as_people_here_write_them(e164: str, country: str, shown: str) -> None:
    assert phones.national(e164, country) == shown


@given(st.integers(0, 999), st.sampled_from(["GB", "FR"]))
def test_what_is_shown_can_be_typed_again(last: int, country: str) -> None:
    e164 = f"+447700900{last:03}" if country == "GB" else f"+336399801{last % 100:02}"
    assert phones.parse_mobile(phones.national(e164, country), country) == e164
