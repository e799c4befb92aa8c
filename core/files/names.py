"""File names as people gave them: kept for display, never used in a path."""

from __future__ import annotations

import unicodedata
from typing import Final
from urllib.parse import quote

LONGEST: Final = 120
# They turn the order of the letters that follow, so that "gpj.exe" reads as "exe.jpg".
_BIDI: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(name: str | None) -> str:
    """A name that is safe to show: one line, no folder, no control or direction marks, 120 characters at most.

    The end is kept when a name is cut, because it tells the kind of file. "" becomes "photo".
    """
    text = unicodedata.normalize("NFC", name or "")
    text = text.replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(
        " " if unicodedata.category(letter) in ("Zl", "Zp", "Zs") or letter in "\t\n\r" else letter
        for letter in text
        # Cf holds bidi marks and also the joiner in an emoji family: only the marks go.
        if letter not in _BIDI
        and (unicodedata.category(letter) not in ("Cc", "Cs", "Co", "Cn") or letter in "\t\n\r")
    )
    kept = " ".join(kept.split()).strip(". ")
    if len(kept) > LONGEST:
        stem, dot, ending = kept.rpartition(".")
        ending = f"{dot}{ending}" if stem and len(ending) <= 10 else ""
        kept = kept[: LONGEST - len(ending) - 1].rstrip() + "…" + ending
    return kept or "photo"


def with_ending(name: str, ending: str) -> str:
    """The name with its last ending replaced: a HEIC that became a JPEG is offered as one."""
    stem = name.rpartition(".")[0] if "." in name[1:] else name
    return f"{stem[: LONGEST - len(ending) - 1]}.{ending}"


def disposition(name: str, kind: str = "inline") -> str:
    """A Content-Disposition value (RFC 6266): an ASCII form for old clients, and the whole name in UTF-8."""
    safe = clean(name)
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " ._-()") else "_" for c in safe)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"
