"""A video consultation: from the click that admits to the first picture, beside two connections in a bare page; and
what a patient's phone has to load.

Wall time, in two headless Chromiums with false cameras over the loopback address. The slower side counts.
"""

import gzip
import re
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import REPEATS, Row

ROOT: Final = Path(__file__).resolve().parents[1]
STATIC: Final = ROOT / "plugins" / "video_call" / "static"
CORE: Final = ROOT / "core" / "web" / "static"
LIMIT: Final = 45.0

_FLOOR: Final = """async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
  const video = document.createElement("video");
  video.muted = video.autoplay = true;
  document.body.append(video);
  const began = performance.now();
  const [one, other] = [new RTCPeerConnection(), new RTCPeerConnection()];
  one.onicecandidate = ({ candidate }) => other.addIceCandidate(candidate);
  other.onicecandidate = ({ candidate }) => one.addIceCandidate(candidate);
  other.ontrack = ({ streams }) => { video.srcObject = streams[0]; };
  for (const track of stream.getTracks()) one.addTrack(track, stream);
  const seen = new Promise((done) => video.requestVideoFrameCallback(done));
  await one.setLocalDescription();
  await other.setRemoteDescription(one.localDescription);
  await other.setLocalDescription();
  await one.setRemoteDescription(other.localDescription);
  await seen;
  const took = performance.now() - began;
  one.close(); other.close(); video.remove();
  return took;
}"""
_ADMIT: Final = """async (path) => {
  const began = Date.now();
  const token = document.querySelector("meta[name=csrf-token]").content;
  const answer = await fetch(path, { method: "POST", headers: { "X-CSRFToken": token, Accept: "application/json" } });
  if (!answer.ok) throw new Error(`admit: ${answer.status}`);
  return began;
}"""


def script_of_patient() -> float:
    """Compressed kilobytes of all modules that the patient's page brings in, the client of the sockets among them."""
    entries = [path for path in (STATIC / "patient").glob("*.js") if path.name in _entries()]
    seen: dict[Path, int] = {}
    waiting = [*entries, CORE / "js" / "forms.js"]
    while waiting:
        path = waiting.pop()
        if path in seen or not path.is_file():
            continue
        text = path.read_text()
        seen[path] = len(gzip.compress(text.encode(), 9))
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for name in re.findall(r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""", code):
            if name.startswith("careroom/"):
                waiting.append(CORE / "js" / f"{name.removeprefix('careroom/')}.js")
            elif name == "socket.io-client":
                waiting.append(CORE / "vendor" / "socket.io.esm.min.js")
            elif name.startswith("."):
                waiting.append((path.parent / name).resolve())
    return sum(seen.values()) / 1024


def _entries() -> set[str]:
    """The scripts that the patient's templates name."""
    templates = STATIC.parent / "templates" / "video_call" / "patient"
    text = "".join(path.read_text() for path in templates.glob("*.html"))
    return set(re.findall(r'patient/([a-z_]+\.js)"', text))


def _calls() -> tuple[float, float]:
    """Milliseconds from the click to the first picture on the slower side, and the floor."""
    import pytest
    from playwright.sync_api import sync_playwright

    from tests.plugins.video_call.line import rooms
    from tests.support import browser as browsers
    from tests.support.databases import SqliteTemplate
    from tests.support.running import running

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(browsers, "_ARGUMENTS", (*browsers._ARGUMENTS, *rooms.FAKE_MEDIA))
        with (
            SqliteTemplate(Path(folder), seeded=True).copy(Path(folder)) as url,
            running(url, Path(folder)) as careroom,
            careroom.inside(),
            sync_playwright() as playwright,
            browsers.chromium(playwright) as browser,
        ):
            turns = [_turn(rooms, careroom, browser) for _ in range(REPEATS)]
    return statistics.median(t[0] for t in turns), statistics.median(t[1] for t in turns)


def _turn(rooms: Any, careroom: Any, browser: Any) -> tuple[float, float]:
    with rooms.windows(browser, careroom.url) as window:
        made = rooms.consultation(careroom)
        amira, patient = rooms.as_amira(window(), made), rooms.as_patient(window(), made)
        for page in (patient, amira):
            rooms.enter(page)
        amira.wait_for_timeout(1000)
        began = amira.evaluate(_ADMIT, f"/p/riverside/video_call/calls/{made.id}/admit")
        for page in (amira, patient):
            page.wait_for_function("window.first")
        ours = max(page.evaluate("window.first") for page in (amira, patient)) - began
        bare = window()
        # Every other page of ours is refused the camera by its headers.
        bare.route(
            "**/bare", lambda route: route.fulfill(body="<!doctype html><body>", content_type="text/html")
        )
        bare.goto("/bare")
        return ours, bare.evaluate(_FLOOR)


def rows() -> Iterable[Row]:
    ours, floor = _calls()
    yield Row("admit to first picture", ours, "bare page", floor, "ms", 1.5, "cold, wall time, slower side")
    yield Row("script of a patient's call", script_of_patient(), "limit", LIMIT, "kB", 1.0, "gzip")
