"""The recovery ladder, without a browser: what is done when, told by a clock that the test holds."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

LADDER = Path(__file__).parents[4] / "plugins" / "video_call" / "static" / "line" / "ladder.js"
# Ticks every 250 ms from 0; `live` and `alive` are ranges of time in which that was so.
_PLAY = """
const { Ladder } = await import(%s);
const { live, alive, failed, mute, until } = JSON.parse(process.argv[1]);
const within = (ranges, now) => ranges.some(([from, to]) => now >= from && now < to);
const ladder = new Ladder(0);
const done = [];
for (let now = 0; now <= until; now += 250) {
  if (within(alive, now)) {
    const lost = ladder.alive(now);
    if (lost !== null) done.push([now, "recovered"]);
  }
  const rungs = ladder.tick(now, within(live, now), within(failed, now), !within(mute, now));
  for (const rung of rungs) done.push([now, rung]);
}
console.log(JSON.stringify(done));
"""


def play(
    until: float, *, alive: Any, live: Any = ((0, 999),), failed: Any = (), mute: Any = ()
) -> list[tuple[float, str]]:
    """What the ladder does, as (seconds, rung)."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    said = {
        name: [[from_ * 1000, to * 1000] for from_, to in ranges]
        for name, ranges in (("alive", alive), ("live", live), ("failed", failed), ("mute", mute))
    }
    script = _PLAY % json.dumps(LADDER.as_uri())
    answer = subprocess.run(
        [node, "--input-type=module", "-e", script, json.dumps({**said, "until": until * 1000})],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return [(now / 1000, rung) for now, rung in json.loads(answer.stdout)]


def test_a_line_that_works_is_left_alone() -> None:
    assert play(60, alive=[(0, 60.25)]) == []


def test_rung_after_rung_while_nothing_arrives() -> None:
    done = play(60, alive=[(0, 10)])
    gap = 9.75  # the last sign of life
    assert [(now - gap, rung) for now, rung in done] == [
        (1.0, "check"),
        (1.25, "restart"),
        (5.25, "rebuild"),
        (15.25, "relay"),
        (20.0, "phone"),
        (30.25, "relay"),
        (45.25, "relay"),
    ]


def test_without_the_server_it_looks_for_the_line_again_and_climbs_once_that_is_back() -> None:
    done = play(40, alive=[(0, 10), (31, 41)], live=[(0, 10), (30, 999)])
    checks = [now for now, rung in done if rung == "check"]
    assert checks == [10.75, 12.75, 15.75, 19.75, 24.75], "less and less often"
    assert [entry for entry in done if entry[1] != "check"] == [
        (29.75, "phone"),
        (30.0, "restart"),
        (31.0, "recovered"),
    ]


def test_what_recovers_begins_at_the_bottom_again() -> None:
    done = play(21, alive=[(0, 5), (8, 12), (14, 22)])
    assert [rung for _, rung in done] == ["check", "restart", "recovered"] * 2


def test_being_set_up_is_no_loss_until_it_takes_too_long() -> None:
    assert play(4.75, alive=[]) == []
    assert play(16, alive=[]) == [(5.0, "check"), (5.25, "rebuild"), (15.25, "relay")]


def test_a_connection_that_failed_does_not_wait_for_the_silence() -> None:
    assert play(10.5, alive=[(0, 10.5)], failed=[(10, 10.25)]) == [(10.0, "check"), (10.25, "recovered")]


def test_the_old_connection_is_kept_while_the_other_page_answers_nothing() -> None:
    done = play(20, alive=[(0, 1), (9, 21)], mute=[(2, 9)])
    assert [rung for _, rung in done] == ["check", "restart", "recovered"]
    assert [rung for _, rung in play(19, alive=[(0, 1)], mute=[(2, 30)])] == ["check", "restart", "rebuild"]
