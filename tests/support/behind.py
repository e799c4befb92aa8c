"""The worker that puts another background behind a person, alone on a page of Chromium, and somebody to look at."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Browser, Page, Route

ROOT: Final = Path(__file__).parents[2]
WORKER: Final = ROOT / "plugins" / "video_call" / "static" / "console" / "background_worker.js"
VISION: Final = ROOT / "core" / "web" / "static" / "vendor" / "vision"
SIZE: Final = (640, 480)
_TYPES: Final = {".js": "text/javascript", ".wasm": "application/wasm", ".tflite": "application/octet-stream"}

# window.behind(settings, picture, times): what came out at the end (a canvas) and how long each picture took, in ms.
_PAGE: Final = """
const urls = Object.fromEntries(Object.entries({ bundle: "vision_bundle.js", loader: "vision_wasm.js",
  wasm: "vision_wasm.wasm", model: "person.tflite" }).map(([key, name]) => [key, new URL(name, location.href).href]));
const bitmap = async (url) => createImageBitmap(await (await fetch(url)).blob());
const told = (worker, type) => new Promise((resolve, reject) => {
  worker.addEventListener("message", function hear({ data }) {
    if (data.type === "failed") reject(new Error("failed"));
    if (data.type !== type) return;
    worker.removeEventListener("message", hear);
    resolve(data);
  });
});
window.started = async (path) => {
  const worker = new Worker(path, { type: "module" });
  worker.said = [];
  worker.addEventListener("message", ({ data }) => worker.said.push(data.type));
  worker.postMessage({ type: "start", urls });
  await told(worker, "ready");
  return worker;
};
window.behind = async ({ path = "/worker.js", which, colour = "#ff00ff", scene, picture, times = 3 }) => {
  const worker = (window.workers ??= {})[path] ??= await started(path);
  const drawn = await bitmap(picture);
  const put = scene ? await bitmap(scene) : null;
  worker.postMessage({ type: "background", which, colour, picture: put }, put ? [put] : []);
  const took = [];
  const canvas = document.createElement("canvas");
  for (let time = 0; time < times; time += 1) {
    const one = await createImageBitmap(drawn);
    const began = performance.now();
    worker.postMessage({ type: "picture", picture: one }, [one]);
    const { picture: made } = await told(worker, "picture");
    took.push(performance.now() - began);
    [canvas.width, canvas.height] = [made.width, made.height];
    canvas.getContext("2d").drawImage(made, 0, 0);
    made.close();
  }
  return { took, said: worker.said, url: canvas.toDataURL() };
};
"""


def on_a_machine(*, slow: bool) -> str:
    """The worker's module on a machine that takes longer for a picture than it may, or on one that never does."""
    began, limit = "const began = performance.now();", "const TOO_SLOW = 120;"
    script = WORKER.read_text()
    assert began in script
    assert limit in script
    if slow:
        return script.replace(began, f"{began} while (performance.now() - began < 130);")
    return script.replace(limit, "const TOO_SLOW = 60_000;")


def somebody() -> Image.Image:
    """A person, drawn simply, before a wall of small blue and yellow squares: enough for the model to find them."""
    picture = Image.new("RGB", SIZE, (240, 220, 60))
    draw = ImageDraw.Draw(picture)
    for left in range(0, SIZE[0], 32):
        for top in range(0, SIZE[1], 32):
            draw.rectangle((left, top, left + 15, top + 15), fill=(40, 90, 200))
            draw.rectangle((left + 16, top + 16, left + 31, top + 31), fill=(40, 90, 200))
    draw.rounded_rectangle((150, 330, 490, 560), 90, fill=(60, 64, 90))
    draw.rectangle((290, 280, 350, 350), fill=(205, 150, 120))
    draw.ellipse((245, 110, 395, 310), fill=(224, 172, 140))
    draw.pieslice((238, 90, 402, 260), 180, 360, fill=(60, 40, 30))
    for eye in (285, 345):
        draw.ellipse((eye - 12, 190, eye + 12, 204), fill=(255, 255, 255))
        draw.ellipse((eye - 5, 191, eye + 5, 203), fill=(40, 30, 30))
        draw.line((eye - 16, 180, eye + 16, 178), fill=(60, 40, 30), width=5)
    draw.polygon([(320, 205), (310, 240), (330, 240)], fill=(200, 145, 115))
    draw.arc((290, 240, 350, 275), 20, 160, fill=(150, 60, 60), width=6)
    return picture.filter(ImageFilter.GaussianBlur(1))


def as_url(picture: Image.Image) -> str:
    """A picture as a data: URL."""
    content = io.BytesIO()
    picture.save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def from_url(url: str) -> Image.Image:
    """And back."""
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")


@contextmanager
def page(browser: Browser, **others: str) -> Iterator[Page]:
    """A page that has ``behind({...})``. others: more modules, by name: ``slow="...javascript..."`` is /slow.js."""

    def answer(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if not name:
            route.fulfill(body=f"<!doctype html><script>{_PAGE}</script>", content_type="text/html")
        elif name.removesuffix(".js") in others:
            route.fulfill(body=others[name.removesuffix(".js")], content_type="text/javascript")
        else:
            found = WORKER if name == "worker.js" else VISION / name
            route.fulfill(body=found.read_bytes(), content_type=_TYPES[found.suffix])

    context = browser.new_context()
    try:
        context.route("http://localhost/**", answer)
        opened = context.new_page()
        opened.goto("http://localhost/")
        yield opened
    finally:
        context.close()


def behind(opened: Page, **wanted: Any) -> tuple[Image.Image, list[float], list[str]]:
    """What comes out for a picture (its URL), how long each took in ms, and what the worker said."""
    answer = opened.evaluate("(wanted) => behind(wanted)", wanted)
    return from_url(answer["url"]), answer["took"], answer["said"]
