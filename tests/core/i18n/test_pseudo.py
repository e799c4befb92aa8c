"""Pseudo-languages change every word and keep whatever a program reads."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.i18n import _, _l, ngettext, use_language
from core.i18n.pseudo import accented, mirrored

KEPT = [
    "%(name)s",
    "%(num)d",
    "%(share).1f",
    "%%",
    "{practice}",
    "{}",
    "<b>",
    "</b>",
    '<a href="/x">',
    "&amp;",
]
SENTENCE = st.lists(
    st.sampled_from([*KEPT, "Send", "photo request", " ", "!", "é", "\n"]), min_size=1, max_size=12
)


@given(SENTENCE)
@pytest.mark.parametrize("pseudo", [accented, mirrored])
def test_placeholders_and_tags_stay_in_order(pseudo: type, pieces: list[str]) -> None:
    message = "".join(pieces)
    found = re.compile("|".join(map(re.escape, KEPT)))
    assert found.findall(pseudo(message)) == found.findall(message)


def test_accented_text_is_bracketed_and_about_a_third_longer() -> None:
    message = "Send a photo request to the patient"
    with use_language("en-XA"):
        said = _(message)
    assert said.startswith("[Šéñð à þĥöţö ŕéqûéšţ")
    assert said.endswith("]")
    assert 1.25 <= len(said) / len(message) <= 1.5


def test_values_are_filled_in_after_the_text_was_changed() -> None:
    with use_language("en-XA"):
        assert "Ada" in _("Hello %(name)s", name="Ada")
        assert "Ada" in str(_l("Hello %(name)s", name="Ada"))
        assert "3 þĥöţöš" in ngettext("%(num)d photo", "%(num)d photos", 3)


def test_mirrored_words_are_overridden_one_by_one_and_closed() -> None:
    with use_language("ar-XB"):
        said = _("Send <b>%(n)s</b> photos", n=3)
    assert said.count("\u202e") == said.count("\u202c") == 2
    assert "<b>3</b>" in said


def test_blank_messages_stay_blank() -> None:
    assert accented(" \n") == " \n"
    assert mirrored("") == ""
