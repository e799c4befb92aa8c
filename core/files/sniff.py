"""Is this a photo that we take? Told from its bytes, never from its name or from what the browser calls it.

Quick and without decoding: format, size in pixels, whether it moves, whether its end is there. What the pixels are
like is seen by the rendering child.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import BinaryIO, Final

from core.files import attachments, headers, heif
from core.files.errors import FileRefused
from core.files.picture_child import MAX_PIXELS

_Reader = Callable[[BinaryIO], headers.Shape]
_SVG: Final = re.compile(rb"<\s*(?:svg|\?xml[^>]*\?>.*<\s*svg)\b", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sniffed:
    """media_type: of the allow-list; width and height: as stored, before orientation; 0 where it is no photo."""

    media_type: str
    width: int
    height: int


def sniff(stream: BinaryIO, also: Collection[str] = ()) -> Sniffed:
    """Look at a seekable stream from its start. Raises FileRefused; the place in the stream is lost.

    also: media types of :mod:`core.files.attachments` that are taken besides photos.
    """
    stream.seek(0)
    head = stream.read(4096)
    if not head:
        raise FileRefused("empty")
    other = attachments.recognise(head)
    if other in also:
        attachments.check(stream, other)
        return Sniffed(other, 0, 0)
    media_type, reader = _recognise(head)
    stream.seek(0)
    try:
        shape = reader(stream)
    except headers.HeaderError as error:
        raise FileRefused("incomplete" if error.cut else "damaged") from error
    if shape.animated:
        raise FileRefused("animated")
    if shape.width < 1 or shape.height < 1:
        raise FileRefused("damaged")
    if shape.width * shape.height > MAX_PIXELS:
        raise FileRefused("too_many_pixels")
    return Sniffed(media_type, shape.width, shape.height)


def sniff_bytes(content: bytes) -> Sniffed:
    """The same for bytes in memory."""
    return sniff(io.BytesIO(content))


def _recognise(head: bytes) -> tuple[str, _Reader]:
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", headers.jpeg
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", headers.png
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp", headers.webp
    if heif.is_heif(head[:64]):
        return "image/heic", heif.heif
    if head.startswith((b"GIF87a", b"GIF89a")):
        raise FileRefused("animated" if b"NETSCAPE2.0" in head else "format")
    if _SVG.search(head):
        raise FileRefused("drawing")
    raise FileRefused("format")
