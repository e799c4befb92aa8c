"""Pictures as an attacker sends them, made from the samples of ``hostile``: the same seed is the same picture."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable

from tests.core.files import pictures_of
from tests.faults.files.hostile import MARK, Sample, exif, icc, parts, png_chunk, samples, segment

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
            sample.content[:2] + segment(0xE1, b"Exif\0\0" + block) * dice.choice((1, 3)) + sample.content[2:]
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
            segment(0xE2, b"ICC_PROFILE\0" + bytes((dice.randrange(1, 256), pieces)) + bytes(profile))
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
