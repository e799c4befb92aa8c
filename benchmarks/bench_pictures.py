"""The picture pipeline beside libjpeg's own programs, on a 12-megapixel photo as a phone takes it.

Ours decodes, turns upright, strips, makes 2016 and 320 px and checks the result, in the rendering child; what this
process spends on handing it over is counted too. The floor decodes and encodes and does nothing else.
"""

import io
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.measure import Row, cpu_of_children, cpu_of_process, in_child, side_by_side

WIDTH, HEIGHT = 4032, 3024
ROUNDS: Final = 4


def photo() -> bytes:
    """A photo of 12 megapixels with the detail of a real one: gradients, edges and sensor noise; taken on its side."""
    from PIL import Image, ImageChops

    noise = Image.effect_noise((WIDTH, HEIGHT), 24)
    gradient = Image.radial_gradient("L").resize((WIDTH, HEIGHT))
    waves = Image.linear_gradient("L").resize((WIDTH // 16, HEIGHT)).resize((WIDTH, HEIGHT))
    picture = Image.merge(
        "RGB",
        [
            ImageChops.blend(gradient, noise, 0.25),
            ImageChops.blend(waves, noise, 0.25),
            ImageChops.blend(ImageChops.difference(gradient, waves), noise, 0.25),
        ],
    )
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter, as phones store what was taken upright
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90, exif=exif)
    return out.getvalue()


def pipeline(content: bytes) -> float:
    """Processor milliseconds a picture in our pipeline: this process and its warm child together."""
    from core.files import pictures

    renderer = pictures.Renderer()
    renderer.render(content, "image/jpeg")
    pid = renderer.child_pid()
    assert pid is not None
    before = time.process_time() + cpu_of_process(pid)
    for _ in range(ROUNDS):
        renderer.render(content, "image/jpeg")
    spent = time.process_time() + cpu_of_process(pid) - before
    renderer.close()
    return spent / ROUNDS * 1000


def memory(content: bytes) -> float:
    """Megabytes that a photo takes at its peak in the child, beyond what the child has when it is warm and idle."""
    from PIL import Image

    from core.files import pictures

    small = io.BytesIO()
    Image.new("RGB", (8, 8)).save(small, "JPEG")
    renderer = pictures.Renderer()
    renderer.render(small.getvalue(), "image/jpeg")
    idle = _peak_memory(renderer.child_pid())
    for _ in range(ROUNDS):
        renderer.render(content, "image/jpeg")
    peak = _peak_memory(renderer.child_pid())
    renderer.close()
    return peak - idle


def _peak_memory(pid: int | None) -> float:
    """The most that a running process ever had in memory, in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000


def floor(content: bytes, *options: str) -> float:
    """Processor milliseconds of djpeg and cjpeg for the same photo."""

    def work() -> None:
        for _ in range(ROUNDS):
            pixels = subprocess.run(
                ["djpeg", *options, str(source)], check=True, stdout=subprocess.PIPE
            ).stdout
            subprocess.run(["cjpeg", "-quality", "85"], input=pixels, check=True, stdout=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "photo.jpg"
        source.write_bytes(content)
        return cpu_of_children(work) / ROUNDS * 1000


def rows() -> Iterable[Row]:
    if shutil.which("djpeg") is None or shutil.which("cjpeg") is None:
        raise SystemExit("djpeg and cjpeg are needed: scripts/system-packages (Debian: libjpeg-turbo-progs)")
    content = photo()
    note = f"{WIDTH * HEIGHT / 1e6:.0f} MP, {len(content) / 1e6:.1f} MB"
    for peer_name, options, goal in (
        ("djpeg | cjpeg, full size", (), 0.6),
        ("djpeg -scale 1/2 | cjpeg", ("-scale", "1/2"), 1.2),
    ):
        ours, peer = side_by_side(partial(in_child, pipeline, content), partial(floor, content, *options))
        yield Row("photo to 2016 and 320 px", ours, peer_name, peer, "ms", goal, note)
    yield Row("memory of a photo", in_child(memory, content), "the design's limit", 40.0, "MB", 1.0, note)
