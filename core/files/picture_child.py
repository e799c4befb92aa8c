"""The rendering child: turns one stranger's picture after another into clean JPEGs.

Run by path as a program of its own (``python -I picture_child.py``): it imports nothing of Careroom, opens no file
and no socket, and has limits of memory, processor time and output. It reads a request from its standard input and
answers on its standard output, in frames: four bytes of length (big endian), then that many bytes.

    request:  format ("JPEG" | "PNG" | "WEBP" | "HEIF"), the file's bytes
    answer:   "ok", sizes (four times four bytes: large width, height, thumb width, height), large JPEG, thumb JPEG
          or: a reason code of core.files.errors.REASONS, nothing else

The output is encoded afresh from pixels alone, so nothing of the file but what can be seen goes along.
"""

from __future__ import annotations

import contextlib
import io
import resource
import struct
import sys
import warnings
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from PIL import Image

LARGE_SIDE: Final = 2016
THUMB_SIDE: Final = 320
QUALITY: Final = 85
MAX_PIXELS: Final = 50_000_000
MAX_INPUT: Final = 64 * 1024 * 1024
MEMORY_BYTES: Final = 1024 * 1024 * 1024
CPU_SECONDS: Final = 20
FORMATS: Final = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/heic": "HEIF"}
SIZES: Final = struct.Struct(">IIII")
_LENGTH: Final = struct.Struct(">I")
_ORIENTATION: Final = 0x0112


class Refused(Exception):
    """The picture is not taken; its only argument is a reason code."""


def frame(content: bytes) -> bytes:
    """A frame of the pipe protocol."""
    return length_of(content) + content


def length_of(content: bytes) -> bytes:
    """How the frame of this content begins."""
    return _LENGTH.pack(len(content))


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame; None when the other side has gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > MAX_INPUT:
        return None
    content = stream.read(length)
    return content if len(content) == length else None


def render(content: bytes, format: str) -> tuple[bytes, bytes, tuple[int, int, int, int]]:
    """Large and thumb JPEG and their sizes. Raises Refused; MemoryError when the limit is met."""
    from PIL import Image

    large = _upright(content, format)
    thumb = large.resize(_within(large.size, THUMB_SIDE), Image.Resampling.BICUBIC, reducing_gap=1.5)
    return _encode(large), _encode(thumb), (*large.size, *thumb.size)


def _within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """The size scaled down so that no side is longer; never up."""
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _upright(content: bytes, format: str) -> Image.Image:
    """Decoded, scaled, in sRGB, on white, the right way up."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=[format]) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise Refused("too_many_pixels")
            if format != "HEIF" and getattr(image, "is_animated", False) and image.format != "MPO":
                raise Refused("animated")
            size = _within(image.size, LARGE_SIDE)
            if image.format in ("JPEG", "MPO"):
                image.draft(None, size)
            image.load()
            # After loading: Pillow may load a PNG to find its EXIF, and what goes wrong there must not be passed over.
            turn = _turn_of(image)
            picture = _with_plain_channels(image)
            if picture.size != size:
                picture = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
            # Only now: what follows copies pixels, and there are fewer of them.
            picture = _in_srgb(_on_white(picture), image.info.get("icc_profile"))
    except (Refused, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Refused("too_many_pixels") from None
    except OSError as error:
        raise Refused("incomplete" if "truncated" in str(error) else "damaged") from None
    except Exception:  # hostile bytes find every kind of error in a decoder
        raise Refused("damaged") from None
    return picture if turn is None else picture.transpose(turn)


def _turn_of(image: Image.Image) -> Image.Transpose | None:
    """How the camera was held (EXIF 1 to 8); anything unreadable is upright."""
    from PIL.Image import Transpose

    try:
        orientation = int(image.getexif().get(_ORIENTATION) or 1)
    except Exception:  # hostile EXIF fails in many ways, and none of them matters: it is thrown away
        return None
    return {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }.get(orientation)


def _with_plain_channels(image: Image.Image) -> Image.Image:
    """Palettes, key colours, bits and sixteen-bit greys as L, RGB, RGBA or CMYK, which can be scaled well."""
    if image.mode.startswith(("I", "F")):
        # Sixteen bits of grey: keep the upper eight.
        return image.convert("I").point(lambda level: level * (1 / 256)).convert("L")
    if image.has_transparency_data:
        return image if image.mode in ("RGBA", "LA") else image.convert("RGBA")
    return image if image.mode in ("RGB", "L", "CMYK") else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode not in ("RGBA", "LA"):
        return image
    white = Image.new("RGB", image.size, "white")
    white.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return white


def _in_srgb(picture: Image.Image, profile: object) -> Image.Image:
    """Colours as sRGB means them; a profile that makes no sense is ignored."""
    from PIL import ImageCms

    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(
                picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _encode(picture: Image.Image) -> bytes:
    picture.info.clear()  # the encoder would take comments and profiles from here
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # pipes do not count: no file can be written
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold a patient's picture
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _allow_cpu(seconds: int) -> None:
    """Limit the processor time of the next picture: the limit counts from the start of the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _warm_up(format: str) -> None:
    from PIL import Image, ImageFile

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    if format == "HEIF" and "HEIF" not in Image.OPEN:
        import pillow_heif

        pillow_heif.options.DECODE_THREADS = 2
        pillow_heif.register_heif_opener(thumbnails=False)


def answer(format: str, content: bytes) -> list[bytes]:
    """The frames that answer one request."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from PIL import Image

        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            _warm_up(format)
            large, thumb, sizes = render(content, format)
        except Refused as refusal:
            return [str(refusal).encode()]
        except MemoryError:
            return [b"too_complex"]
    return [b"ok", SIZES.pack(*sizes), large, thumb]


def main(memory: int, cpu_seconds: int) -> None:
    """Answer requests until the other side closes the pipe."""
    _limit(memory)
    _warm_up("JPEG")
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.suppress(BrokenPipeError):
        while (format := read_frame(source)) is not None and (content := read_frame(source)) is not None:
            _allow_cpu(cpu_seconds)
            for part in answer(format.decode("ascii", "replace"), content):
                sink.write(length_of(part))
                sink.write(part)
            sink.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
