"""A plugin's settings model as a form, there and back."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, SecretStr, ValidationError, field_validator
from werkzeug.datastructures import MultiDict

from core.admin import settings_form
from core.i18n import use_language


class Tone(Enum):
    CALM = "calm"
    BRISK = "brisk"


class Sample(BaseModel):
    confirm: bool = True
    most: int = Field(10, ge=1, le=20, title="Photos", description="How many.")
    days: int | None = Field(None, ge=1)
    rate: float = Field(0.5, gt=0, lt=1)
    price: Decimal = Field(Decimal("25.00"), decimal_places=2, json_schema_extra={"unit": "EUR"})
    way: Literal["sms", "email", "post"] = "sms"
    ways: tuple[Literal["sms", "email"], ...] = ("sms",)
    tone: Annotated[Tone, "how it sounds"] = Field(
        Tone.CALM, json_schema_extra={"options": {"calm": "Gently"}}
    )
    words: list[str] = Field(default_factory=list, max_length=3)
    greeting: str = Field("", max_length=40)
    guidance: str = Field("", max_length=1000)
    key: SecretStr = SecretStr("")

    @field_validator("greeting")
    @classmethod
    def _no_shouting(cls, value: str) -> str:
        if value and value.isupper():
            raise ValueError("Do not shout.")
        return value


def field(name: str, settings: Sample | None = None, **changes: Any) -> settings_form.FormField:
    shown = settings_form.fields(Sample, settings or Sample(**changes))
    return next(item for item in shown if item.name == name)


def sent(**changes: Any) -> MultiDict[str, str]:
    """What a browser sends for the form as it stands, with some fields changed; None leaves one out."""
    form: MultiDict[str, str] = MultiDict()
    for item in settings_form.fields(Sample, Sample()):
        value = changes.get(item.name, item.value)
        if isinstance(value, list):
            form.setlist(item.name, value)
        elif value is True:
            form[item.name] = "1"
        elif value not in (False, None):
            form[item.name] = value
    return form


def read(**changes: Any) -> Sample:
    return Sample.model_validate(settings_form.read(Sample, sent(**changes), Sample(key=SecretStr("old"))))


def wrong(**changes: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        read(**changes)
    return settings_form.errors_by_field(Sample, caught.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("confirm", "switch"),
        ("most", "number"),
        ("days", "number"),
        ("rate", "number"),
        ("price", "number"),
        ("way", "choice"),
        ("ways", "choices"),
        ("tone", "choice"),
        ("words", "lines"),
        ("greeting", "text"),
        ("guidance", "long"),
        ("key", "secret"),
    ],
)
def test_kind_follows_the_annotation(name: str, kind: str) -> None:
    assert field(name).kind == kind


def test_a_field_has_its_words_limits_and_unit() -> None:
    most = field("most")
    assert (most.label, most.help) == ("Photos", "How many.")
    assert most.attributes == {"min": "1", "max": "20", "step": "1"}
    assert field("rate").attributes["step"] == "any"
    assert field("price").unit == "EUR"
    assert field("greeting").attributes == {"maxlength": "40"}


def test_choices_are_worded_by_the_plugin_then_by_us() -> None:
    assert field("way").options == [("sms", "Text message"), ("email", "E-mail"), ("post", "Post")]
    assert field("tone").options == [("calm", "Gently"), ("brisk", "Brisk")]


def test_the_form_as_it_stands_says_what_the_settings_say() -> None:
    assert read() == Sample(key=SecretStr("old"))


def test_what_is_sent_arrives() -> None:
    got = read(
        confirm=False, most="7", days="3", rate="0,25", price="12.50", way="email", ways=[], tone="brisk",
        words=" one \r\n\r\ntwo ", greeting="Hello", guidance="a\r\nb", key="new",
    )  # fmt: skip
    assert got == Sample(
        confirm=False, most=7, days=3, rate=0.25, price=Decimal("12.50"), way="email", ways=(), tone=Tone.BRISK,
        words=["one", "two"], greeting="Hello", guidance="a\nb", key=SecretStr("new"),
    )  # fmt: skip


def test_a_secret_is_never_shown_and_an_empty_one_is_kept() -> None:
    assert field("key", Sample(key=SecretStr("hush"))).value == ""
    assert read(key="").key.get_secret_value() == "old"


def test_a_typed_secret_is_not_given_back() -> None:
    shown = settings_form.fields(Sample, Sample(), MultiDict({"key": "hush", "most": "99"}))
    values = {item.name: item.value for item in shown}
    assert values["key"] == ""
    assert values["most"] == "99"


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({"most": "99"}, {"most": "Enter 20 or less."}),
        ({"most": "0"}, {"most": "Enter 1 or more."}),
        ({"most": "many"}, {"most": "Enter a whole number."}),
        ({"most": ""}, {"most": "Enter a whole number."}),
        ({"most": "1.5"}, {"most": "Enter a whole number."}),
        ({"rate": "x"}, {"rate": "Enter a number."}),
        ({"rate": "nan"}, {"rate": "Enter a number below 1."}),
        ({"rate": "1"}, {"rate": "Enter a number below 1."}),
        ({"price": "1.234"}, {"price": "Use at most 2 decimal places."}),
        ({"way": "pigeon"}, {"way": "Choose one of the answers."}),
        ({"ways": ["pigeon"]}, {"ways": "Choose one of the answers."}),
        ({"tone": "loud"}, {"tone": "Choose one of the answers."}),
        ({"words": "a\nb\nc\nd"}, {"words": "At most 3 are allowed."}),
        ({"greeting": "x" * 41}, {"greeting": "This is too long: 40 characters are allowed."}),
        ({"greeting": "HELLO"}, {"greeting": "Do not shout."}),
        ({"most": "99", "way": "x"}, {"most": "Enter 20 or less.", "way": "Choose one of the answers."}),
    ],
)
def test_wrong_values_are_told_in_plain_words(changes: dict[str, Any], sentences: dict[str, str]) -> None:
    with use_language("en-GB"):
        assert wrong(**changes) == sentences


@given(st.text(), st.text(), st.text())
def test_whatever_is_typed_is_read_or_refused_and_never_a_fault(most: str, rate: str, words: str) -> None:
    form = sent()
    form["most"], form["rate"], form["words"] = most, rate, words
    try:
        Sample.model_validate(settings_form.read(Sample, form, Sample()))
    except ValidationError as error:
        told = settings_form.errors_by_field(Sample, error)
        assert told.keys() <= {"most", "rate", "words"}
        assert all(told.values())
