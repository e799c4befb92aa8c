"""`make bench ARGS=--write` exchanges the table and leaves what people wrote about it."""

from __future__ import annotations

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
