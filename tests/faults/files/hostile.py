"""Pictures as an attacker sends them, made from samples of our own: the same seed is the same picture.

Every sample carries :data:`MARK` in each kind of metadata that its format knows; no accepted picture may show it.
"""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
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


def _segment(marker: int, content: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content


def _loaded_jpeg(plain: bytes) -> bytes:
    extra = (
        _segment(0xE1, b"Exif\0\0" + exif())
        + _segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + xmp())
        + _segment(0xE2, b"ICC_PROFILE\0\x01\x01" + icc())
        + _segment(0xED, _iptc())
        + _segment(0xEC, b"Ducky" + MARK)
        + _segment(0xFE, MARK + b" comment")
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


# --- mutations ---

Mutation = Callable[[Sample, random.Random], bytes]


def flips(sample: Sample, dice: random.Random) -> bytes:
    content = bytearray(sample.content)
    for _ in range(dice.choice((1, 1, 2, 5, 20, 100))):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    return bytes(content)


def flips_in_the_head(sample: Sample, dice: random.Random) -> bytes:
    content = bytearray(sample.content)
    for _ in range(dice.randint(1, 4)):
        content[dice.randrange(min(600, len(content)))] = dice.choice(
            (0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256))
        )
    return bytes(content)


def cut(sample: Sample, dice: random.Random) -> bytes:
    return sample.content[: dice.randrange(1, len(sample.content))]


def hole(sample: Sample, dice: random.Random) -> bytes:
    start = dice.randrange(len(sample.content))
    return sample.content[:start] + sample.content[start + dice.randint(1, 400) :]


def repeat(sample: Sample, dice: random.Random) -> bytes:
    start = dice.randrange(len(sample.content))
    piece = sample.content[start : start + dice.randint(1, 2_000)]
    return sample.content[:start] + piece * dice.choice((2, 3, 50)) + sample.content[start:]


def rubbish(sample: Sample, dice: random.Random) -> bytes:
    start, length = dice.randrange(len(sample.content)), dice.randint(1, 500)
    return sample.content[:start] + dice.randbytes(length) + sample.content[start + length :]


def shuffled_parts(sample: Sample, dice: random.Random) -> bytes:
    found = parts(sample)
    first, rest = found[0], found[1:]
    dice.shuffle(rest)
    return first + b"".join(rest)


def doubled_part(sample: Sample, dice: random.Random) -> bytes:
    found = parts(sample)
    place = dice.randrange(len(found))
    return b"".join([*found[:place], found[place] * dice.choice((2, 10, 200)), *found[place:]])


def missing_part(sample: Sample, dice: random.Random) -> bytes:
    found = parts(sample)
    del found[dice.randrange(len(found))]
    return b"".join(found)


def foreign_part(sample: Sample, dice: random.Random) -> bytes:
    found, others = parts(sample), parts(dice.choice(samples()))
    found.insert(dice.randint(1, len(found)), dice.choice(others))
    return b"".join(found)


def crossed(sample: Sample, dice: random.Random) -> bytes:
    other = dice.choice([s for s in samples() if s.format == sample.format]).content
    return sample.content[: dice.randrange(len(sample.content))] + other[dice.randrange(len(other)) :]


def lying_length(sample: Sample, dice: random.Random) -> bytes:
    """The length of a segment, chunk or box says something else."""
    found = parts(sample)
    place = dice.randrange(1, len(found))
    part = bytearray(found[place])
    wrong = dice.choice(
        (0, 1, 2, 7, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, len(part) * 2, dice.randrange(1 << 16))
    )
    if sample.format == "jpeg":
        part[2:4] = struct.pack(">H", wrong & 0xFFFF)
    elif sample.format == "webp":
        part[4:8] = struct.pack("<I", wrong & 0xFFFFFFFF)
    else:
        part[0:4] = struct.pack(">I", wrong & 0xFFFFFFFF)
    found[place] = bytes(part)
    return b"".join(found)


def lying_size(sample: Sample, dice: random.Random) -> bytes:
    """The header claims other dimensions, from none to as many as it can say; checksums fit."""
    width, height = (
        dice.choice((0, 1, 2, 63, 5_000, 7_070, 16_383, 65_535, 2**31 - 1, 2**32 - 1)) for _ in "wh"
    )
    content = bytearray(sample.content)
    if sample.format == "png":
        content[16:24] = struct.pack(">II", width, height)
        content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    elif sample.format == "jpeg":
        place = next(content.rfind(bytes((0xFF, m))) for m in (0xC0, 0xC2) if bytes((0xFF, m, 0)) in content)
        content[place + 5 : place + 9] = struct.pack(">HH", height & 0xFFFF, width & 0xFFFF)
    elif sample.format == "webp":
        if content[12:16] == b"VP8X":
            content[24:30] = (width & 0xFFFFFF).to_bytes(3, "little") + (height & 0xFFFFFF).to_bytes(
                3, "little"
            )
        else:
            content[26:30] = struct.pack("<HH", width & 0x3FFF, height & 0x3FFF)
    else:
        place = content.find(b"ispe")
        content[place + 8 : place + 16] = struct.pack(">II", width, height)
    return bytes(content)


