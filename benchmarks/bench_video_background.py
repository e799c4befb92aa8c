"""What is put behind a clinician: the time a frame takes in the worker, beside the finder of people and one pass over a
canvas, bare.

Wall time in one headless Chromium without a graphics card, 640 by 480 points, in turns. What ours does besides is what
is behind the person: the soft edge, the blur, three compositions.
"""

import statistics
from collections.abc import Iterable
from typing import Final

from benchmarks.measure import REPEATS, Row

FRAMES: Final = 40
_BARE: Final = """
let finder, clock = 0;
const canvas = new OffscreenCanvas(640, 480);
const context = canvas.getContext("2d");
for (const level of ["log", "info", "warn", "error"]) console[level] = () => undefined;
addEventListener("message", async ({ data }) => {
  if (data.type === "start") {
    const { bundle, loader, wasm, model } = data.urls;
    const { ImageSegmenter } = await import(bundle);
    finder = await ImageSegmenter.createFromOptions({ wasmLoaderPath: loader, wasmBinaryPath: wasm }, {
      baseOptions: { modelAssetPath: model, delegate: "CPU" }, canvas: new OffscreenCanvas(1, 1),
      runningMode: "VIDEO", outputConfidenceMasks: true, outputCategoryMask: false });
    postMessage({ type: "ready" });
  } else if (data.type === "picture") {
    context.drawImage(data.picture, 0, 0, 640, 480);
    clock = Math.max(clock + 1, Math.round(performance.now()));
    finder.segmentForVideo(canvas, clock, () => undefined);
    data.picture.close();
    const picture = canvas.transferToImageBitmap();
    postMessage({ type: "picture", picture }, { transfer: [picture] });
  }
});
"""


def _frames() -> tuple[list[float], list[float]]:
    """Milliseconds of each frame, ours blurred and bare."""
    from playwright.sync_api import sync_playwright

    from tests.support import behind
    from tests.support.browser import chromium

    ours: list[float] = []
    bare: list[float] = []
    person = behind.as_url(behind.somebody())
    with (
        sync_playwright() as playwright,
        chromium(playwright) as browser,
        behind.page(browser, bare=_BARE) as page,
    ):
        for path in ("/worker.js", "/bare.js"):
            behind.behind(page, path=path, which="blur", picture=person, times=10)  # warm
        for _ in range(REPEATS):
            ours += behind.behind(page, which="blur", picture=person, times=FRAMES)[1]
            bare += behind.behind(page, path="/bare.js", which="blur", picture=person, times=FRAMES)[1]
    return ours, bare


def rows() -> Iterable[Row]:
    ours, bare = _frames()
    late = statistics.quantiles(ours, n=20)[-1]
    yield Row(
        "blur of a frame, 640 x 480",
        statistics.median(ours),
        "the finder and one pass over a canvas, bare",
        statistics.median(bare),
        "ms",
        2.0,
        f"wall time; 95 of 100 within {late:.0f} ms, switched off beyond 120",
    )
