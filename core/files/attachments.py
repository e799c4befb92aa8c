"""Files that are not photos and are kept as they came: documents and recordings. Told from their bytes, as photos are.

Nobody opens them in here, so nothing in them is cleaned: they are downloaded or played, never shown as a page.
"""

from __future__ import annotations

import re
from typing import BinaryIO, Final

from core.files import headers
from core.files.errors import FileRefused

PDF: Final = "application/pdf"
TYPES: Final = (PDF, "video/webm", "audio/webm")
# Words of PDF that start something when the document is opened; long enough not to occur in pressed data by chance.
_ACTIVE: Final = re.compile(rb"/(?:JavaScript|Launch)\b")
_LONGEST_WORD: Final = 16
_BLOCK: Final = 1024 * 1024


def recognise(head: bytes) -> str:
    """The media type of a document or recording that begins with ``head``; "" for anything else."""
    if head.startswith(b"%PDF-"):
        return PDF
    if head.startswith(b"\x1aE\xdf\xa3") and b"webm" in head[:64]:
        return "video/webm" if b"V_VP" in head or b"V_AV1" in head or b"V_MPEG4" in head else "audio/webm"
    return ""


def check(stream: BinaryIO, media_type: str) -> None:
    """Raises FileRefused: "incomplete" without its end, "active" when it starts something when it is opened."""
    if media_type != PDF:
        return
    end = headers.end_of(stream)
    stream.seek(max(0, end - 2048))
    if b"%%EOF" not in stream.read():
        raise FileRefused("incomplete")
    stream.seek(0)
    before = b""
    while block := stream.read(_BLOCK):
        if _ACTIVE.search(before + block):
            raise FileRefused("active")
        before = block[-_LONGEST_WORD:]
