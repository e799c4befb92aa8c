"""How soon both sides see each other again after the line was cut, or one of them has another address.

Two Chromiums, each in a network namespace of its own, with the pages of a call and, beside them at the same moments, a
bare connection whose words go round the network and which is restarted in the moment in which the path is back: no page
can know that moment, so this is the floor. Wall time from there to the third new picture, on the slower side.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import REPEATS, Row

OUTAGES: Final[Mapping[str, float]] = {"2 s": 2, "8 s": 8, "20 s": 20}
ADDRESS: Final = "another address"
GOALS: Final[Mapping[str, float]] = {"2 s": 2.0, "8 s": 2.0, "20 s": 3.0, ADDRESS: 2.0}
_UNAIDED: Final = ("2 s", "8 s")  # a bare connection is back by itself; a restart would only take longer
_GIVE_UP: Final = 40.0

_BARE: Final = """async (isCaller) => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
  document.body.append(Object.assign(document.createElement("video"), { muted: true, autoplay: true }));
  const connection = new RTCPeerConnection();
  const out = [];
  connection.onicecandidate = ({ candidate }) => candidate && out.push({ candidate: candidate.toJSON() });
  connection.ontrack = ({ streams }) => { document.querySelector("video").srcObject = streams[0]; };
  connection.onnegotiationneeded = async () => {
    if (!isCaller) return;
    await connection.setLocalDescription();
    out.push({ description: connection.localDescription.toJSON() });
  };
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  window.restart = () => connection.restartIce();
  window.said = () => out.splice(0);
  window.hear = async (words) => {
    for (const { description, candidate } of words) {
      if (candidate) await connection.addIceCandidate(candidate);
      if (!description) continue;
      await connection.setRemoteDescription(description);
      if (description.type !== "offer") continue;
      await connection.setLocalDescription();
      out.push({ description: connection.localDescription.toJSON() });
    }
  };
}"""
_WATCH: Final = """() => {
  const video = document.querySelector("video");
  window.pictures = [];
  const next = () => { window.pictures.push(Date.now()); video.requestVideoFrameCallback(next); };
  video.requestVideoFrameCallback(next);
}"""
_THIRD: Final = "since => window.pictures.filter((at) => at > since)[2] ?? 0"


def _carry(one: Any, other: Any) -> None:
    """What the two bare pages have to say to each other."""
    for speaker, listener in ((one, other), (other, one)):
        if words := speaker.evaluate("said()"):
            listener.evaluate("words => hear(words)", words)


def _bare(window: Callable[[], Any], *, is_caller: bool) -> Any:
    page = window()
    # Every page of ours but a call's is refused the camera by its headers.
    page.route("**/bare", lambda route: route.fulfill(body="<!doctype html><body>", content_type="text/html"))
    page.goto("/bare")
    page.evaluate(_BARE, is_caller)
    return page


def _recovery(ours: list[Any], bare: list[Any]) -> tuple[float, float]:
    """Milliseconds from now to the third new picture on the slower side: of ours, of the bare connection."""
    since, end = time.time() * 1000, time.monotonic() + _GIVE_UP
    while time.monotonic() < end:
        _carry(*bare)
        mine, floor = ([page.evaluate(_THIRD, since) for page in pair] for pair in (ours, bare))
        if all(mine) and all(floor):
            return max(mine) - since, max(floor) - since
        time.sleep(0.02)
    raise TimeoutError(f"no pictures again: ours {mine}, bare {floor}")


def _round(net: Any, ours: list[Any], bare: list[Any]) -> dict[str, tuple[float, float]]:
    took = {}
    cable = net.cables[1]
    for name, seconds in OUTAGES.items():
        cable.pull()
        time.sleep(seconds)
        cable.plug()
        if name not in _UNAIDED:
            bare[0].evaluate("restart()")
        took[name] = _recovery(ours, bare)
        time.sleep(2)
    cable.move(13 if cable.address == 3 else 3)
    bare[0].evaluate("restart()")
    took[ADDRESS] = _recovery(ours, bare)
    time.sleep(2)
    return took


def outages() -> list[dict[str, tuple[float, float]]]:
    """Each round's milliseconds: (ours, the floor) by what happened. Raises network.Impossible."""
    from playwright.sync_api import sync_playwright

    from tests.plugins.video_call.line import apart, network, rooms
    from tests.support.databases import SqliteTemplate
    from tests.support.running import running

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            SqliteTemplate(folder, seeded=True).copy(folder) as url,
            network.network() as net,
            running(url, folder) as careroom,
            careroom.inside(),
            sync_playwright() as playwright,
            apart.windows(net, int(careroom.url.rpartition(":")[2]), playwright, folder) as windows,
        ):
            made = rooms.consultation(careroom)
            ours = [rooms.as_amira(windows[0](), made), rooms.as_patient(windows[1](), made)]
            bare = [
                _bare(window, is_caller=is_caller)
                for window, is_caller in zip(windows, (True, False), strict=True)
            ]
            for page in reversed(ours):
                rooms.enter(page)
            made.admit()
            for page in ours:
                rooms.flows(page)
            for page in (*ours, *bare):
                page.evaluate(_WATCH)
            _recovery(ours, bare)  # from nothing, for the bare connection
            time.sleep(2)
            return [_round(net, ours, bare) for _ in range(REPEATS)]


def rows() -> Iterable[Row]:
    rounds = outages()
    for name, goal in GOALS.items():
        mine, floor = (statistics.median(one[name][side] for one in rounds) for side in (0, 1))
        peer = "bare connection" if name in _UNAIDED else "bare connection, restarted in that moment"
        what = f"seen again after {name}" + ("" if name == ADDRESS else " without a line")
        yield Row(what, mine, peer, floor, "ms", goal, "wall time, slower side")
