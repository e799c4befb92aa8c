"""The metadata that set-up writes into the model: the old content stays, and the new root says how to normalise."""

from __future__ import annotations

import struct

import pytest

from scripts.tooling.segmentation_model import with_normalisation
from scripts.tooling.vendor import PACKAGES

SOURCE = PACKAGES / "@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite"


def _table(model: bytes, at: int) -> dict[int, int]:
    vtable = at - struct.unpack_from("<i", model, at)[0]
    (size,) = struct.unpack_from("<H", model, vtable)
    found = struct.unpack_from(f"<{(size - 4) // 2}H", model, vtable + 4)
    return {number: at + distance for number, distance in enumerate(found) if distance}


def _follow(data: bytes, at: int) -> int:
    return int(at + struct.unpack_from("<I", data, at)[0])


def test_the_old_content_is_there_byte_for_byte_and_the_root_names_a_metadata_buffer() -> None:
    old = SOURCE.read_bytes()
    new = with_normalisation(old)
    assert new.endswith(old)
    assert (len(new) - len(old)) % 16 == 0, "the weights stay aligned"
    root = _table(new, _follow(new, 0))
    entry = _table(new, _follow(new, _follow(new, root[6]) + 4))
    name = _follow(new, entry[0])
    assert new[name + 4 : name + 19] == b"TFLITE_METADATA"
    (number,) = struct.unpack_from("<I", new, entry[1])
    buffer = _table(new, _follow(new, _follow(new, root[4]) + 4 + 4 * number))
    start = _follow(new, buffer[0])
    metadata = new[start + 4 : start + 4 + struct.unpack_from("<I", new, start)[0]]
    assert metadata[4:8] == b"M001"
    assert struct.pack("<If", 1, 255.0) in metadata, "a deviation of 255: the model was trained with 0 to 1"


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ValueError, match="not a TFLite model"):
        with_normalisation(b"\0" * 64)
    with pytest.raises(ValueError, match="already"):
        with_normalisation(with_normalisation(SOURCE.read_bytes()))
