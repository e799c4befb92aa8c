"""Passwords: how they are kept, and which ones are good enough.

Kept as argon2id. Hashes of werkzeug (scrypt, PBKDF2), from before, are still understood and replaced at the next
sign-in. What is too easy to guess is judged by zxcvbn, against thirty thousand passwords of known breaches among
others; an operator can add the whole list of Have I Been Pwned as a file. Nothing is asked over the network.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from werkzeug.security import check_password_hash
from zxcvbn import zxcvbn

from core import settings
from core.i18n import LazyString, _l

log = structlog.get_logger(__name__)

MIN_PASSWORD: Final = 10
MAX_PASSWORD: Final = 256  # hashing a megabyte is a way to keep the processor busy

# One thread a hash: sign-ins come side by side, and each should cost the attacker, not the neighbour. 46 MiB, OWASP.
_hasher: Final = PasswordHasher(time_cost=2, memory_cost=47_104, parallelism=1)
_ARGON: Final = "$argon2"
_ENOUGH: Final = 3
"""Of zxcvbn's 0 to 4: ten thousand million guesses or so. Sign-in allows ten in a quarter of an hour."""
_JUDGED: Final = 72  # zxcvbn takes no more; what is longer is judged by its beginning
_LINE: Final = 64  # bytes; a hash, a colon and a count are fewer
# It stands in our own documentation.
_PUBLISHED: Final = frozenset({"careroom-demo"})


class WeakPassword(ValueError):
    """Not good enough: ``message`` says why and what would be, in the reader's language when it is shown."""

    def __init__(self, message: LazyString) -> None:
        super().__init__(str(message))
        self._message = message

    @property
    def message(self) -> str:
        return str(self._message)


# --- keeping -----------------------------------------------------------------------------------------------------


def hash_of(password: str) -> str:
    """What is stored for a password. Takes a twentieth of a second: no transaction should wait for it."""
    return _hasher.hash(password)


def matches(stored: str, password: str) -> bool:
    """Is this the password of which that is stored? Every failure is False, a damaged hash or text too."""
    if not stored.startswith(_ARGON):
        try:
            return check_password_hash(stored, password)
        except ValueError:
            return False
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def is_outdated(stored: str) -> bool:
    """Is it kept in another way than today's?"""
    return not stored.startswith(_ARGON) or _hasher.check_needs_rehash(stored)


# --- judging -----------------------------------------------------------------------------------------------------


def check(password: str, *, about: Iterable[str] = ()) -> None:
    """Is this good enough for somebody? Raises WeakPassword.

    about: what others know of the person and the practice (names, addresses): a password made of it is weak.
    """
    if len(password) < MIN_PASSWORD:
        raise WeakPassword(
            _l("This is too short. A password has %(least)s characters or more.", least=MIN_PASSWORD)
        )
    if len(password) > MAX_PASSWORD:
        raise WeakPassword(
            _l("This is too long. A password has at most %(most)s characters.", most=MAX_PASSWORD)
        )
    is_real = settings.current().environment == "production"
    if is_breached(password) or (is_real and password.lower() in _PUBLISHED):
        raise WeakPassword(
            _l(
                "This password is on lists that attackers try first. Please choose one that nobody has used before."
            )
        )
    judged = zxcvbn(password[:_JUDGED])
    if judged["score"] < _ENOUGH:
        raise WeakPassword(_reason(judged["sequence"]))
    # What others know of the person is worth nothing: the rest has to be good enough by itself.
    rest = password[:_JUDGED].lower()
    for word in sorted(_words(about), key=len, reverse=True):
        rest = rest.replace(word, "")
    if not rest or zxcvbn(rest)["score"] < _ENOUGH:
        raise WeakPassword(
            _l("This is easy to guess: it is made of your name, your address or your practice's name.")
        )


def _words(about: Iterable[str]) -> set[str]:
    """Each thing as a whole and in its words: of "Mary Jones" also "mary"."""
    found = set()
    for text in about:
        whole = text.strip().lower()
        parts = "".join(letter if letter.isalnum() else " " for letter in whole).split()
        found |= {part for part in (whole, "".join(parts), *parts) if len(part) > 2}
    return found


def _reason(sequence: list[dict[str, object]]) -> LazyString:
    """What makes it easy to guess: the longest part that a pattern explains."""
    known = [part for part in sequence if part["pattern"] != "bruteforce"]
    worst = max(known, key=lambda part: len(str(part["token"])), default=None)
    pattern = worst["pattern"] if worst else ""
    if pattern == "dictionary":
        return _l(
            "This is easy to guess: it is a common word or name. "
            "Three or four words that do not belong together are better."
        )
    if pattern in ("spatial", "sequence", "repeat"):
        return _l(
            "This is easy to guess: it follows a pattern, such as “abcabc” or “qwerty”. "
            "Three or four words that do not belong together are better."
        )
    if pattern in ("date", "regex"):
        return _l(
            "This is easy to guess: dates and years are tried first. "
            "Three or four words that do not belong together are better."
        )
    return _l("This is easy to guess. Three or four words that do not belong together are better.")


# --- known from breaches -----------------------------------------------------------------------------------------


def is_breached(password: str) -> bool:
    """Is it in the operator's list of breached passwords? False without a list, or when it cannot be read."""
    path = settings.current().breached_passwords
    if path is None:
        return False
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    try:
        return _find(path, digest)
    except OSError as error:
        log.error("breached_passwords_unreadable", error=type(error).__name__)
        return False


def _find(path: Path, digest: str) -> bool:
    """Look a SHA-1 up in a file of "HASH:count" lines, sorted: some forty reads in forty gigabytes."""
    wanted = digest.encode()
    with path.open("rb", buffering=0) as file:
        low, high = 0, file.seek(0, os.SEEK_END)
        while low < high:
            middle = (low + high) // 2
            begin = max(0, middle - _LINE)
            file.seek(begin)
            block = file.read(2 * _LINE)
            here = middle - begin
            start = block.rfind(b"\n", 0, here) + 1
            end = block.find(b"\n", here)
            end = len(block) if end < 0 else end
            found = block[start : start + len(wanted)].upper()
            if found == wanted:
                return True
            if found < wanted:
                low = begin + end + 1
            else:
                high = begin + start
    return False
