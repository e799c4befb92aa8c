"""Run the benchmarks and print one table.

make bench                      all of them
make bench ARGS="pictures"      only benchmarks/bench_pictures.py
make bench ARGS="--write"       all of them, kept in docs/benchmarks.md
make bench ARGS="--strict"      fails when a goal is missed
BENCH_REPEATS=1 make bench      quicker and rougher
"""

import importlib
import os
import platform
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.measure import REPEATS, Row

HERE: Final = Path(__file__).resolve().parent
PAGE: Final = HERE.parent / "docs" / "benchmarks.md"
OPTIONS: Final = ("--write", "--strict")
HEADINGS: Final = ("", "Careroom", "peer", "unit", "ratio", "goal", "", "beside")


def collect(names: list[str]) -> list[Row]:
    """The rows of the named modules (without `bench_`), or of all."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}")
    rows: list[Row] = []
    for name in names or known:
        print(f"Measuring {name} ...", flush=True)
        rows += importlib.import_module(f"benchmarks.bench_{name}").rows()
    return rows


def table(rows: list[Row]) -> str:
    """The rows with aligned columns, and under it what missed its goal and by how much."""
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    left = {0, 3, 6, 7}
    lines = [
        "  ".join(
            text.ljust(width) if column in left else text.rjust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    missed = [
        f"Missed: {row.name} costs {row.ratio:.2f} times {row.peer_name}, the goal is {row.goal_ratio:.2f}: "
        f"{row.ours - row.goal_ratio * row.peer:.1f} {row.unit} too much."
        for row in rows
        if not row.is_met
    ]
    return "\n".join([*lines, "", *(missed or [f"All {len(rows)} goals are met."])])


def _cells(row: Row) -> tuple[str, ...]:
    verdict = "met" if row.is_met else "MISSED"
    beside = f"{row.peer_name}; {row.note}" if row.note else row.peer_name
    numbers = f"{row.ours:,.1f}", f"{row.peer:,.1f}"
    return row.name, *numbers, row.unit, f"{row.ratio:.2f}", f"{row.goal_ratio:.2f}", verdict, beside


def page(rows: list[Row], heading: str, before: str = "") -> str:
    """docs/benchmarks.md with this table. What people wrote below the table that was there ``before`` stays."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|---|" + "---|" * (len(HEADINGS) - 1)]
    lines += ["| " + " | ".join(_cells(row)).replace("djpeg | cjpeg", "djpeg, cjpeg") + " |" for row in rows]
    kept = re.split(r"^\|.*\n(?!\|)", before, maxsplit=1, flags=re.MULTILINE)[1:]
    head = f"# Benchmarks\n\nWritten by `make bench ARGS=--write`. {heading}\n\n"
    return head + "\n".join(lines) + "\n" + "".join(kept)


def main(arguments: list[str]) -> int:
    """0; with --strict 1 when a goal is missed."""
    rows = collect([name for name in arguments if name not in OPTIONS])
    python = ".".join(map(str, sys.version_info[:3]))
    heading = f"Processor time, medians of {REPEATS}; Python {python}, {os.cpu_count()} cores"
    print(f"\n{heading}\n")
    print(table(rows))
    if "--write" in arguments:
        machine = f"{platform.machine()} {platform.system()}"
        when = f"{datetime.now(UTC):%Y-%m-%d}"
        PAGE.write_text(page(rows, f"{when}. {heading}, {machine}.", PAGE.read_text()))
    return int("--strict" in arguments and not all(row.is_met for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
