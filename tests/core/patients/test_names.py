"""Names: what is kept, what is found, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.patients import InvalidName, InvalidValue, ins, names


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Élodie", "elodie"), ("O’Brien-Lefèvre", "obrien lefevre"), ("  Jean   Pierre ", "jean pierre"),
        ("Œuvrard", "oeuvrard"),
        ("Sørensen", "sorensen"), ("Łukasz", "lukasz"), ("Strauß", "strauss"), ("İpek", "ipek"), ("Nguyễn", "nguyen"),
        ("Ўладзімір", "уладзімір"), ("d'Angelo", "dangelo"),
    ],
)  # fmt: skip
def test_accents_case_and_apostrophes_do_not_matter(text: str, plain: str) -> None:
    assert names.normalise(text) == plain


@given(st.text(max_size=80))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = names.normalise(text)
    assert names.normalise(once) == once
    assert once == " ".join(once.split())


def test_a_double_name_is_found_by_its_parts_and_as_one() -> None:
    assert names.search_words("Jean-Pierre", "O'Brien") == {"jean", "pierre", "jeanpierre", "obrien", "brien"}


def test_a_kept_name_is_one_line_of_visible_characters() -> None:
    assert names.clean_name(" Zoe\u0308 \u202e\u0000\tMartin\n") == "Zoë Martin"
    assert names.clean_name("می\u200cخواهم") == "می\u200cخواهم"


@pytest.mark.parametrize("text", ["", "   ", "\u202e", "123", "!!!", "x" * 101, "😀"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        names.clean_name(text)


@pytest.mark.parametrize(
    ("given_names", "family", "letters"),
    [("Zoë", "O’Brien", "ZO"), ("élodie", "de la Tour", "ÉD"), ("李", "明", "李明")],
)
def test_initials(given_names: str, family: str, letters: str) -> None:
    assert names.initials(given_names, family) == letters


@given(st.integers(0, 9_999_999))
def test_an_ins_number_needs_its_key(number: int) -> None:
    first = 1_800_375_000_000 + number % 999_999 + 1
    key = 97 - first % 97
    for other in range(1, 98):
        if other == key:
            assert ins.parse(f"{first}{other:02}") == f"{first}{other:02}"
        else:
            with pytest.raises(InvalidValue):
                ins.parse(f"{first}{other:02}")


@pytest.mark.parametrize(
    "text", ["1 80 03 2A 116 001 " + f"{97 - 1800319116001 % 97:02}", "2 55 08 14 168 025 38"]
)
def test_corsica_and_the_printed_form_are_read(text: str) -> None:
    assert ins.formatted(ins.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "255081416802",
        "255081416802539",
        "2550814168025 38 99",
        "ABCDEFGHIJKLMNO",
        "２５５０８１４１６８０２５３８",
    ],
)
def test_other_ins_numbers_are_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        ins.parse(text)