def appended(sample: Sample, dice: random.Random) -> bytes:
    tail = dice.choice(
        (
            MARK * 3,
            b"\xff\xd8" + MARK,
            b"PK\x03\x04" + MARK,
            b"<script>" + MARK,
            dice.choice(samples()).content,
        )
    )
    return sample.content + tail * dice.choice((1, 1, 40))


def exif_bomb(sample: Sample, dice: random.Random) -> bytes:
    """Directories that point at themselves, counts of billions, offsets out of the file, hundreds of entries."""
    tiff = bytearray(exif(dice.randrange(0, 12)))
    for _ in range(dice.randint(1, 6)):
        place = dice.randrange(8, 1_400)
        tiff[place : place + 4] = dice.choice(
            (b"\0\0\0\x08", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\x03\x20")
        )
    if dice.random() < 0.3:
        tiff[8:10] = b"\xff\xff"
    block = bytes(tiff)
    if sample.format == "jpeg":
        return (
            sample.content[:2]
            + _segment(0xE1, b"Exif\0\0" + block) * dice.choice((1, 3))
            + sample.content[2:]
        )
    if sample.format == "png":
        return sample.content[:33] + png_chunk(b"eXIf", block) + sample.content[33:]
    if sample.format == "webp":
        chunk = b"EXIF" + struct.pack("<I", len(block)) + block + b"\0" * (len(block) % 2)
        whole = sample.content + chunk
        return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]
    place = sample.content.find(b"MM\0*")
    return (
        sample.content[:place] + block + sample.content[place + len(block) :] if place > 0 else sample.content
    )


def profile_bomb(sample: Sample, dice: random.Random) -> bytes:
    """Profiles and texts that grow a thousandfold when unpacked, that are cut, or that come in 255 pieces."""
    if sample.format == "png":
        packed = zlib.compress(b"\0" * dice.choice((1_000_000, 40_000_000)), 9)
        kind, head = dice.choice(
            ((b"iCCP", b"x\0\0"), (b"zTXt", b"Comment\0\0"), (b"iTXt", b"a\0\x01\0\0\0"))
        )
        return (
            sample.content[:33] + png_chunk(kind, head + packed) * dice.choice((1, 30)) + sample.content[33:]
        )
    profile = bytearray(icc())
    for _ in range(dice.randint(1, 12)):
        profile[dice.randrange(132)] = dice.randrange(256)
    struct.pack_into(">I", profile, 128, dice.choice((0, 1, 9, 2**31 - 1, 2**32 - 1)))
    if sample.format == "jpeg":
        pieces = dice.choice((1, 2, 255))
        block = b"".join(
            _segment(0xE2, b"ICC_PROFILE\0" + bytes((dice.randrange(1, 256), pieces)) + bytes(profile))
            for _ in range(pieces)
        )
        return sample.content[:2] + block + sample.content[2:]
    place = sample.content.find(icc()[:64])
    return (
        sample.content[:place] + bytes(profile) + sample.content[place + len(profile) :]
        if place > 0
        else flips(sample, dice)
    )


def moving(sample: Sample, dice: random.Random) -> bytes:
    """It says, or half says, that it moves."""
    if sample.format == "png":
        control = png_chunk(b"acTL", struct.pack(">II", dice.choice((0, 1, 2, 2**31)), 0))
        frame = png_chunk(b"fcTL", struct.pack(">5I2H2B", 0, 120, 88, 0, 0, 1, 10, 0, 0))
        place = dice.choice((33, len(sample.content) - 12))
        return (
            sample.content[:place] + dice.choice((control, control + frame, frame)) + sample.content[place:]
        )
    if sample.format == "webp":
        content = bytearray(pictures_of.animated("WEBP") if dice.random() < 0.5 else sample.content)
        content[20] ^= 0x02
        return bytes(content)
    if sample.format == "heic":
        content = bytearray(sample.content)
        content[8:12] = dice.choice((b"hevc", b"msf1", b"avif", b"mif1"))
        return bytes(content) + (struct.pack(">I4s", 8, b"moov") if dice.random() < 0.5 else b"")
    # Several pictures in one JPEG, as some phones keep theirs.
    return sample.content + sample.content[2:] + dice.choice(samples()).content


MUTATIONS: tuple[Mutation, ...] = (
    flips, flips_in_the_head, cut, hole, repeat, rubbish, shuffled_parts, doubled_part, missing_part, foreign_part,
    crossed, lying_length, lying_size, appended, exif_bomb, profile_bomb, moving,
)  # fmt: skip


def picture(seed: int) -> tuple[str, bytes]:
    """What this seed makes: a name that says how, and the bytes. Every sample meets every mutation in turn."""
    dice = random.Random(seed)
    sample = samples()[seed % len(samples())]
    mutation = MUTATIONS[(seed // len(samples())) % len(MUTATIONS)]
    content = mutation(sample, dice)
    if dice.random() < 0.15:
        second = dice.choice((flips, cut, appended, rubbish))
        content = second(Sample(sample.format, content), dice)
        return f"{sample.format}/{mutation.__name__}+{second.__name__}/{seed}", content
    return f"{sample.format}/{mutation.__name__}/{seed}", content


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
