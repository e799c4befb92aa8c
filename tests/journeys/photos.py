"""Photos to send, painted here: a forearm-coloured surface with a harmless rash. No picture of a person is kept."""

from __future__ import annotations

import io
import random
from typing import TypedDict

from PIL import Image, ImageChops, ImageDraw, ImageFilter


class Chosen(TypedDict):
    """A file as ``set_input_files`` takes it."""

    name: str
    mimeType: str
    buffer: bytes


TONES = (((236, 196, 170), (206, 158, 130)), ((196, 146, 112), (160, 112, 82)), ((128, 88, 64), (98, 64, 46)))


def skin(seed: int, size: tuple[int, int] = (900, 1200), *, close: bool = False) -> Image.Image:
    """Skin in one of three tones, softly lit, with a few reddish spots; ``close``: seen from nearer."""
    dice = random.Random(seed)
    light, dark = TONES[seed % len(TONES)]
    width, height = 300, 300 * size[1] // size[0]
    shade = Image.linear_gradient("L").resize((width, height)).rotate(dice.choice((0, 180)))
    base = Image.composite(
        Image.new("RGB", (width, height), dark), Image.new("RGB", (width, height), light), shade
    )
    grain = Image.effect_noise((width, height), 14).filter(ImageFilter.GaussianBlur(0.7))
    base = ImageChops.overlay(base, Image.merge("RGB", (grain, grain, grain)))
    spots = Image.new("L", (width, height), 0)
    draw = ImageDraw.Draw(spots)
    middle_x, middle_y = width * dice.uniform(0.42, 0.58), height * dice.uniform(0.42, 0.58)
    for _ in range(14 if close else 34):
        x, y = dice.gauss(middle_x, width * 0.14), dice.gauss(middle_y, height * 0.12)
        r = dice.uniform(9, 24) if close else dice.uniform(3, 10)
        draw.ellipse((x - r, y - r * dice.uniform(0.7, 1.1), x + r, y + r), fill=dice.randint(70, 150))
    spots = spots.filter(ImageFilter.GaussianBlur(5 if close else 2.4))
    base.paste(Image.new("RGB", base.size, (190, 62, 58)), mask=spots)
    if not close:
        _ruler(ImageDraw.Draw(base), width, height)
    return base.resize(size, Image.Resampling.BICUBIC)


def _ruler(draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    """A strip of paper with centimetres, as patients are asked to lay beside it."""
    top = height - 46
    draw.rectangle((24, top, width - 24, height - 20), fill=(246, 244, 236), outline=(206, 202, 190))
    for mark in range(0, width - 60, 5):
        draw.line((30 + mark, top, 30 + mark, top + (12 if mark % 25 == 0 else 6)), fill=(70, 70, 70))


def jpeg(seed: int = 1, *, name: str = "", close: bool = False, quality: int = 88) -> Chosen:
    """A photo of some 100 kB."""
    return chosen(name or f"IMG_{seed:04}.jpg", _saved(skin(seed, close=close), quality))


def heavy(seed: int, megabytes: float, *, name: str = "") -> Chosen:
    """A JPEG of about this size; below 3 MB, so that the page sends it as it is. Few pixels, the rest is padding."""
    content = _saved(skin(seed), 88)
    dice = random.Random(seed)
    parts = [content[:2]]
    left = int(megabytes * 1024 * 1024) - len(content)
    while left > 0:
        part = dice.randbytes(min(left, 60_000))
        parts.append(b"\xff\xfe" + (len(part) + 2).to_bytes(2, "big") + part)  # a comment segment
        left -= len(part) + 4
    return chosen(name or f"IMG_{seed:04}.jpg", b"".join([*parts, content[2:]]))


def chosen(name: str, content: bytes, media_type: str = "image/jpeg") -> Chosen:
    """Any bytes under any name."""
    return Chosen(name=name, mimeType=media_type, buffer=content)


def text_named_jpg() -> Chosen:
    """What somebody renamed."""
    return chosen("shopping list.jpg", b"milk, bread, and a dozen eggs\n" * 40)


def truncated_jpeg(seed: int = 9) -> Chosen:
    """A photo whose second half never left the old phone."""
    content = _saved(skin(seed), 88)
    return chosen("half.jpg", content[: len(content) // 2])


def _saved(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()
