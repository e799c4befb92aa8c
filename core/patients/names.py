"""Names of people: what is kept, how they are found, how they are shortened."""

import re
import unicodedata

from core.i18n import _
from core.patients.errors import InvalidName

LONGEST_NAME = 100

# Letters that Unicode does not decompose into a base letter and an accent, yet that people type without it.
_PLAIN = str.maketrans({"œ": "oe", "æ": "ae", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_APOSTROPHES = "'’‘ʼ`´"
# Direction overrides and invisible marks can make one name look like another; the joiners U+200C/D stay,
# because several scripts cannot be written without them.
_KEPT_FORMAT_CHARACTERS = "\u200c\u200d"


def clean_name(text: str, *, required: bool = True) -> str:
    """The name as it is kept: composed, single-spaced, no invisible characters. Raises InvalidName."""
    composed = unicodedata.normalize("NFC", text)
    name = " ".join("".join(filter(_is_kept, composed)).split())
    if not name:
        if required:
            raise InvalidName(_("Enter the name."))
        return ""
    if len(name) > LONGEST_NAME:
        raise InvalidName(_("Shorten the name to at most %(num)d characters.", num=LONGEST_NAME))
    if not any(char.isalpha() for char in name):
        raise InvalidName(_("Enter the name with letters."))
    return name


def _is_kept(char: str) -> bool:
    invisible = unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs")
    return char.isspace() or char in _KEPT_FORMAT_CHARACTERS or not invisible


def normalise(text: str) -> str:
    """Casefolded, without accents or apostrophes, anything else that is no letter or digit turned into one space.

    "O’Brien-Lefèvre" becomes "obrien lefevre".
    """
    # Decomposed on both sides of the folding: some letters only then become ones that have a small form.
    folded = unicodedata.normalize("NFKD", text).casefold()
    folded = unicodedata.normalize("NFKD", folded).casefold().translate(_PLAIN)
    letters = "".join(
        char if char.isalnum() else " "
        for char in folded
        if char not in _APOSTROPHES and not unicodedata.combining(char) and unicodedata.category(char) != "Cf"
    )
    return " ".join(letters.split())


def search_name(family_name: str, given_names: str) -> str:
    """What lists are sorted by and what the ranking of a search looks at: "family given", normalised."""
    return f"{normalise(family_name)} {normalise(given_names)}".strip()


def search_words(*names: str) -> set[str]:
    """Every word under which somebody may look for these names.

    "Jean-Pierre O'Brien" gives jean, pierre, jeanpierre, obrien, brien: people leave hyphens out, and drop the O'.
    """
    words: set[str] = set()
    for name in names:
        for part in name.split():
            pieces = normalise(part).split()
            words.update(pieces)
            if len(pieces) > 1:
                words.add("".join(pieces))
            for tail in re.split(f"[{_APOSTROPHES}]", part)[1:]:
                words.update(normalise(tail).split())
    return words


def initials(given_names: str, family_name: str) -> str:
    """One or two letters for an avatar."""
    letters = [next((char for char in name if char.isalpha()), "") for name in (given_names, family_name)]
    return "".join(letters).upper()
