"""Authenticated encryption of blobs: AES-256-GCM in 64 KiB chunks, readable from any place.

A blob is a header and chunks::

    "CRB1" | key id (16) | salt (16) | nonce prefix (7)
    chunk 0 .. n: ciphertext (64 KiB, the last one shorter or equal) | tag (16)

Each blob has a key of its own, derived (HKDF-SHA256) from the practice's data key and the salt, so nonces of two
blobs never meet however many blobs a practice has. The nonce is prefix | counter (4) | final flag (1), and the
header, the context (practice, file, part), the counter and the flag are authenticated with every chunk: a blob
that is cut, reordered, extended, renamed to another file or moved to another practice does not open.
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.files.errors import BlobDamaged

CHUNK: Final = 64 * 1024
TAG: Final = 16
MAGIC: Final = b"CRB1"
_HEADER: Final = struct.Struct(">4s16s16s7s")
HEADER_SIZE: Final = _HEADER.size
_SEALED: Final = CHUNK + TAG
_MAX_CHUNKS: Final = 2**32


@dataclass(frozen=True, slots=True)
class Context:
    """What a blob is: bound into every chunk and stored nowhere in the blob.

    subject: the file's or the upload's id; part: "original", the rendition's name, or "part:<start>".
    """

    practice_id: UUID
    subject: UUID
    part: str

    def encoded(self) -> bytes:
        return self.practice_id.bytes + self.subject.bytes + self.part.encode()


class Source(Protocol):
    """Whatever bytes can be read from."""

    def read(self, size: int, /) -> bytes: ...


def encrypt(source: Source, key_id: UUID, key: bytes, context: Context) -> Iterator[bytes]:
    """The blob of everything that ``source`` still holds, piece by piece."""
    salt, prefix = os.urandom(16), os.urandom(7)
    header = _HEADER.pack(MAGIC, key_id.bytes, salt, prefix)
    seal = _Seal(header, key, context)
    yield header
    counter, chunk = 0, _read_full(source)
    while True:
        following = _read_full(source) if len(chunk) == CHUNK else b""
        yield seal.encrypt(counter, not following, chunk)
        if not following:
            return
        counter, chunk = counter + 1, following


def _read_full(source: Source) -> bytes:
    """CHUNK bytes, fewer only at the end: sockets and nested readers give what they have."""
    pieces: list[bytes] = []
    missing = CHUNK
    while missing and (piece := source.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


class _Seal:
    """The cipher of one blob."""

    def __init__(self, header: bytes, key: bytes, context: Context) -> None:
        _magic, _key_id, salt, self._prefix = _HEADER.unpack(header)
        derived = HKDF(SHA256(), 32, salt, b"careroom blob 1" + context.encoded()).derive(key)
        self._cipher = AESGCM(derived)
        self._bound = header + context.encoded()

    def encrypt(self, counter: int, final: bool, plain: bytes) -> bytes:
        tail = self._tail(counter, final)
        return self._cipher.encrypt(self._prefix + tail, plain, self._bound + tail)

    def decrypt(self, counter: int, final: bool, sealed: bytes) -> bytes:
        tail = self._tail(counter, final)
        try:
            return self._cipher.decrypt(self._prefix + tail, sealed, self._bound + tail)
        except InvalidTag:
            raise BlobDamaged("a chunk fails its authentication") from None

    @staticmethod
    def _tail(counter: int, final: bool) -> bytes:
        if counter >= _MAX_CHUNKS:
            raise ValueError("a blob holds at most 2**32 chunks")
        return struct.pack(">IB", counter, final)


class DecryptingReader(io.RawIOBase):
    """Reads a blob's plain bytes, from the start or from any place; closes the blob when closed.

    ``key_of`` answers the data key for the id in the header. Raises BlobDamaged while reading, never returns
    bytes that were not authenticated.
    """

    def __init__(self, blob: BinaryIO, context: Context, key_of: Callable[[UUID], bytes]) -> None:
        super().__init__()
        self._blob = blob
        length = blob.seek(0, io.SEEK_END)
        blob.seek(0)
        header = blob.read(HEADER_SIZE)
        if len(header) != HEADER_SIZE or header[:4] != MAGIC or length < HEADER_SIZE + TAG:
            raise BlobDamaged("not a whole blob")
        self._seal = _Seal(header, key_of(UUID(bytes=header[4:20])), context)
        self._chunks = -(-(length - HEADER_SIZE) // _SEALED)
        self.size = length - HEADER_SIZE - self._chunks * TAG
        if self.size < 0 or (length - HEADER_SIZE) % _SEALED in range(1, TAG):
            raise BlobDamaged("cut within a tag")
        self._position = 0
        self._held: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("a place before the start")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: object) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if not len(target):
            return 0
        # An empty blob has one empty chunk, and that too is authenticated before "end" is answered.
        if self._position >= self.size and self.size:
            return 0
        number, skip = divmod(self._position, CHUNK)
        if number >= self._chunks:
            return 0
        plain = self._chunk(number)[skip : skip + len(target)]
        target[: len(plain)] = plain
        self._position += len(plain)
        return len(plain)

    def _chunk(self, number: int) -> bytes:
        if self._held[0] != number:
            self._blob.seek(HEADER_SIZE + number * _SEALED)
            sealed = self._blob.read(_SEALED)
            self._held = (number, self._seal.decrypt(number, number == self._chunks - 1, sealed))
        return self._held[1]

    def close(self) -> None:
        if not self.closed:
            self._blob.close()
        super().close()


def decrypt(blob: BinaryIO, context: Context, key_of: Callable[[UUID], bytes]) -> BinaryIO:
    """A seekable, buffered reader of a blob's plain bytes. Raises BlobDamaged, here or while reading."""
    return io.BufferedReader(DecryptingReader(blob, context, key_of), CHUNK)


def key_id_of(blob: bytes) -> UUID:
    """The id of the data key that a blob was written with: its first bytes tell."""
    if len(blob) < HEADER_SIZE or blob[:4] != MAGIC:
        raise BlobDamaged("not a blob")
    return UUID(bytes=blob[4:20])
