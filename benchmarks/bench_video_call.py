"""A video consultation: from the click that admits to the first picture, beside two connections in a bare page; and
what a patient's phone has to load.

Wall time, in two headless Chromiums with false cameras over the loopback address. The slower side counts.
"""

import gzip
import re
import socket
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import REPEATS, Row
from core.web.lean import lean_file

ROOT: Final = Path(__file__).resolve().parents[1]
STATIC: Final = ROOT / "plugins" / "video_call" / "static"
CORE: Final = ROOT / "core" / "web" / "static"
LIMIT: Final = 45.0
SOCKETS: Final = CORE / "vendor" / "socket.io.esm.min.js"
CALL: Final = STATIC / "patient" / "call.js"  # asked for by the page itself as soon as it stands
CLINICIANS: Final = {STATIC / "tools" / name for name in ("still.js", "record.js")}
_STATIC: Final = r"""(?:from|import)\s+["']([^"']+)["']"""
_ALL: Final = r"""(?:from|import)\s*\(?\s*["']([^"']+)["']"""

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


def script_of_patient() -> tuple[float, float]:
    """Compressed kilobytes of the modules that a patient needs to see and hear, and of those that come after that."""
    entries = {STATIC / "patient" / name for name in _entries()} | {CORE / "js" / "forms.js", SOCKETS, CALL}
    first = _brought_in(entries, _STATIC)
    # The clinician's share of the tools is asked for on no patient's page.
    return _weight(first), _weight(_brought_in(entries, _ALL) - first - CLINICIANS)


def _weight(modules: set[Path]) -> float:
    """As they are sent: lean, and each compressed by itself."""
    return sum(len(gzip.compress(lean_file(path).encode(), 6)) for path in modules) / 1000


def _brought_in(entries: set[Path], pattern: str) -> set[Path]:
    seen: set[Path] = set()
    waiting = list(entries)
    while waiting:
        path = waiting.pop()
        if path in seen or not path.is_file():
            continue
        seen.add(path)
        for name in re.findall(pattern, lean_file(path)):
            if name.startswith("careroom/"):
                waiting.append(CORE / "js" / f"{name.removeprefix('careroom/')}.js")
            elif name.startswith("."):
                waiting.append((path.parent / name).resolve())
    return seen


def _entries() -> set[str]:
    """The scripts that the patient's templates name."""
    templates = STATIC.parent / "templates" / "video_call" / "patient"
    text = "".join(path.read_text() for path in templates.glob("*.html"))
    return set(re.findall(r'patient/([a-z_]+\.js)"', text))


def own_address() -> str:
    """Where this machine is reached from itself other than by the loopback address, which relays refuse."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(("192.0.2.1", 9))  # nothing is sent
        return str(asked.getsockname()[0])


def _calls() -> tuple[float, float, float]:
    """Milliseconds from the click to the first picture on the slower side, cold and got ready, and the floor."""
    import pytest
    from playwright.sync_api import sync_playwright
    from pydantic import SecretStr

    from tests.plugins.video_call.line import network, rooms
    from tests.support import browser as browsers
    from tests.support.databases import SqliteTemplate
    from tests.support.running import running
    from tests.support.servers import free_port

    here, port = own_address(), free_port()
    relay = {
        "turn_urls": (f"turn:{here}:{port}?transport=udp",),
        "turn_secret": SecretStr(network.SECRET),
    }
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(browsers, "_ARGUMENTS", (*browsers._ARGUMENTS, *rooms.FAKE_MEDIA))
        with (
            SqliteTemplate(Path(folder), seeded=True).copy(Path(folder)) as url,
            network.coturn(port, Path(folder), here, here),
            running(url, Path(folder), **relay) as careroom,
            careroom.inside(),
            sync_playwright() as playwright,
            browsers.chromium(playwright) as browser,
        ):
            _turn(rooms, careroom, browser)  # what the first call brings in is not a call's
            turns = [_turn(rooms, careroom, browser) for _ in range(max(5, REPEATS))]
    cold, ready, floor = (statistics.median(column) for column in zip(*turns, strict=True))
    return cold, ready, floor


def _turn(rooms: Any, careroom: Any, browser: Any) -> tuple[float, float, float]:
    with rooms.windows(browser, careroom.url) as window:
        amira, patient = window(), window()
        cold = _admitted(rooms, careroom, amira, patient, ready=False)
        ready = _admitted(rooms, careroom, amira, patient, ready=True)
        bare = window()
        # Every other page of ours is refused the camera by its headers.
        bare.route(
            "**/bare", lambda route: route.fulfill(body="<!doctype html><body>", content_type="text/html")
        )
        bare.goto("/bare")
        return cold, ready, bare.evaluate(_FLOOR)


def _admitted(rooms: Any, careroom: Any, amira: Any, patient: Any, *, ready: bool) -> float:
    """One call. Whoever is admitted from the check of devices has nothing ready but camera and line."""
    made = rooms.consultation(careroom)
    if not ready:
        made.step("unready")
    for page, opened in ((amira, rooms.as_amira), (patient, rooms.as_patient)):
        page.context.clear_cookies()
        page.unroute_all()
        opened(page, made)
        rooms.enter(page)
    amira.wait_for_timeout(1500)
    began = amira.evaluate(_ADMIT, f"/p/riverside/video_call/calls/{made.id}/admit")
    for page in (amira, patient):
        page.wait_for_function("window.first")
    first = max(page.evaluate("window.first") for page in (amira, patient))
    made.hang_up()
    return float(first - began)


def rows() -> Iterable[Row]:
    cold, ready, floor = _calls()
    note = "wall time, slower side"
    yield Row("admit to first picture, cold", cold, "bare page", floor, "ms", 1.5, note)
    yield Row(
        "admit to first picture, got ready",
        ready,
        "bare page",
        floor,
        "ms",
        1.0,
        f"{note}; no address told before",
    )
    script, later = script_of_patient()
    note = f"gzip; tools that come after the call has begun: {later:.1f} kB more"
    yield Row("script of a patient's call", script, "limit", LIMIT, "kB", 1.0, note)
