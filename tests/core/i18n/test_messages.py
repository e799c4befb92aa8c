"""Messages in the reader's language: now, lazily, in plurals and across threads."""

import copy
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from pydantic import BaseModel, Field, ValidationError

from core import settings
from core.i18n import (
    CatalogueError,
    _,
    _l,
    add_catalogue,
    catalogues,
    direction,
    is_known,
    language,
    locale_tag,
    ngettext,
    offered_languages,
    pgettext,
    set_language,
    use_language,
    whole_tag,
)
from core.settings import Settings

FRENCH = r"""
msgid ""
msgstr ""
"Language: fr\n"
"Content-Type: text/plain; charset=utf-8\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\n"

msgid "i18n test: hello %(name)s"
msgstr "essai : bonjour %(name)s"

msgid "i18n test: %(num)d photo"
msgid_plural "i18n test: %(num)d photos"
msgstr[0] "essai : %(num)d photo"
msgstr[1] "essai : %(num)d photos"

msgctxt "verb"
msgid "i18n test: book"
msgstr "essai : réserver"

msgid "i18n test: 100 % sure"
msgstr "essai : sûr à 100 %"
"""


def write_po(directory: Path, text: str = FRENCH) -> Path:
    po = directory / "fr" / "LC_MESSAGES" / "messages.po"
    po.parent.mkdir(parents=True)
    po.write_text(text.lstrip(), encoding="utf-8")
    return directory


