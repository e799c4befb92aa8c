"""What the headers of JPEG, PNG and WebP say, read in pure Python and bounded.

The web process looks at pictures with these alone: no C decoder meets a stranger's bytes outside the rendering
child. Each reader takes a seekable stream and answers a :class:`Shape`, or raises HeaderError.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

_MOST_PARTS: Final = 100_000
_BLOCK: Final = 256 * 1024
# Start-of-frame markers; C4, C8 and CC in the same range are tables.
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})


class HeaderError(Exception):
    """The headers make no sense, or end too early (``cut``)."""

    def __init__(self, why: str, *, cut: bool = False) -> None:
        super().__init__(why)
        self.cut = cut


@dataclass(frozen=True, slots=True)
class Shape:
    """A picture's size in pixels, and whether it has more than one frame."""

    width: int
    height: int
    animated: bool = False


def take(stream: BinaryIO, size: int) -> bytes:
    """Exactly ``size`` bytes. Raises HeaderError when the stream ends before."""
    piece = stream.read(size)
    if len(piece) != size:
        raise HeaderError("ends within a header", cut=True)
    return piece


def end_of(stream: BinaryIO) -> int:
    """The length of the stream; the place in it stays."""
    here = stream.tell()
    end = stream.seek(0, io.SEEK_END)
    stream.seek(here)
    return end


def jpeg(stream: BinaryIO) -> Shape:
    """Walk the segments to the frame header, then look for the end marker after the first scan begins."""
    take(stream, 2)
    shape: Shape | None = None
    for _ in range(_MOST_PARTS):
        marker = _next_marker(stream)
        if marker in _JPEG_STANDALONE:
            continue
        if marker == 0xD9:
            raise HeaderError("ends before a picture")
        length = int.from_bytes(take(stream, 2), "big")
        if length < 2:
            raise HeaderError("a segment of no length")
        if marker in _JPEG_FRAMES:
            _precision, height, width = struct.unpack(">BHH", take(stream, 5))
            shape = shape or Shape(width, height)
            length -= 5
        stream.seek(length - 2, io.SEEK_CUR)
        if marker == 0xDA:
            if shape is None:
                raise HeaderError("a scan without a frame")
            # In a scan 0xFF is always followed by 0 or a restart number: the first FF D9 is the true end.
            if not _holds(stream, b"\xff\xd9"):
                raise HeaderError("no end marker", cut=True)
            return shape
    raise HeaderError("too many segments")


def jpeg_markers(stream: BinaryIO) -> tuple[list[int], int]:
    """The markers up to the first scan, and how many bytes follow the end marker: what a picture carries along.

    For pictures of our own making (one scan). Raises HeaderError.
    """
    if take(stream, 2) != b"\xff\xd8":
        raise HeaderError("not a JPEG")
    markers: list[int] = []
    for _ in range(_MOST_PARTS):
        markers.append(_next_marker(stream))
        stream.seek(int.from_bytes(take(stream, 2), "big") - 2, io.SEEK_CUR)
        if markers[-1] == 0xDA:
            rest = stream.read()
            end = rest.find(b"\xff\xd9")
            if end < 0:
                raise HeaderError("no end marker", cut=True)
            return markers, len(rest) - end - 2
    raise HeaderError("too many segments")


def _next_marker(stream: BinaryIO) -> int:
    if take(stream, 1) != b"\xff":
        raise HeaderError("no marker where one must be")
    code = take(stream, 1)
    for _ in range(_MOST_PARTS):
        if code != b"\xff":  # any number of fill bytes
            return code[0]
        code = take(stream, 1)
    raise HeaderError("nothing but fill bytes")


def _holds(stream: BinaryIO, wanted: bytes) -> bool:
    tail = b""
    while block := stream.read(_BLOCK):
        if wanted in tail + block:
            return True
        tail = block[-(len(wanted) - 1) :]
    return False


def png(stream: BinaryIO) -> Shape:
    """Walk the chunks to IEND; an acTL chunk makes it animated."""
    end = end_of(stream)
    stream.seek(8)
    shape: Shape | None = None
    animated = False
    for _ in range(_MOST_PARTS):
        length, kind = struct.unpack(">I4s", take(stream, 8))
        if shape is None:
            if kind != b"IHDR" or length != 13:
                raise HeaderError("IHDR must be first")
            width, height = struct.unpack(">II", take(stream, 8))
            shape = Shape(width, height)
            length -= 8
        animated = animated or kind == b"acTL"
        if stream.tell() + length + 4 > end:
            raise HeaderError("ends within a chunk", cut=True)
        stream.seek(length + 4, io.SEEK_CUR)
        if kind == b"IEND":
            return Shape(shape.width, shape.height, animated)
    raise HeaderError("too many chunks")


def webp(stream: BinaryIO) -> Shape:
    """Read the RIFF size and the first chunks: VP8X tells the canvas and the animation, VP8 and VP8L the rest."""
    end = end_of(stream)
    stream.seek(4)
    declared = int.from_bytes(take(stream, 4), "little") + 8
    if declared > end:
        raise HeaderError("shorter than its RIFF header says", cut=True)
    stream.seek(12)
    kind, length = struct.unpack("<4sI", take(stream, 8))
    if kind == b"VP8X":
        fields = take(stream, 10)
        width = int.from_bytes(fields[4:7], "little") + 1
        height = int.from_bytes(fields[7:10], "little") + 1
        stream.seek(20 + length + length % 2)
        return Shape(width, height, bool(fields[0] & 0x02) or _has_animation(stream, declared))
    if kind == b"VP8 ":
        fields = take(stream, 10)
        if fields[3:6] != b"\x9d\x01\x2a":
            raise HeaderError("no key frame")
        width, height = struct.unpack("<HH", fields[6:10])
        return Shape(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        fields = take(stream, 5)
        if fields[0] != 0x2F:
            raise HeaderError("no lossless signature")
        bits = int.from_bytes(fields[1:5], "little")
        return Shape((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1)
    raise HeaderError("no picture where one must be")


def _has_animation(stream: BinaryIO, end: int) -> bool:
    for _ in range(_MOST_PARTS):
        if stream.tell() + 8 > end:
            return False
        kind, length = struct.unpack("<4sI", take(stream, 8))
        if kind in (b"ANIM", b"ANMF"):
            return True
        stream.seek(length + length % 2, io.SEEK_CUR)
    raise HeaderError("too many chunks")
