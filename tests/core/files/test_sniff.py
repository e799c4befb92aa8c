"""What is let in and what is refused, told from the bytes alone and before anything decodes them."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core import i18n
from core.files.errors import REASONS, FileRefused, refusal_text
from core.files.sniff import sniff_bytes
from tests.core.files import pictures_of


def reason_of(content: bytes) -> str:
    with pytest.raises(FileRefused) as refusal:
        sniff_bytes(content)
    assert refusal.value.message == refusal_text(refusal.value.reason)
    return refusal.value.reason


def answer_to(content: bytes) -> str:
    try:
        found = sniff_bytes(content)
    except FileRefused as refusal:
        return refusal.reason
    return "taken" if 0 < found.width * found.height <= 50_000_000 else "let in against the rules"


SAMPLES = {
    "image/jpeg": pictures_of.jpeg(),
    "image/png": pictures_of.png(),
    "image/webp": pictures_of.webp(),
    "image/heic": pictures_of.heic(),
}


@pytest.mark.parametrize("media_type", SAMPLES)
def test_the_four_formats_are_taken_with_their_size(media_type: str) -> None:
    found = sniff_bytes(SAMPLES[media_type])
    assert (found.media_type, found.width, found.height) == (media_type, 320, 240)


@pytest.mark.parametrize("options", [{"lossless": True}, {"exact": True, "lossless": True}, {"quality": 10}])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_every_kind_of_webp_tells_its_size(mode: str, options: dict[str, object]) -> None:
    found = sniff_bytes(pictures_of.webp(pictures_of.scene(333, 77, mode), **options))
    assert (found.width, found.height) == (333, 77)


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"optimize": True}, {"subsampling": 0}, {"exif": b"x" * 60_000}]
)
def test_every_kind_of_jpeg_tells_its_size(options: dict[str, object]) -> None:
    found = sniff_bytes(pictures_of.jpeg(pictures_of.scene(333, 77), **options))
    assert (found.width, found.height) == (333, 77)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"Dear doctor, this is not a photo.\n" * 40, "format"),
        (b"%PDF-1.7\n", "format"),
        (b"PK\x03\x04" + bytes(200), "format"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "incomplete"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "format"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "drawing"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<svg width="1">', "drawing"),
        (pictures_of.animated("PNG"), "animated"),
        (pictures_of.animated("WEBP"), "animated"),
        (pictures_of.animated("GIF"), "animated"),
        (pictures_of.saved(pictures_of.scene(20, 20), "GIF"), "format"),
        (pictures_of.saved(pictures_of.scene(20, 20), "TIFF"), "format"),
        (pictures_of.saved(pictures_of.scene(20, 20), "BMP"), "format"),
        (pictures_of.empty_png(10_000, 10_000), "too_many_pixels"),
        (b"\xff\xd8\xff", "incomplete"),
        (b"\xff\xd8\xff\xd9", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "incomplete"),
        (b"RIFF\x04\0\0\0WEBP", "incomplete"),
    ],
)
def test_what_is_no_still_photo_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    assert reason_of(content) == reason


def test_heic_sequences_are_moving_pictures() -> None:
    still = SAMPLES["image/heic"]
    for brand in (b"hevc", b"msf1"):
        assert reason_of(still[:8] + brand + still[12:]) == "animated"
    movie = still + b"\0\0\0\x10moov" + bytes(8)
    assert reason_of(movie) == "animated"


@pytest.mark.parametrize("media_type", SAMPLES)
@pytest.mark.parametrize("part", [0.3, 0.7, 0.99])
def test_a_photo_that_was_cut_is_incomplete(media_type: str, part: float) -> None:
    content = SAMPLES[media_type]
    assert reason_of(content[: int(len(content) * part)]) == "incomplete"


def test_fifty_million_pixels_is_the_border() -> None:
    assert sniff_bytes(pictures_of.empty_png(10_000, 5_000)).width == 10_000
    assert reason_of(pictures_of.empty_png(10_000, 5_001)) == "too_many_pixels"


def test_looking_decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise AssertionError("a decoder was asked in this process")

    monkeypatch.setattr(Image, "open", fail)
    monkeypatch.setattr(sys.modules["pillow_heif"], "open_heif", fail)
    for content in SAMPLES.values():
        sniff_bytes(content)


@given(st.sampled_from(sorted(SAMPLES)), st.data())
@settings(deadline=None, max_examples=300)
def test_hostile_headers_get_an_answer_never_another_exception(media_type: str, data: st.DataObject) -> None:
    content = bytearray(SAMPLES[media_type])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, min(len(content) - 1, 700)))
        content[place] = data.draw(st.integers(0, 255))
    found = answer_to(bytes(content))
    assert found in REASONS or found == "taken"


@given(st.binary(max_size=400), st.sampled_from([b"", *(content[:16] for content in SAMPLES.values())]))
@settings(deadline=None, max_examples=300)
def test_random_bytes_are_refused_in_words(tail: bytes, head: bytes) -> None:
    assert answer_to(head + tail) in REASONS


def test_every_reason_is_a_sentence() -> None:
    with i18n.use_language("en"):
        for reason in REASONS:
            text = refusal_text(reason)
            assert text[0].isupper(), reason
            assert text.endswith("."), reason
    assert FileRefused("too_large").status == 413
    assert FileRefused("format").status == 415
    assert FileRefused("damaged").status == 422
    own = FileRefused("too_many", "You have sent 10 photos.")
    assert (own.reason, own.message, own.status) == ("too_many", "You have sent 10 photos.", 422)
