"""Samples of our own for pictures as an attacker sends them, and what their formats are made of. See ``mutations``.

Every sample carries :data:`MARK` in each kind of metadata that its format knows; no accepted picture may show it.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageCms, PngImagePlugin

from tests.core.files import pictures_of

MARK = b"CAREROOM-PLANTED"


@dataclass(frozen=True)
class Sample:
    format: str
    content: bytes


# --- metadata ---


def _ifd(entries: list[tuple[int, int, int, bytes]], at: int, next_at: int = 0) -> bytes:
    """A TIFF directory at a place of the file: (tag, type, count, value); long values follow it."""
    head, tail = struct.pack(">H", len(entries)), b""
    after = at + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in sorted(entries):
        if len(value) <= 4:
            head += struct.pack(">HHI", tag, kind, count) + value.ljust(4, b"\0")
        else:
            head += struct.pack(">HHII", tag, kind, count, after + len(tail))
            tail += value + b"\0" * (len(value) % 2)
    return head + struct.pack(">I", next_at) + tail


def _text(tag: int, words: bytes) -> tuple[int, int, int, bytes]:
    return (tag, 2, len(words) + 1, words + b"\0")


def _pointer(tag: int, place: int) -> tuple[int, int, int, bytes]:
    return (tag, 4, 1, struct.pack(">I", place))


def exif(orientation: int = 6) -> bytes:
    """A TIFF with a description, a maker note, a place on the earth and a thumbnail, all marked."""
    thumb = pictures_of.jpeg(Image.new("RGB", (16, 16)), comment=MARK + b" thumbnail")
    main, details, gps, second, picture = 8, 400, 800, 1200, 1500
    ifd0 = _ifd(
        [
            _text(0x010E, MARK + b" description"),
            (0x0112, 3, 1, struct.pack(">H", orientation)),
            _text(0x013B, MARK + b" artist"),
            _pointer(0x8769, details),
            _pointer(0x8825, gps),
        ],
        main,
        second,
    )
    ifd_exif = _ifd(
        [(0x927C, 7, len(MARK) + 11, MARK + b" maker note"), _text(0xA431, MARK + b" serial")], details
    )
    ifd_gps = _ifd(
        [_text(0x1D, MARK + b" gps"), (0x0002, 5, 3, struct.pack(">6I", 53, 1, 47, 1, 59, 1))], gps
    )
    ifd1 = _ifd([_pointer(0x0201, picture), _pointer(0x0202, len(thumb))], second)
    whole = bytearray(picture + len(thumb))
    whole[0:8] = b"MM\0*" + struct.pack(">I", main)
    for place, part in ((main, ifd0), (details, ifd_exif), (gps, ifd_gps), (second, ifd1), (picture, thumb)):
        whole[place : place + len(part)] = part
    return bytes(whole)


def xmp() -> bytes:
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><dc:creator>'
        + MARK
        + b" xmp</dc:creator></rdf:RDF></x:xmpmeta>"
    )


@lru_cache(maxsize=1)
def icc() -> bytes:
    """An sRGB profile with a copyright of ours: still valid, since the tag keeps its length."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return bytes(profile) + MARK + b" icc"


def _iptc() -> bytes:
    words = MARK + b" iptc"
    record = b"\x1c\x02\x78" + struct.pack(">H", len(words)) + words
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record + b"\0" * (len(record) % 2)
    return b"Photoshop 3.0\0" + block


def segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def _loaded_jpeg(plain: bytes) -> bytes:
    extra = (
        segment(0xE1, b"Exif\0\0" + exif())
        + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp())
        + segment(0xE2, b"ICC_PROFILE\0\x01\x01" + icc())
        + segment(0xED, _iptc())
        + segment(0xEC, b"Ducky" + MARK)
        + segment(0xFE, MARK + b" comment")
    )
    return plain[:2] + extra + plain[2:]


@lru_cache(maxsize=1)
def samples() -> tuple[Sample, ...]:
    scene, palette = pictures_of.scene(120, 88), pictures_of.scene(64, 64).convert("P")
    alpha = pictures_of.scene(70, 50).convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", MARK.decode())
    words.add_text("Author", MARK.decode(), zip=False)
    words.add_itxt("XML:com.adobe.xmp", xmp().decode())
    png_options = {"pnginfo": words, "exif": exif(), "icc_profile": icc()}
    loaded = {"exif": b"Exif\0\0" + exif(), "icc_profile": icc(), "xmp": xmp()}
    return (
        Sample("jpeg", _loaded_jpeg(pictures_of.jpeg(scene))),
        Sample("jpeg", _loaded_jpeg(pictures_of.jpeg(scene, progressive=True))),
        Sample("jpeg", _loaded_jpeg(pictures_of.jpeg(scene.convert("CMYK")))),
        Sample("jpeg", _loaded_jpeg(pictures_of.jpeg(scene.convert("L")))),
        Sample("png", pictures_of.png(scene, **png_options)),
        Sample("png", pictures_of.png(palette, **png_options)),
        Sample("png", pictures_of.png(alpha, **png_options)),
        Sample("png", pictures_of.png(Image.linear_gradient("L").convert("I;16"), **png_options)),
        Sample("webp", pictures_of.webp(scene, **loaded)),
        Sample("webp", pictures_of.webp(alpha, lossless=True, **loaded)),
        Sample("webp", pictures_of.webp(scene)),
        Sample("heic", pictures_of.heic(scene, **{**loaded, "xmp": xmp()})),
        Sample("heic", pictures_of.heic(alpha)),
    )


# --- what the formats are made of ---


def parts(sample: Sample) -> list[bytes]:
    """The file cut at the borders of its segments, chunks or boxes; joined it is the file again."""
    return {"jpeg": _segments, "png": _chunks, "webp": _riff, "heic": _boxes}[sample.format](sample.content)


def _segments(content: bytes) -> list[bytes]:
    found, place = [content[:2]], 2
    while content[place + 1] != 0xDA:
        length = int.from_bytes(content[place + 2 : place + 4], "big") + 2
        found.append(content[place : place + length])
        place += length
    return [*found, content[place:-2], content[-2:]]


def _chunks(content: bytes) -> list[bytes]:
    found, place = [content[:8]], 8
    while place < len(content):
        length = int.from_bytes(content[place : place + 4], "big") + 12
        found.append(content[place : place + length])
        place += length
    return found


def _riff(content: bytes) -> list[bytes]:
    found, place = [content[:12]], 12
    while place < len(content):
        length = int.from_bytes(content[place + 4 : place + 8], "little")
        length += 8 + length % 2
        found.append(content[place : place + length])
        place += length
    return found


def _boxes(content: bytes) -> list[bytes]:
    found, place = [], 0
    while place < len(content):
        length = int.from_bytes(content[place : place + 4], "big") or len(content) - place
        found.append(content[place : place + length])
        place += length
    return found


def png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def carried_along(jpeg: bytes) -> list[str]:
    """What a finished picture holds beside its pixels: should be nothing."""
    found = ["the mark"] if MARK in jpeg or MARK[:8] in jpeg else []
    with Image.open(io.BytesIO(jpeg)) as image:
        image.load()
        found += sorted(set(image.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density"})
        if image.getexif():
            found.append("exif")
    if jpeg[-2:] != b"\xff\xd9":
        found.append("bytes after the end")
    return found
