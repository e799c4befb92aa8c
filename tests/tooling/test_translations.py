"""The translations check finds what a reader of another language would stumble over."""

from pathlib import Path

import pytest
from babel.messages.mofile import read_mo

from scripts.tooling import translations
from scripts.tooling.catalogues import sources

PO = "LC_MESSAGES/messages.po"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small repository: a core with a module and a template, and a plugin."""
    files = {
        "core/sign_in.py": "title = _l('Sign in')\ndef hello(name):\n    return _('Hello %(name)s', name=name)\n",
        "core/web/templates/home.html": '<p>{{ _("Welcome") }}</p>{% trans %}\n  Two\n  lines{% endtrans %}',
        "plugins/photos/__init__.py": "a = _l('Sign in')\nb = ngettext('%(num)d photo', '%(num)d photos', 2)\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def translated(tree: Path) -> Path:
    """The same, wholly in French."""
    translations.update(tree)
    edit(tree / "translations/fr" / PO, "Sign in", "Se connecter")
    edit(tree / "translations/fr" / PO, "Hello %(name)s", "Bonjour %(name)s")
    edit(tree / "translations/fr" / PO, "Welcome", "Bienvenue")
    edit(tree / "translations/fr" / PO, "Two lines", "Deux lignes")
    po = tree / "plugins/photos/translations/fr" / PO
    po.write_text(
        po.read_text(encoding="utf-8")
        .replace('msgstr[0] ""', 'msgstr[0] "une photo"')
        .replace('msgstr[1] ""', 'msgstr[1] "%(num)d photos"'),
        encoding="utf-8",
    )
    return tree


def edit(po: Path, message: str, translation: str) -> None:
    """Translate one message, whatever it was translated to before."""
    head, _, tail = po.read_text(encoding="utf-8").partition(f'msgid "{message}"\n')
    assert tail, f"{message} is not in {po}"
    _, _, rest = tail.partition("\n")
    po.write_text(f'{head}msgid "{message}"\nmsgstr "{translation}"\n{rest}', encoding="utf-8")


def test_complete_catalogues_pass(translated: Path) -> None:
    assert translations.check(translated) == []


def test_plugin_does_not_repeat_what_the_core_says(tree: Path) -> None:
    core, plugin = sources(tree)
    assert {m.id for m in core.template() if m.id} == {"Sign in", "Hello %(name)s", "Welcome", "Two lines"}
    assert [m.id for m in plugin.template() if m.id] == [("%(num)d photo", "%(num)d photos")]


def test_tree_without_catalogues_fails(tree: Path) -> None:
    assert translations.check(tree) == [
        "core fr: no catalogue for 4 messages",
        "photos fr: no catalogue for 1 messages",
    ]


def test_message_that_was_never_extracted_is_missing(translated: Path) -> None:
    (translated / "core/new.py").write_text("_('Only in English')\n")
    assert translations.check(translated) == ["core fr: missing: 'Only in English' (core/new.py)"]


@pytest.mark.parametrize(
    ("translation", "problem"),
    [
        ("", "empty"),
        ("Bonjour %(nom)s", "placeholders differ (['%(name)s'] became ['%(nom)s'])"),
        ("Bonjour", "placeholders differ (['%(name)s'] became [])"),
        ("<b>Bonjour</b> %(name)s", "placeholders differ (['%(name)s'] became ['%(name)s', '</b>', '<b>'])"),
    ],
)
def test_bad_translation_is_named(translated: Path, translation: str, problem: str) -> None:
    edit(translated / "translations/fr" / PO, "Hello %(name)s", translation)
    assert translations.check(translated) == [f"core fr: {problem}: 'Hello %(name)s' (core/sign_in.py)"]


def test_fuzzy_translation_counts_as_none(translated: Path) -> None:
    po = translated / "translations/fr" / PO
    po.write_text(po.read_text(encoding="utf-8").replace('msgid "Welcome"', '#, fuzzy\nmsgid "Welcome"'))
    assert translations.check(translated) == ["core fr: fuzzy: 'Welcome' (core/web/templates/home.html)"]


def test_message_that_the_code_dropped_is_obsolete(translated: Path) -> None:
    (translated / "core/web/templates/home.html").write_text('{{ _("Welcome") }}')
    assert translations.check(translated) == ["core fr: obsolete: 'Two lines'"]
    translations.update(translated)
    assert translations.check(translated) == []


def test_update_keeps_translations_and_changes_nothing_twice(translated: Path) -> None:
    po = translated / "translations/fr" / PO
    translations.update(translated)
    once = po.read_bytes()
    assert "Bienvenue" in once.decode()
    translations.update(translated)
    assert po.read_bytes() == once


def test_compiled_catalogue_holds_the_translations(
    translated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    translations.compile_all(translated)
    mo = translated / "translations/fr/LC_MESSAGES/messages.mo"
    with mo.open("rb") as file:
        message = read_mo(file).get("Welcome")
    assert message is not None
    assert message.string == "Bienvenue"
    capsys.readouterr()
    translations.compile_all(translated)
    assert capsys.readouterr().out == "", "a second compilation had nothing to do"
