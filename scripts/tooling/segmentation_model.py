"""Write into a TFLite model what Tasks Vision asks for: how the input picture is normalised (mean 0, deviation 255).

The model of @mediapipe/selfie_segmentation was made for an older runtime and carries no metadata. A TFLite file is a
FlatBuffer, in which a table only points forwards: a new root is put in front of the old content, which stays byte for
byte as it was. Schemas: tensorflow/lite/schema/schema.fbs, tflite_support/metadata/metadata_schema.fbs.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

# Fields of the tables, by their numbers in the schemas.
_MODEL_BUFFERS, _MODEL_METADATA = 4, 6
_MODEL_VERSION: Final = 0
_ALIGN: Final = 16  # what the schema asks for the data of a buffer
_NORMALIZATION, _IMAGE, _RGB = 1, 2, 1  # members of unions and of an enumeration


@dataclass(frozen=True, slots=True)
class _Old:
    """Something that is already in the file: its distance from the old content's first byte."""

    at: int


@dataclass(frozen=True, slots=True)
class _Scalar:
    format: str
    value: int


@dataclass(slots=True)
class _Table:
    fields: Mapping[int, _Node]


@dataclass(slots=True)
class _Vector:
    items: Sequence[_Node]


_Node = _Old | _Scalar | _Table | _Vector | bytes | str


@dataclass(slots=True)
class _Writer:
    """Writes tables with their children after them. Offsets into the old content are filled in at the end."""

    out: bytearray = field(default_factory=bytearray)
    old: list[tuple[int, int]] = field(default_factory=list)

    def finish(self, root: _Node, identifier: bytes, old_content: bytes = b"") -> bytes:
        self.out += struct.pack("<I", 0) + identifier
        self._point(0, root)
        self._pad(_ALIGN)
        shift = len(self.out)
        for place, at in self.old:
            struct.pack_into("<I", self.out, place, shift + at - place)
        return bytes(self.out) + old_content

    def _point(self, place: int, node: _Node) -> None:
        if isinstance(node, _Old):
            self.old.append((place, node.at))
            return
        at = self._write(node)
        struct.pack_into("<I", self.out, place, at - place)

    def _write(self, node: _Node) -> int:
        match node:
            case _Table():
                return self._table(node)
            case _Vector():
                return self._vector(node)
            case bytes():
                self._pad(_ALIGN, before=4)
                return self._append(struct.pack("<I", len(node)) + node)
            case str():
                text = node.encode()
                self._pad(4)
                return self._append(struct.pack("<I", len(text)) + text + b"\0")
            case _:
                raise TypeError(f"{node!r} is written where it stands")

    def _table(self, table: _Table) -> int:
        count = max(table.fields, default=-1) + 1
        self._pad(4)
        vtable = self._append(bytes(4 + 2 * count))
        self._pad(4)
        start = self._append(struct.pack("<i", len(self.out) - vtable))
        places = {}
        for number, node in sorted(table.fields.items()):
            places[number] = self._append(
                struct.pack("<I", 0) if not isinstance(node, _Scalar) else self._padded(node)
            )
            struct.pack_into("<H", self.out, vtable + 4 + 2 * number, places[number] - start)
        struct.pack_into("<HH", self.out, vtable, 4 + 2 * count, len(self.out) - start)
        for number, node in table.fields.items():
            if not isinstance(node, _Scalar):
                self._point(places[number], node)
        return start

    def _vector(self, vector: _Vector) -> int:
        self._pad(4)
        start = self._append(struct.pack("<I", len(vector.items)))
        for node in vector.items:
            self._append(self._padded(node) if isinstance(node, _Scalar) else bytes(4))
        for number, node in enumerate(vector.items):
            if not isinstance(node, _Scalar):
                self._point(start + 4 + 4 * number, node)
        return start

    @staticmethod
    def _padded(scalar: _Scalar) -> bytes:
        return struct.pack(f"<{scalar.format}", scalar.value).ljust(4, b"\0")

    def _append(self, data: bytes) -> int:
        at = len(self.out)
        self.out += data
        return at

    def _pad(self, to: int, before: int = 0) -> None:
        self.out += bytes(-(len(self.out) + before) % to)


def with_normalisation(model: bytes) -> bytes:
    """The model with metadata that says: an RGB picture, mean 0, standard deviation 255. Raises ValueError."""
    if model[4:8] != b"TFL3":
        raise ValueError("not a TFLite model")
    fields = _fields(model)
    if _MODEL_METADATA in fields:
        raise ValueError("the model has metadata already")
    buffers = fields[_MODEL_BUFFERS] + _uint(model, fields[_MODEL_BUFFERS])
    old = [buffers + 4 + 4 * number for number in range(_uint(model, buffers))]
    described = _Table({0: _metadata()})
    root: dict[int, _Node] = {number: _Old(at + _uint(model, at)) for number, at in fields.items() if number}
    root[_MODEL_VERSION] = _Scalar("I", _uint(model, fields[_MODEL_VERSION]))
    root[_MODEL_BUFFERS] = _Vector([*(_Old(at + _uint(model, at)) for at in old), described])
    root[_MODEL_METADATA] = _Vector([_Table({0: "TFLITE_METADATA", 1: _Scalar("I", len(old))})])
    return _Writer().finish(_Table(root), b"TFL3", model)


def _metadata() -> bytes:
    # Floats as their bits: 0.0 and 255.0. The runtime hands over 0 to 255 and the model was trained with 0 to 1: with a
    # deviation of 1 it answers noise, without complaint.
    options = _Table({0: _Vector([_Scalar("I", 0)]), 1: _Vector([_Scalar("I", 0x437F0000)])})
    picture = _Table({0: _Scalar("B", _IMAGE), 1: _Table({0: _Scalar("B", _RGB)})})
    unit = _Table({0: _Scalar("B", _NORMALIZATION), 1: options})
    graph = _Table(
        {
            2: _Vector([_Table({0: "image", 3: picture, 4: _Vector([unit])})]),
            3: _Vector([_Table({0: "person"})]),
        }
    )
    return _Writer().finish(_Table({0: "selfie segmentation", 3: _Vector([graph])}), b"M001")


def _fields(model: bytes) -> dict[int, int]:
    """Where the fields of the root table stand, by their numbers."""
    root = _uint(model, 0)
    vtable = root - struct.unpack_from("<i", model, root)[0]
    (size,) = struct.unpack_from("<H", model, vtable)
    distances = struct.unpack_from(f"<{(size - 4) // 2}H", model, vtable + 4)
    return {number: root + distance for number, distance in enumerate(distances) if distance}


def _uint(model: bytes, at: int) -> int:
    (value,) = struct.unpack_from("<I", model, at)
    return int(value)