@pytest.fixture(autouse=True)
def catalogues_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test adds is gone after it."""
    monkeypatch.setattr(catalogues, "_sources", list(catalogues._sources))
    monkeypatch.setattr(catalogues, "_merged", {})


@pytest.fixture
def french(tmp_path: Path) -> None:
    add_catalogue(write_po(tmp_path / "translations"))


def test_english_is_the_source_and_needs_no_catalogue() -> None:
    with use_language("en-GB"):
        assert _("i18n test: hello %(name)s", name="Ada") == "i18n test: hello Ada"
        assert _("") == ""


@pytest.mark.usefixtures("french")
def test_message_follows_the_language_of_the_context() -> None:
    with use_language("fr-FR"):
        assert _("i18n test: hello %(name)s", name="Ada") == "essai : bonjour Ada"
        with use_language("en"):
            assert _("i18n test: hello %(name)s", name="Ada") == "i18n test: hello Ada"
        assert language() == "fr"
    assert language() == "en"


@pytest.mark.usefixtures("french")
def test_per_cent_sign_is_plain_text_when_no_values_are_given() -> None:
    with use_language("fr"):
        assert _("i18n test: 100 % sure") == "essai : sûr à 100 %"


@pytest.mark.usefixtures("french")
@pytest.mark.parametrize(("n", "text"), [(0, "0 photo"), (1, "1 photo"), (2, "2 photos")])
def test_plural_follows_the_rule_of_the_language(n: int, text: str) -> None:
    with use_language("fr"):  # zero is singular in French and plural in English
        assert ngettext("i18n test: %(num)d photo", "i18n test: %(num)d photos", n) == f"essai : {text}"
    with use_language("en"):
        expected = "1 photo" if n == 1 else f"{n} photos"
        assert (
            ngettext("i18n test: %(num)d photo", "i18n test: %(num)d photos", n) == f"i18n test: {expected}"
        )


@pytest.mark.usefixtures("french")
def test_context_tells_two_meanings_apart() -> None:
    with use_language("fr"):
        assert pgettext("verb", "i18n test: book") == "essai : réserver"
        assert pgettext("noun", "i18n test: book") == "i18n test: book"


@pytest.mark.usefixtures("french")
def test_two_people_at_the_same_time_read_each_their_own_language() -> None:
    together = Barrier(2)

    def read(tag: str) -> str:
        set_language(tag)
        together.wait(timeout=10)
        return _("i18n test: hello %(name)s", name=tag)

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(read, ["fr-FR", "en-GB"]))
    assert said == ["essai : bonjour fr-FR", "i18n test: hello en-GB"]


@pytest.mark.parametrize(
    ("tag", "code", "whole", "runs"),
    [
        ("en", "en", "en-GB", "ltr"),
        ("fr_fr", "fr", "fr-FR", "ltr"),
        ("fr-CA", "fr", "fr-CA", "ltr"),
        ("fr-ZZ", "fr", "fr-FR", "ltr"),
        ("tlh", "en", "en-GB", "ltr"),
        ("", "en", "en-GB", "ltr"),
        ("en-xa", "en-XA", "en-XA", "ltr"),
        ("ar-XB", "ar-XB", "ar-XB", "rtl"),
    ],
)
def test_tag_resolves_to_catalogue_formats_and_direction(tag: str, code: str, whole: str, runs: str) -> None:
    with use_language(tag):
        assert (language(), locale_tag(), direction()) == (code, whole, runs)


def test_pseudo_languages_are_offered_only_when_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_current", Settings(environment="test", languages=("fr", "en")))
    assert list(offered_languages()) == ["fr", "en"]
    assert is_known("fr-CA")
    assert not is_known("en-XA")
    assert not is_known("de")
    monkeypatch.setattr(settings, "_current", Settings(environment="test", pseudo_locales=True))
    assert list(offered_languages()) == ["en", "fr", "en-XA", "ar-XB"]
    assert is_known("ar-XB")


@pytest.mark.usefixtures("french")
class TestLazy:
    def test_is_translated_when_it_is_read(self) -> None:
        text = _l("i18n test: hello %(name)s", name="Ada")
        assert str(text) == "i18n test: hello Ada"
        with use_language("fr"):
            assert str(text) == "essai : bonjour Ada"
            assert f"{text}!" == "essai : bonjour Ada!"
            assert "<" + text + ">" == "<essai : bonjour Ada>"
            assert text.upper() == "ESSAI : BONJOUR ADA"
            assert _l("i18n test: hello %(name)s") % {"name": "Bo"} == "essai : bonjour Bo"

    def test_html_is_escaped(self) -> None:
        assert _l("a < b").__html__() == "a &lt; b"

    def test_keeps_its_place_in_a_dict_when_the_language_changes(self) -> None:
        shelf = {_l("i18n test: hello %(name)s", name="Ada"): 1}
        with use_language("fr"):
            assert shelf[_l("i18n test: hello %(name)s", name="Ada")] == 1
            assert _l("i18n test: hello %(name)s", name="Ada") == "essai : bonjour Ada"
        assert _l("i18n test: hello %(name)s", name="Ada") != _l("i18n test: hello %(name)s", name="Bo")

    def test_survives_pickling_and_copying_with_its_language_open(self) -> None:
        text = _l("i18n test: hello %(name)s", name="Ada")
        for again in (pickle.loads(pickle.dumps(text)), copy.deepcopy(text)):
            with use_language("fr"):
                assert str(again) == "essai : bonjour Ada"

    def test_json_takes_its_text_and_refuses_to_guess(self) -> None:
        text = _l("i18n test: hello %(name)s", name="Ada")
        with use_language("fr"):
            assert json.loads(json.dumps({"title": text}, default=str)) == {"title": "essai : bonjour Ada"}
            with pytest.raises(TypeError):
                json.dumps(text)
            with pytest.raises(TypeError):
                ", ".join([text])

    def test_pydantic_title_speaks_the_readers_language(self) -> None:
        class Form(BaseModel):
            days: int = Field(7, title=_l("i18n test: hello %(name)s", name="Ada"), ge=1)

        with use_language("fr"):
            assert str(Form.model_fields["days"].title) == "essai : bonjour Ada"
            schema = json.loads(json.dumps(Form.model_json_schema(), default=str))
            assert schema["properties"]["days"]["title"] == "essai : bonjour Ada"
        with pytest.raises(ValidationError):
            Form(days=0)


class TestCatalogues:
    def test_first_catalogue_that_says_a_message_is_heard(self, tmp_path: Path) -> None:
        add_catalogue(write_po(tmp_path / "first"))
        add_catalogue(write_po(tmp_path / "second", FRENCH.replace("essai :", "autre :")))
        with use_language("fr"):
            assert _("i18n test: hello %(name)s", name="Ada") == "essai : bonjour Ada"

    def test_adding_a_plugin_later_adds_its_messages(self, tmp_path: Path) -> None:
        with use_language("fr"):
            assert _("i18n test: hello %(name)s", name="Ada") == "i18n test: hello Ada"
            add_catalogue(write_po(tmp_path / "translations"))
            assert _("i18n test: hello %(name)s", name="Ada") == "essai : bonjour Ada"

    def test_catalogue_is_read_once(self, tmp_path: Path) -> None:
        add_catalogue(write_po(tmp_path / "translations"))
        with use_language("fr"):
            _("i18n test: hello %(name)s", name="Ada")
            (tmp_path / "translations" / "fr" / "LC_MESSAGES" / "messages.po").unlink()
            assert _("i18n test: hello %(name)s", name="Ada") == "essai : bonjour Ada"

    def test_production_names_the_file_that_was_not_compiled(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        production = Settings(environment="test").model_copy(update={"environment": "production"})
        monkeypatch.setattr(settings, "_current", production)
        monkeypatch.setattr(catalogues, "_sources", [write_po(tmp_path / "translations")])
        with use_language("fr"), pytest.raises(CatalogueError, match=r"messages\.mo is missing .*make setup"):
            _("i18n test: hello %(name)s", name="Ada")


@pytest.mark.parametrize(("said", "whole"), [("fr", "fr-FR"), ("en", "en-GB"), ("fr-CA", "fr-CA")])
def test_a_language_without_its_region_gets_one(
    monkeypatch: pytest.MonkeyPatch, said: str, whole: str
) -> None:
    monkeypatch.setattr(settings, "_current", Settings(environment="test"))
    assert whole_tag(said) == whole


@pytest.mark.parametrize("said", ["", "english", "de-DE", "fr-XX", "en-XA", "fr-FR-x"])
def test_a_language_that_nobody_reads_here_is_refused(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setattr(settings, "_current", Settings(environment="test"))
    with pytest.raises(ValueError, match="no language here"):
        whole_tag(said)
