"""Rendering: what is seen comes out, upright and small; nothing else does; bad pictures harm nobody."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image, ImageCms

from core.files import picture_child, pictures
from core.files.errors import PictureFailed
from core.files.pictures import Child, ChildFailed, ChildKilled, Renderer
from tests.core.files import pictures_of
from tests.core.files.pictures_of import BLUE, GREEN, RED, WHITE

MARKER = b"PLANTED-SECRET-51.5007N"


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer()
    yield made
    made.close()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def near(found: object, wanted: tuple[int, ...], by: int = 14) -> bool:
    assert isinstance(found, tuple)
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


def reason_of(renderer: Renderer, content: bytes, media_type: str = "image/jpeg") -> str:
    with pytest.raises(PictureFailed) as failure:
        renderer.render(content, media_type)
    return failure.value.reason


@pytest.mark.parametrize(
    ("size", "large", "thumb"),
    [
        ((4032, 3024), (2016, 1512), (320, 240)),
        ((3000, 4000), (1512, 2016), (240, 320)),
        ((2017, 100), (2016, 100), (320, 16)),
        ((640, 480), (640, 480), (320, 240)),
        ((100, 50), (100, 50), (100, 50)),
        ((1, 1), (1, 1), (1, 1)),
        ((9000, 2), (2016, 1), (320, 1)),
    ],
)
def test_the_two_sizes(
    renderer: Renderer, size: tuple[int, int], large: tuple[int, int], thumb: tuple[int, int]
) -> None:
    made = renderer.render(pictures_of.jpeg(Image.new("RGB", size, RED)), "image/jpeg")
    assert [(p.name, p.width, p.height) for p in made] == [("large", *large), ("thumb", *thumb)]
    for picture in made:
        image = opened(picture.content)
        assert image.format == "JPEG"
        assert image.size == (picture.width, picture.height)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "image/webp", "image/heic"])
def test_every_way_of_holding_the_camera_comes_out_upright(
    renderer: Renderer, kind: str, orientation: int
) -> None:
    # Take an upright picture, store it the way such a camera would, and expect it upright again.
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }.get(orientation)
    stored = pictures_of.corners()
    stored = stored if undo is None else stored.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    save = {
        "image/jpeg": pictures_of.jpeg,
        "image/png": pictures_of.png,
        "image/webp": pictures_of.webp,
        "image/heic": pictures_of.heic,
    }[kind]
    for picture in renderer.render(save(stored, exif=exif.tobytes()), kind):
        image = opened(picture.content)
        width, height = image.size
        assert width == 2 * height
        seen = [
            image.getpixel((x, y))
            for y in (height // 4, 3 * height // 4)
            for x in (width // 4, 3 * width // 4)
        ]
        assert all(near(s, wanted) for s, wanted in zip(seen, (RED, GREEN, BLUE, WHITE), strict=True)), seen


def full_exif() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = MARKER.decode()  # description
    exif[0x010F] = MARKER.decode()  # make
    exif.get_ifd(0x8825)[0x001D] = MARKER.decode()  # GPS
    exif.get_ifd(0x8769)[0x927C] = b"MAKERNOTE" + MARKER
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + MARKER  # user comment
    return exif.tobytes()


def named_profile() -> bytes:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    return bytes(profile) + MARKER


def laden(kind: str) -> bytes:
    """A picture with the marker wherever a marker can be."""
    image = pictures_of.scene(800, 600)
    thumbnail = pictures_of.jpeg(Image.new("RGB", (64, 64), RED), comment=MARKER)
    if kind == "image/jpeg":
        iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0" + bytes([len(MARKER)]) + MARKER
        content = pictures_of.jpeg(
            image,
            exif=full_exif() + thumbnail,
            comment=MARKER,
            icc_profile=named_profile(),
            xmp=b"<x>" + MARKER,
        )
        segment = b"\xff\xed" + (len(iptc) + 2).to_bytes(2, "big") + iptc
        return content[:2] + segment + content[2:] + MARKER + b"PK\x03\x04" + MARKER
    if kind == "image/png":
        text = pictures_of.png_text(Comment=MARKER.decode(), **{"XML:com.adobe.xmp": MARKER.decode()})
        return pictures_of.png(image, exif=full_exif(), pnginfo=text, icc_profile=named_profile()) + MARKER
    if kind == "image/webp":
        return pictures_of.webp(image, exif=full_exif(), xmp=MARKER, icc_profile=named_profile()) + MARKER
    return pictures_of.heic(image, exif=full_exif(), xmp=b"<x>" + MARKER + b"</x>")


@pytest.mark.parametrize("kind", ["image/jpeg", "image/png", "image/webp", "image/heic"])
def test_no_byte_of_metadata_comes_through(renderer: Renderer, kind: str) -> None:
    content = laden(kind)
    assert MARKER in content
    for picture in renderer.render(content, kind):
        assert MARKER not in picture.content
        for word in (
            b"Exif\0",
            b"ICC_PROFILE",
            b"MAKERNOTE",
            b"Photoshop",
            b"8BIM\x04",
            b"PK\x03\x04",
            b"adobe",
        ):
            assert word not in picture.content
        image = opened(picture.content)
        assert not image.getexif()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert picture.content.endswith(b"\xff\xd9")


@pytest.mark.parametrize(
    "tail", [b"<html><script>alert(1)</script>", b"PK\x03\x04zip", b"%PDF-1.7", bytes(5000)]
)
def test_a_polyglot_loses_its_other_half(renderer: Renderer, tail: bytes) -> None:
    content = pictures_of.jpeg(pictures_of.corners(), comment=b"<script>1</script>") + tail
    for picture in renderer.render(content, "image/jpeg"):
        assert tail not in picture.content
        assert b"<script" not in picture.content


def test_colours_of_another_profile_are_converted(renderer: Renderer) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    swapped = bytearray(lab.tobytes())
    red, blue = swapped.index(b"rXYZ"), swapped.index(b"bXYZ")
    # A profile whose red is sRGB's blue: a picture that says "red" with it must come out blue.
    swapped[red : red + 4], swapped[blue : blue + 4] = b"bXYZ", b"rXYZ"
    content = pictures_of.jpeg(Image.new("RGB", (64, 64), (255, 0, 0)), icc_profile=bytes(swapped))
    found = opened(renderer.render(content, "image/jpeg")[0].content).getpixel((30, 30))
    assert near(found, (0, 0, 255), by=20), found
    broken = pictures_of.jpeg(Image.new("RGB", (64, 64), (255, 0, 0)), icc_profile=b"no profile at all")
    assert near(opened(renderer.render(broken, "image/jpeg")[0].content).getpixel((30, 30)), (254, 0, 0))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_mode_of_png_is_shown(renderer: Renderer, mode: str) -> None:
    grey = (
        Image.new("I;16", (60, 40), 40_000) if mode == "I;16" else Image.new("L", (60, 40), 156).convert(mode)
    )
    content = pictures_of.png(grey)
    shown = opened(renderer.render(content, "image/png")[0].content)
    assert shown.mode == "RGB"
    if mode != "1":  # dithered
        assert near(shown.getpixel((20, 20)), (156, 156, 156), by=3)


def test_what_is_transparent_is_white(renderer: Renderer) -> None:
    half = Image.new("RGBA", (3000, 30), (200, 0, 0, 128))
    half.paste((0, 0, 0, 0), (0, 0, 1500, 30))
    palette = Image.new("RGB", (40, 40), RED).quantize(4)
    palette.putpalette([0, 0, 0] * 4)
    palette.paste(3, (0, 0, 40, 40))
    keyed = pictures_of.png(palette, transparency=3)
    large = opened(renderer.render(pictures_of.png(half), "image/png")[0].content)
    assert near(large.getpixel((300, 10)), (255, 255, 255))
    assert near(large.getpixel((1800, 10)), (227, 127, 127))
    assert near(opened(renderer.render(keyed, "image/png")[0].content).getpixel((5, 5)), (255, 255, 255))


def test_cmyk_comes_out_in_its_colours(renderer: Renderer) -> None:
    content = pictures_of.jpeg(Image.new("CMYK", (64, 64), (0, 255, 255, 0)))
    assert near(
        opened(renderer.render(content, "image/jpeg")[0].content).getpixel((9, 9)), (254, 0, 0), by=40
    )


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_a_truncated_photo_is_rejected(renderer: Renderer, kept: float) -> None:
    for content, kind in (
        (pictures_of.jpeg(pictures_of.scene(900, 700)), "image/jpeg"),
        (pictures_of.png(pictures_of.scene(900, 700)), "image/png"),
    ):
        assert reason_of(renderer, content[: int(len(content) * kept)], kind) == "incomplete"
    for content, kind in ((pictures_of.webp(), "image/webp"), (pictures_of.heic(), "image/heic")):
        assert reason_of(renderer, content[: int(len(content) * kept)], kind) in ("damaged", "incomplete")


def test_pixels_are_counted_before_they_are_decoded(renderer: Renderer) -> None:
    assert reason_of(renderer, pictures_of.empty_png(10_000, 10_000), "image/png") == "too_many_pixels"
    assert renderer.render(pictures_of.empty_png(7_000, 7_000), "image/png")[0].width == 2016


def test_moving_pictures_and_other_formats_are_rejected(renderer: Renderer) -> None:
    assert reason_of(renderer, pictures_of.animated("PNG"), "image/png") == "animated"
    assert reason_of(renderer, pictures_of.animated("WEBP"), "image/webp") == "animated"
    # The format is the one that was sniffed: no other decoder is tried.
    assert reason_of(renderer, pictures_of.saved(pictures_of.scene(9, 9), "GIF"), "image/jpeg") == "damaged"
    assert reason_of(renderer, pictures_of.png(), "image/jpeg") == "damaged"


def test_text_bombs_in_png_are_rejected(renderer: Renderer) -> None:
    info = pictures_of.png_text()
    info.add_text("bomb", "0" * 80_000_000, zip=True)
    assert reason_of(renderer, pictures_of.png(pnginfo=info), "image/png") == "damaged"


def test_one_child_serves_picture_after_picture_and_is_replaced_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "PICTURES_A_CHILD", 3)
    renderer = Renderer()
    seen = []
    for _ in range(4):
        renderer.render(pictures_of.jpeg(), "image/jpeg")
        seen.append(renderer.child_pid())
    renderer.close()
    assert seen[0] == seen[1] == seen[2] != seen[3]
    assert not Path(f"/proc/{seen[0]}").exists()
    assert not Path(f"/proc/{seen[3]}").exists()


def test_a_child_out_of_memory_is_a_clear_rejection_and_the_next_picture_works() -> None:
    renderer = Renderer(memory=160 * 1024 * 1024)
    large = pictures_of.png(Image.new("RGB", (7_000, 7_000)), compress_level=1)
    assert reason_of(renderer, large, "image/png") == "too_complex"
    assert renderer.render(pictures_of.jpeg(), "image/jpeg")[0].width == 320
    renderer.close()


def test_a_child_out_of_processor_time_is_killed() -> None:
    renderer = Renderer(cpu_seconds=0)
    slow = pictures_of.png(pictures_of.scene(6_000, 6_000), compress_level=1)
    assert reason_of(renderer, slow, "image/png") == "too_complex"
    assert renderer.render(pictures_of.jpeg(), "image/jpeg")[0].width == 320
    renderer.close()


def test_a_silent_child_is_given_up() -> None:
    child = Child()
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(ChildFailed):
        child.ask("JPEG", pictures_of.jpeg(), 0.3)
    assert not Path(f"/proc/{child.pid}").exists()


def test_a_child_that_was_killed_between_two_pictures_is_replaced() -> None:
    renderer = Renderer()
    renderer.render(pictures_of.jpeg(), "image/jpeg")
    pid = renderer.child_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert renderer.render(pictures_of.jpeg(), "image/jpeg")[0].width == 320
    assert renderer.child_pid() != pid
    renderer.close()


def test_a_child_that_others_kill_says_nothing_about_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Renderer()
    ask = Child.ask

    def ask_and_be_killed(child: Child, *arguments: Any) -> Any:
        os.kill(child.pid, signal.SIGKILL)
        return ask(child, *arguments)

    monkeypatch.setattr(Child, "ask", ask_and_be_killed)
    with pytest.raises(ChildKilled):
        renderer.render(pictures_of.jpeg(), "image/jpeg")
    monkeypatch.undo()
    assert renderer.render(pictures_of.jpeg(), "image/jpeg")[0].width == 320
    renderer.close()


def test_the_child_has_limits_no_environment_and_none_of_our_files() -> None:
    renderer = Renderer()
    renderer.render(pictures_of.jpeg(), "image/jpeg")
    home = Path(f"/proc/{renderer.child_pid()}")
    limits = (home / "limits").read_text()
    assert str(picture_child.MEMORY_BYTES) in limits
    assert [line.split()[3:5] for line in limits.splitlines() if line.startswith("Max file size")] == [
        ["0", "0"]
    ]
    assert b"CAREROOM" not in (home / "environ").read_bytes()
    assert sorted(int(entry.name) for entry in (home / "fd").iterdir()) == [0, 1, 2]
    renderer.close()


@pytest.mark.parametrize(
    "answer",
    [
        [b"ok", b"short", b"", b""],
        [b"ok", picture_child.SIZES.pack(320, 240, 320, 240), b"GIF89a", b"GIF89a"],
        [b"../../etc/passwd"],
        [b"\xff\xfe"],
    ],
)
def test_an_answer_that_is_no_picture_is_not_believed(answer: list[bytes]) -> None:
    with pytest.raises(PictureFailed) as failure:
        pictures._checked(answer)
    assert failure.value.reason == "damaged"


def test_an_answer_that_carries_something_along_is_not_believed() -> None:
    plain = pictures_of.jpeg(pictures_of.scene(320, 240))
    sizes = picture_child.SIZES.pack(320, 240, 320, 240)
    assert pictures._checked([b"ok", sizes, plain, plain])[0].content == plain
    for laden in (
        plain + b"!",
        pictures_of.jpeg(pictures_of.scene(320, 240), comment=b"x"),
        pictures_of.jpeg(pictures_of.scene(320, 240), exif=full_exif()),
        pictures_of.jpeg(pictures_of.scene(321, 240)),
    ):
        with pytest.raises(PictureFailed):
            pictures._checked([b"ok", sizes, laden, plain])


def test_heic_of_a_phone_comes_out(renderer: Renderer) -> None:
    assert pillow_heif.libheif_version()
    made = renderer.render(pictures_of.heic(pictures_of.corners(2400, 1200)), "image/heic")
    assert (made[0].width, made[0].height) == (2016, 1008)
    assert near(opened(made[0].content).getpixel((100, 100)), RED, by=25)
