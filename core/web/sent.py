"""What was sent: the JSON of a script, and numbers in an address or a form."""

from __future__ import annotations

from typing import Any, Final

from flask import request

_MOST_DIGITS: Final = 15
"""Python refuses to read thousands of them, and no database counts as far as twenty."""


def json_object() -> dict[str, Any]:
    """The JSON object of this request; an empty one where it is none, so that what is missing is refused in words."""
    found = request.get_json(silent=True)
    return found if isinstance(found, dict) else {}


def number(text: str | None) -> int | None:
    """What plain digits say; None for everything else, and for more digits than any number of ours has."""
    is_number = text is not None and text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    return int(text) if text is not None and is_number else None


def page(pages: int) -> int:
    """The page of a list that the address asks for, of as many as there are."""
    return min(max(number(request.args.get("page")) or 1, 1), pages)
