"""Samples, made here: no picture of a real person or place is in the repository."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pillow_heif
from PIL import Image, ImageDraw, PngImagePlugin

pillow_heif.register_heif_opener()

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 30), (30, 30, 220), (250, 250, 250)


def scene(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Something with texture, so that it compresses like a photo rather than like a flat colour."""
    noise = Image.effect_noise((width // 4 or 1, height // 4 or 1), 90).resize((width, height))
    image = Image.merge("RGB", (noise, noise.transpose(Image.Transpose.FLIP_LEFT_RIGHT), noise))
    return image.convert(mode)


def corners(width: int = 400, height: int = 200) -> Image.Image:
    """Red, green / blue, white: which corner is where tells how a picture was turned."""
    image = Image.new("RGB", (width, height), RED)
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height), fill=BLUE)
    draw.rectangle((width // 2, height // 2, width, height), fill=WHITE)
    return image


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def jpeg(image: Image.Image | None = None, **options: Any) -> bytes:
    return saved(image or scene(320, 240), "JPEG", **{"quality": 90, **options})


def png(image: Image.Image | None = None, **options: Any) -> bytes:
    return saved(image or scene(320, 240), "PNG", **options)


def webp(image: Image.Image | None = None, **options: Any) -> bytes:
    return saved(image or scene(320, 240), "WEBP", **options)


def heic(image: Image.Image | None = None, **options: Any) -> bytes:
    return saved(image or scene(320, 240), "HEIF", **{"quality": 60, **options})


def animated(format: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), colour) for colour in (RED, GREEN, BLUE)]
    return saved(frames[0], format, save_all=True, append_images=frames[1:], duration=100, loop=0)


def empty_png(width: int, height: int) -> bytes:
    """A PNG whose header claims a size and whose pixels are a few bytes: a decompression bomb in the small."""
    row = b"\0" * (1 + width)
    packed = zlib.compressobj(9)
    data = b"".join(packed.compress(row) for _ in range(height)) + packed.flush()
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + _chunk(b"IDAT", data)
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_text(**words: str) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for key, value in words.items():
        info.add_text(key, value)
        info.add_itxt(key + "i", value)
    return info
