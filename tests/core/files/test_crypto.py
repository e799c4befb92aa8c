"""Whatever is done to a blob, it opens to the bytes that were written or not at all."""

from __future__ import annotations

import io
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.files import crypto
from core.files.crypto import CHUNK, HEADER_SIZE, TAG, Context
from core.files.errors import BlobDamaged

KEY_ID, KEY = uuid4(), bytes(range(32))
PLACE = Context(uuid4(), uuid4(), "original")
SEALED = CHUNK + TAG
# Around each border of a chunk, where mistakes live.
SIZES = st.one_of(
    st.integers(0, 300), st.sampled_from([k * CHUNK + d for k in (1, 2, 3) for d in (-1, 0, 1)])
)


def blob_of(plain: bytes, place: Context = PLACE) -> bytes:
    return b"".join(crypto.encrypt(io.BytesIO(plain), KEY_ID, KEY, place))


def plain_of(blob: bytes, place: Context = PLACE) -> bytes:
    return crypto.decrypt(io.BytesIO(blob), place, lambda key_id: {KEY_ID: KEY}[key_id]).read()


def content(size: int) -> bytes:
    return bytes(i * 31 % 251 for i in range(size))


@given(SIZES)
@settings(deadline=None, max_examples=40)
def test_what_was_written_is_read(size: int) -> None:
    plain = content(size)
    blob = blob_of(plain)
    assert plain_of(blob) == plain
    assert len(blob) == HEADER_SIZE + size + TAG * max(1, -(-size // CHUNK))


@given(SIZES, st.data())
@settings(deadline=None, max_examples=60)
def test_one_flipped_bit_anywhere_is_noticed(size: int, data: st.DataObject) -> None:
    blob = bytearray(blob_of(content(size)))
    place = data.draw(st.integers(0, len(blob) - 1))
    blob[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((BlobDamaged, KeyError)):  # KeyError: the header names a key that nobody has
        plain_of(bytes(blob))


@given(SIZES, st.data())
@settings(deadline=None, max_examples=60)
def test_a_blob_that_was_cut_or_grew_is_noticed(size: int, data: st.DataObject) -> None:
    blob = blob_of(content(size))
    with pytest.raises(BlobDamaged):
        plain_of(blob[: data.draw(st.integers(0, len(blob) - 1))])
    with pytest.raises(BlobDamaged):
        plain_of(blob + b"\0" * data.draw(st.integers(1, SEALED + 1)))


@pytest.mark.parametrize("kept", [1, 2])
def test_a_cut_exactly_between_two_chunks_is_noticed(kept: int) -> None:
    blob = blob_of(content(3 * CHUNK))
    with pytest.raises(BlobDamaged):
        plain_of(blob[: HEADER_SIZE + kept * SEALED])


def test_swapped_chunks_are_noticed() -> None:
    blob = blob_of(content(3 * CHUNK))
    head, chunks = blob[:HEADER_SIZE], [blob[HEADER_SIZE + i * SEALED :][:SEALED] for i in range(3)]
    for order in ([1, 0, 2], [0, 0, 2], [0, 1, 1], [0, 2, 1]):
        with pytest.raises(BlobDamaged):
            plain_of(head + b"".join(chunks[i] for i in order))


def test_a_chunk_of_another_blob_is_noticed() -> None:
    ours, theirs = blob_of(content(2 * CHUNK)), blob_of(content(2 * CHUNK))
    with pytest.raises(BlobDamaged):
        plain_of(ours[: HEADER_SIZE + SEALED] + theirs[HEADER_SIZE + SEALED :])


@pytest.mark.parametrize(
    "elsewhere",
    [
        Context(uuid4(), PLACE.subject, PLACE.part),
        Context(PLACE.practice_id, uuid4(), PLACE.part),
        Context(PLACE.practice_id, PLACE.subject, "large"),
    ],
    ids=["another practice", "another file", "another part"],
)
def test_a_blob_that_was_moved_does_not_open(elsewhere: Context) -> None:
    blob = blob_of(content(100))
    assert plain_of(blob) == content(100)
    with pytest.raises(BlobDamaged):
        plain_of(blob, elsewhere)


@given(st.integers(0, 3 * CHUNK + 10), st.integers(0, 2 * CHUNK))
@settings(deadline=None, max_examples=60)
def test_any_range_can_be_read_alone(start: int, length: int) -> None:
    plain = content(3 * CHUNK + 5)
    reader = crypto.decrypt(io.BytesIO(blob_of(plain)), PLACE, lambda key_id: KEY)
    reader.seek(start)
    assert reader.read(length) == plain[start : start + length]


def test_reading_one_range_leaves_the_other_chunks_alone() -> None:
    blob = bytearray(blob_of(content(3 * CHUNK)))
    blob[HEADER_SIZE + 5] ^= 1  # the first chunk is damaged, the third is not
    reader = crypto.decrypt(io.BytesIO(bytes(blob)), PLACE, lambda key_id: KEY)
    reader.seek(2 * CHUNK + 10)
    assert reader.read(20) == content(3 * CHUNK)[2 * CHUNK + 10 :][:20]
    reader.seek(0)
    with pytest.raises(BlobDamaged):
        reader.read(1)


def test_the_same_bytes_never_look_the_same() -> None:
    blobs = {blob_of(b"the same")[HEADER_SIZE:] for _ in range(20)}
    assert len(blobs) == 20


def test_a_source_that_gives_little_at_a_time_makes_whole_chunks() -> None:
    class Dribble(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 1, 1000))

    plain = content(CHUNK + 17)
    blob = b"".join(crypto.encrypt(Dribble(plain), KEY_ID, KEY, PLACE))
    assert plain_of(blob) == plain
    assert len(blob) == len(blob_of(plain))


def test_the_header_tells_the_key() -> None:
    assert crypto.key_id_of(blob_of(b"x")) == KEY_ID
    with pytest.raises(BlobDamaged):
        crypto.key_id_of(b"GIF89a")
