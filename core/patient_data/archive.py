"""A ZIP that is written as a stream: memory does not grow with it.

Each member is hashed on its way; ``manifest.json`` comes last and lists them all with size and SHA-256.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

MANIFEST: Final = "manifest.json"
PIECE: Final = 256 * 1024
_LARGE: Final = 1 << 31  # beyond it a member needs the 64-bit form, which older unpackers do not know


@dataclass(frozen=True, slots=True)
class Member:
    """A file of the archive. open: its bytes, asked for when its turn comes. size: as far as it is known."""

    name: str
    open: Callable[[], Iterable[bytes]]
    size: int = 0
    compressed: bool = True


@dataclass(slots=True)
class Archive:
    """Turns members into the bytes of a ZIP. about: what the manifest says beside the list of members."""

    made_at: datetime
    about: dict[str, Any]
    members: dict[str, dict[str, Any]] = field(default_factory=dict)

    def stream(self, members: Iterable[Member]) -> Iterator[bytes]:
        """The archive, piece by piece. Whatever a member raises is raised here; the archive is of no use then."""
        sink = _Sink()
        with zipfile.ZipFile(sink, "w", allowZip64=True) as zipped:
            for member in members:
                yield from self._write(zipped, sink, member)
            manifest = {**self.about, "made_at": self.made_at.isoformat(), "members": self.members}
            text = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
            yield from self._write(zipped, sink, Member(MANIFEST, lambda: [text], len(text)))
        yield from sink.taken()

    def _write(self, zipped: zipfile.ZipFile, sink: _Sink, member: Member) -> Iterator[bytes]:
        info = zipfile.ZipInfo(member.name, self.made_at.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED if member.compressed else zipfile.ZIP_STORED
        info.external_attr = 0o600 << 16
        digest, size = hashlib.sha256(), 0
        with zipped.open(info, "w", force_zip64=member.size >= _LARGE) as target:
            for piece in member.open():
                digest.update(piece)
                size += len(piece)
                target.write(piece)
                yield from sink.taken()
        yield from sink.taken()
        if member.name != MANIFEST:
            self.members[member.name] = {"size": size, "sha256": digest.hexdigest()}


class _Sink(io.RawIOBase):
    """Where ZipFile writes: it holds what was not yet taken on. It cannot be sought in, so the ZIP is a stream."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        piece = bytes(data)
        self._held.append(piece)
        return len(piece)

    def taken(self) -> Iterator[bytes]:
        if held := b"".join(self._held):
            self._held.clear()
            yield held


class Reading:
    """An iterator of bytes as something to read from, counted and hashed."""

    def __init__(self, pieces: Iterator[bytes], told: Callable[[int], None] = lambda size: None) -> None:
        self._pieces, self._told, self._rest = pieces, told, b""
        self._digest, self.size = hashlib.sha256(), 0

    def read(self, size: int = -1, /) -> bytes:
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return b""
        piece, self._rest = (self._rest, b"") if size < 0 else (self._rest[:size], self._rest[size:])
        self._digest.update(piece)
        self.size += len(piece)
        self._told(self.size)
        return piece

    def sha256(self) -> str:
        return self._digest.hexdigest()


def pieces_of(stream: io.BufferedIOBase | Any) -> Iterator[bytes]:
    """A stream's bytes, piece by piece; it is closed at the end."""
    with stream:
        while piece := stream.read(PIECE):
            yield piece
