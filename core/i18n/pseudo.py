"""Pseudo-languages, made from the English message: what is not accented on the page was not translated.

"en-XA" is English with accents, in brackets and about a third longer: it shows text that is cut off or joined from
pieces. "ar-XB" runs from right to left: each word is turned around by Unicode's override marks.
"""

import re
from functools import lru_cache
from gettext import NullTranslations
from typing import Final

# Kept as they are: %(name)s and other %-formats, {name}, HTML tags and entities, addresses.
_KEEP: Final = re.compile(
    r"(%\([^)]*\)[#0\- +]*\d*(?:\.\d+)?[a-zA-Z]|%%|%[sdif]|\{[^{}]*\}|<[^<>]+>|&(?:[a-zA-Z]+|#\w+);|https?://\S+)"
)
_ACCENTS: Final = str.maketrans(
    "ABCDEFGHIJKLMNOPRSTUVWYZabcdefghijklmnoprstuvwyz",
    "ÀƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞŔŠŢÛṼŴÝŽàƀçðéƒĝĥîĵķļḿñöþŕšţûṽŵýž",
)
_PADDING: Final = "öñé ţŵö ţĥŕéé ƒöûŕ ƒîṽé šîẋ šéṽéñ éîĝĥţ ñîñé ţéñ "
_LONGER: Final = 0.35
_WORD: Final = re.compile(r"\S+")
_RIGHT_TO_LEFT: Final = "\u200f\u202e{}\u202c\u200f"


@lru_cache(maxsize=8192)
def accented(message: str) -> str:
    """The message as "en-XA" says it: `[Ŝéñð öñé]`."""
    if not message.strip():
        return message
    parts = _KEEP.split(message)
    words = "".join(parts[0::2])
    wanted = max(1, round(len(words) * _LONGER))
    padding = (_PADDING * (wanted // len(_PADDING) + 1))[:wanted].strip()
    parts[0::2] = [text.translate(_ACCENTS) for text in parts[0::2]]
    return f"[{''.join(parts)} {padding}]"


@lru_cache(maxsize=8192)
def mirrored(message: str) -> str:
    """The message as "ar-XB" says it: every word runs from right to left."""
    parts = _KEEP.split(message)
    parts[0::2] = [_WORD.sub(lambda word: _RIGHT_TO_LEFT.format(word[0]), text) for text in parts[0::2]]
    return "".join(parts)


class PseudoTranslations(NullTranslations):
    """A catalogue that knows every message, since it makes the translation up."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self._say = accented if code == "en-XA" else mirrored

    def gettext(self, message: str) -> str:
        return self._say(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self._say(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:
        return self._say(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:
        return self._say(msgid1 if n == 1 else msgid2)
