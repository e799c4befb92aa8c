"""NHS numbers: the check digit, the ranges, and what people type around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.patients import InvalidNhsNumber, nhs_number

ISSUED = st.one_of(
    st.integers(400_000_000, 499_999_999),
    st.integers(600_000_000, 799_999_999),
    st.integers(320_000_001, 399_999_999),
    st.integers(999_000_000, 999_999_999),
)


def check_digit(first_nine: int) -> int | None:
    """By the standard's text: None where the number is not to be used."""
    total = sum(
        int(digit) * weight for digit, weight in zip(f"{first_nine:09}", range(10, 1, -1), strict=True)
    )
    digit = 11 - total % 11
    return None if digit == 10 else digit % 11


@given(ISSUED)
def test_only_the_right_check_digit_is_taken(first_nine: int) -> None:
    right = check_digit(first_nine)
    for last in range(10):
        text = f"{first_nine}{last}"
        if last == right and len(set(text)) > 1:
            assert nhs_number.parse(text) == text
        else:
            with pytest.raises(InvalidNhsNumber):
                nhs_number.parse(text)


@given(ISSUED.filter(lambda nine: check_digit(nine) is not None and len(set(str(nine))) > 1))
def test_what_is_printed_can_be_typed(first_nine: int) -> None:
    digits = f"{first_nine}{check_digit(first_nine)}"
    printed = nhs_number.formatted(digits)
    assert [len(group) for group in printed.split()] == [3, 3, 4]
    assert nhs_number.parse(f" {printed} ") == nhs_number.parse(printed.replace(" ", "-")) == digits


@pytest.mark.parametrize("digit", "0123456789")
def test_ten_equal_digits_are_a_placeholder(digit: str) -> None:
    with pytest.raises(InvalidNhsNumber):
        nhs_number.parse(digit * 10)


@given(st.integers(500_000_000, 599_999_999) | st.integers(800_000_000, 899_999_999))
def test_ranges_that_nobody_issues_are_refused(first_nine: int) -> None:
    if (last := check_digit(first_nine)) is not None:
        with pytest.raises(InvalidNhsNumber) as refused:
            nhs_number.parse(f"{first_nine}{last}")
        if len(set(f"{first_nine}{last}")) > 1:
            assert "begins" in refused.value.message


def test_the_test_range_is_taken_and_known_as_such() -> None:
    assert nhs_number.is_test(nhs_number.parse("999 000 0018"))
    assert not nhs_number.is_test(nhs_number.parse("401 023 2137"))


def test_scottish_numbers_begin_with_a_day() -> None:
    assert nhs_number.parse(
        "0101010103" if check_digit(10101010) == 3 else f"010101010{check_digit(10101010)}"
    )
    last = check_digit(491301010)
    assert nhs_number.is_issued(f"491301010{last}")  # England's, whatever day it looks like
    with pytest.raises(InvalidNhsNumber):
        nhs_number.parse(f"001301010{check_digit(1301010)}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "943 476 591",
        "94347659190",
        "９４３４７６５９１９",
        "943476591X",
        "943 476 5918",
        "abc",
        "٩٤٣٤٧٦٥٩١٩",
    ],
)
def test_anything_else_is_refused_with_words(text: str) -> None:
    with pytest.raises(InvalidNhsNumber) as refused:
        nhs_number.parse(text)
    assert refused.value.message.endswith(".")
