"""Messages and formats in templates."""

from datetime import UTC, datetime

import pytest
from jinja2 import Environment

from core.i18n import _l, install_jinja, use_language, use_time_zone


@pytest.fixture
def environment() -> Environment:
    made = Environment(autoescape=True)
    install_jinja(made)
    return made


def test_values_are_escaped_and_the_message_is_not(environment: Environment) -> None:
    template = environment.from_string('{{ _("<b>%(name)s</b>", name=name) }}')
    assert template.render(name="<script>") == "<b>&lt;script&gt;</b>"


def test_language_is_that_of_the_rendering_not_of_the_compiling(environment: Environment) -> None:
    template = environment.from_string(
        '<html lang="{{ locale_tag() }}" dir="{{ direction() }}">{{ _("Send") }}'
    )
    assert template.render() == '<html lang="en-GB" dir="ltr">Send'
    with use_language("en-XA"):
        assert template.render() == '<html lang="en-XA" dir="ltr">[Šéñð ö]'
    with use_language("ar-XB"):
        assert template.render().startswith('<html lang="ar-XB" dir="rtl">\u200f\u202eSend')


def test_blocks_with_plurals(environment: Environment) -> None:
    template = environment.from_string(
        "{% trans n=n %}{{ n }} photo{% pluralize %}{{ n }} photos{% endtrans %}"
    )
    assert [template.render(n=n) for n in (1, 2)] == ["1 photo", "2 photos"]


def test_lazy_text_is_read_and_escaped(environment: Environment) -> None:
    template = environment.from_string("{{ title }}")
    assert template.render(title=_l("Photos & notes")) == "Photos &amp; notes"


def test_formats_are_filters(environment: Environment) -> None:
    template = environment.from_string("{{ at|format_datetime('short') }} {{ 1234|format_number }}")
    with use_language("en-GB"), use_time_zone("Europe/London"):
        assert template.render(at=datetime(2026, 3, 4, 14, 5, tzinfo=UTC)) == "04/03/2026, 14:05 1,234"
