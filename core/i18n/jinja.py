"""Messages and formats in templates.

`{{ _("Send") }}`, `{{ _("Hello %(name)s", name=name) }}`, `{{ ngettext("%(num)d photo", "%(num)d photos", n) }}`,
`{{ at|format_datetime }}`, `<html lang="{{ locale_tag() }}" dir="{{ direction() }}">`.
"""

from jinja2 import Environment

from core.i18n import formats, messages, reader
from core.i18n.catalogues import translations


def install_jinja(environment: Environment) -> None:
    """Give a Jinja environment messages (new style: values are escaped, a per cent sign is written %%) and formats."""
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True  # as extraction does, or the msgids would differ
    install = environment.install_gettext_callables  # type: ignore[attr-defined]  # the extension adds it
    install(
        _source_gettext,
        _source_ngettext,
        newstyle=True,
        pgettext=_source_pgettext,
        npgettext=_source_npgettext,
    )
    shown = (
        formats.format_date,
        formats.format_datetime,
        formats.format_time,
        formats.format_relative,
        formats.format_number,
        formats.format_phone,
    )
    for function in shown:
        environment.globals[function.__name__] = function
        environment.filters[function.__name__] = function
    environment.globals.update(
        language=reader.language, locale_tag=reader.locale_tag, direction=reader.direction
    )


# Jinja fills the values in itself, after escaping them, and so must be handed the text with its placeholders.


def _source_gettext(message: str) -> str:
    return messages.gettext(message)


def _source_pgettext(context: str, message: str) -> str:
    return messages.pgettext(context, message)


def _source_ngettext(singular: str, plural: str, n: int) -> str:
    return translations(reader.language()).ngettext(singular, plural, n)


def _source_npgettext(context: str, singular: str, plural: str, n: int) -> str:
    return translations(reader.language()).npgettext(context, singular, plural, n)
