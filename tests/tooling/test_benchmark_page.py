"""`make bench ARGS=--write` exchanges the table and leaves what people wrote about it; `--strict` fails for a goal."""

from __future__ import annotations

import pytest

from benchmarks import run
from benchmarks.measure import Row


def test_the_words_below_the_table_stay() -> None:
    words = "Why goals are missed:\n\n| c |\n|---|\n| kept |\n"
    before = f"# Benchmarks\n\nOld.\n\n| a | b |\n|---|---|\n| old | row |\n\n{words}"
    written = run.page([Row("photo", 1.0, "a peer", 2.0, "ms", 0.6, "two cores")], "Today.", before)
    assert written.startswith("# Benchmarks\n\nWritten by")
    assert "| photo | 1.0 | 2.0 | ms | 0.50 | 0.60 | met | a peer; two cores |" in written
    assert "old" not in written.lower().replace("| kept |", "")
    assert written.endswith(f"two cores |\n\n{words}")
    assert run.page([Row("photo", 1.0, "a peer", 2.0, "ms", 0.6)], "Later.", written).count("Why goals") == 1


@pytest.mark.parametrize(
    ("options", "ours", "status"),
    [([], 9.0, 0), (["--strict"], 1.0, 0), (["--strict"], 9.0, 1), (["--strict", "photo"], 9.0, 1)],
)
def test_a_missed_goal_fails_where_that_is_asked_for(
    options: list[str], ours: float, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def collect(names: list[str]) -> list[Row]:
        asked.append(names)
        return [Row("photo", ours, "a peer", 2.0, "ms", 0.6)]

    monkeypatch.setattr(run, "collect", collect)
    assert run.main(options) == status
    assert asked == [[name for name in options if not name.startswith("--")]]
