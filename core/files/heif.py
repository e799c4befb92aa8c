"""What the boxes of a HEIC/HEIF file say (ISO/IEC 14496-12 and 23008-12), read in pure Python and bounded."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from core.files.headers import HeaderError, Shape, end_of, take

_STILL: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"mif2", b"miaf"})
_MOVING: Final = frozenset({b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"})
_MOST_BOXES: Final = 10_000
_MOST_META: Final = 4 * 1024 * 1024
_NESTED: Final = frozenset({b"iprp", b"ipco"})


@dataclass(frozen=True, slots=True)
class _Box:
    kind: bytes
    start: int  # of its content
    end: int


def is_heif(head: bytes) -> bool:
    """Do these first bytes (64 are enough) open a file with a brand of the HEIC family?"""
    return head[4:8] == b"ftyp" and bool(_brands(head) & (_STILL | _MOVING))


def _brands(head: bytes) -> set[bytes]:
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[i : i + 4] for i in range(16, size - 3, 4))}


def heif(stream: BinaryIO) -> Shape:
    """The largest picture that the properties name (a grid's size included); a sequence counts as animated.

    Raises HeaderError, also when a box reaches beyond the end of the file: it was cut.
    """
    end = end_of(stream)
    stream.seek(0)
    head = stream.read(64)
    major, others = head[8:12], _brands(head)
    animated = major in _MOVING
    shape: Shape | None = None
    for box in _boxes(stream, 0, end):
        if box.kind == b"moov":
            animated = True
        elif box.kind == b"meta" and shape is None:
            if box.end - box.start > _MOST_META:
                raise HeaderError("a meta box beyond all measure")
            shape = _largest(stream, box.start + 4, box.end)  # a full box: version and flags come first
    if shape is None:
        if animated or others & _MOVING:
            return Shape(1, 1, animated=True)
        raise HeaderError("no picture is described")
    return Shape(shape.width, shape.height, animated)


def _largest(stream: BinaryIO, start: int, end: int) -> Shape | None:
    largest: Shape | None = None
    for box in _boxes(stream, start, end):
        found: Shape | None = None
        if box.kind in _NESTED:
            found = _largest(stream, box.start, box.end)
        elif box.kind == b"ispe":
            stream.seek(box.start + 4)
            found = Shape(*struct.unpack(">II", take(stream, 8)))
        if found and (largest is None or found.width * found.height > largest.width * largest.height):
            largest = found
    return largest


def _boxes(stream: BinaryIO, start: int, end: int) -> Iterator[_Box]:
    """The boxes side by side between two places."""
    place = start
    for _ in range(_MOST_BOXES):
        if place >= end:
            return
        stream.seek(place)
        size, kind = struct.unpack(">I4s", take(stream, 8))
        header = 8
        if size == 1:
            size, header = int.from_bytes(take(stream, 8), "big"), 16
        elif size == 0:  # to the end of the file
            size = end - place
        if size < header:
            raise HeaderError("a box smaller than its header")
        if place + size > end:
            raise HeaderError("a box reaches beyond the end", cut=True)
        yield _Box(kind, place + header, place + size)
        place += size
        stream.seek(place, io.SEEK_SET)
    raise HeaderError("too many boxes")
