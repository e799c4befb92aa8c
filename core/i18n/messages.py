"""Messages in the current language, now. `%(name)s` is filled in only when values are given."""

from core.i18n.catalogues import translations
from core.i18n.reader import language


def gettext(message: str, /, **values: object) -> str:
    """The message in the current language, with values filled in: `_("Hello %(name)s", name="Ada")`."""
    # gettext answers the catalogue's header to the empty message.
    text = translations(language()).gettext(message) if message else ""
    return text % values if values else text


def ngettext(singular: str, plural: str, n: int, /, **values: object) -> str:
    """The form for n; `%(num)d` is n: `ngettext("%(num)d photo", "%(num)d photos", 3)`."""
    return translations(language()).ngettext(singular, plural, n) % {"num": n, **values}


def pgettext(context: str, message: str, /, **values: object) -> str:
    """A message whose English is ambiguous: `pgettext("verb", "Book")`."""
    text = translations(language()).pgettext(context, message)
    return text % values if values else text


def npgettext(context: str, singular: str, plural: str, n: int, /, **values: object) -> str:
    """`ngettext` with a context."""
    return translations(language()).npgettext(context, singular, plural, n) % {"num": n, **values}


def N_(message: str, /) -> str:
    """Mark a message for extraction and leave it as it is; translate it later by `_(variable)`."""
    return message


_ = gettext
