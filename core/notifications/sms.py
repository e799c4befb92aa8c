"""How a text message is counted: its alphabet, its units and its segments.

A network carries a text in segments of 140 bytes. In the GSM-7 alphabet that is 160 characters, or 153 in each
of several; a character of the extension table counts twice. One character outside GSM-7 (a "ç" will do) turns
the whole text into UCS-2: 70 characters, or 67 in each of several, and a character beyond the basic plane (most
emoji) counts twice. A pair is never torn apart by the end of a segment.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

Encoding = Literal["GSM-7", "UCS-2"]

GSM7_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
MAX_CHARACTERS: Final = 1600
"""What providers take as one message, whatever its segments (Twilio error 21617 beyond)."""

_SINGLE: Final[dict[Encoding, int]] = {"GSM-7": 160, "UCS-2": 70}
_MULTIPLE: Final[dict[Encoding, int]] = {"GSM-7": 153, "UCS-2": 67}


class SmsSize(NamedTuple):
    """``units``: septets in GSM-7, 16-bit units in UCS-2. ``segments``: what the network charges for."""

    encoding: Encoding
    units: int
    segments: int


def encoding_of(text: str) -> Encoding:
    """GSM-7 when every character is in its basic or extension table, else UCS-2."""
    return "GSM-7" if all(c in GSM7_BASIC or c in GSM7_EXTENSION for c in text) else "UCS-2"


def measure(text: str) -> SmsSize:
    """Count a text as the network does. An empty text has 0 segments."""
    encoding = encoding_of(text)
    widths = [_width(character, encoding) for character in text]
    units = sum(widths)
    if units == 0:
        return SmsSize(encoding, 0, 0)
    if units <= _SINGLE[encoding]:
        return SmsSize(encoding, units, 1)
    return SmsSize(encoding, units, _pack(widths, _MULTIPLE[encoding]))


def outside_gsm7(text: str) -> list[str]:
    """The characters that make this text UCS-2, each once, in order of appearance."""
    return list(dict.fromkeys(c for c in text if c not in GSM7_BASIC and c not in GSM7_EXTENSION))


def _width(character: str, encoding: Encoding) -> int:
    if encoding == "GSM-7":
        return 2 if character in GSM7_EXTENSION else 1
    return 2 if ord(character) > 0xFFFF else 1


def _pack(widths: Iterable[int], room: int) -> int:
    segments, left = 1, room
    for width in widths:
        if width > left:
            segments, left = segments + 1, room
        left -= width
    return segments
