"""Which languages there are, and what a tag such as "fr-FR" means."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from babel import Locale, UnknownLocaleError

from core import settings

Direction = Literal["ltr", "rtl"]

SOURCE_LANGUAGE: Final = "en"

LANGUAGES: Final[dict[str, str]] = {"en": "English", "fr": "Français"}
"""Each language that has a catalogue, with the name that its own speakers give it."""

PSEUDO_LANGUAGES: Final[dict[str, str]] = {"en-XA": "[Éñĝļîšĥ]", "ar-XB": "\u202eEnglish\u202c"}
"""Made from English at run time, to find text that is cut off, not translated or not ready for right-to-left."""

# A bare language needs a region for its formats. Babel's "en" is American, where 3/4 is the fourth of March.
_HOME_REGION: Final = {"en": "GB", "fr": "FR"}


@dataclass(frozen=True, slots=True)
class Language:
    """What a tag resolves to. `code` picks the catalogue, `locale` the formats, `tag` goes into `<html lang>`."""

    code: str
    tag: str
    locale: Locale
    direction: Direction


@lru_cache(maxsize=256)
def resolve(tag: str) -> Language:
    """The language of a tag ("fr", "fr-FR", "en_GB"). An unknown one reads as English: never an error to a person."""
    language, _, region = tag.strip().replace("_", "-").partition("-")
    language, region = language.lower(), region.upper()
    pseudo = f"{language}-{region}"
    if pseudo in PSEUDO_LANGUAGES:
        # Formats stay English: a pseudo-locale is read by people who test, and its dates must stay comparable.
        return Language(pseudo, pseudo, Locale("en", "GB"), "rtl" if language == "ar" else "ltr")
    if language not in LANGUAGES:
        language, region = SOURCE_LANGUAGE, ""
    home = _HOME_REGION[language]
    try:
        locale = Locale(language, region or home)
    except UnknownLocaleError:
        locale = Locale(language, home)
    direction: Direction = "rtl" if locale.text_direction == "rtl" else "ltr"
    return Language(language, f"{language}-{locale.territory}", locale, direction)


def is_known(tag: str) -> bool:
    """Whether people can read the platform in this language (pseudo-languages count only when they are on)."""
    code = resolve(tag).code
    return code in offered_languages() and code.partition("-")[0] == tag.partition("-")[0].lower()


def whole_tag(tag: str) -> str:
    """The tag with its region ("fr" is "fr-FR"). Raises ValueError for what nobody can read here."""
    found = resolve(tag).tag
    if not is_known(tag) or tag not in (found, found.partition("-")[0]):
        offered = ", ".join(offered_languages())
        raise ValueError(f'"{tag}" is no language here: one of {offered}, with a region as in "{found}"')
    return found


def offered_languages() -> dict[str, str]:
    """Code and native name of each language that this installation offers, its first one first."""
    configured = settings.current()
    offered = {code: LANGUAGES[code] for code in configured.languages if code in LANGUAGES}
    return offered | PSEUDO_LANGUAGES if configured.pseudo_locales else offered
