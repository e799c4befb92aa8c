"""`make check`: run every check, print a line for each, and fail at the end if one failed.

scripts/check            all of them
scripts/check mypy tsc   only these
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
MOST_LINES: Final = 200
BIN: Final = Path(sys.executable).parent


@dataclass(frozen=True)
class Check:
    name: str
    promise: str
    command: tuple[str, ...]


def _tool(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(BIN / name), *arguments)


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"scripts.tooling.{name}", *arguments)


# The slow ones first: two run at a time.
CHECKS: Final = (
    Check("mypy", "types hold (strict)", _tool("mypy")),
    Check("tsc", "JavaScript modules' types hold (strict)", _module("typescript")),
    Check("translations", "every message is translated", _module("translations", "check")),
    Check("imports", "layers and plugins import what they may", _tool("lint-imports", "--no-cache")),
    Check("ruff", "no lint", _tool("ruff", "check", "--quiet", "--output-format", "concise", ".")),
    Check(
        "format",
        "code is formatted",
        _tool("ruff", "format", "--check", "--output-format", "concise", "--quiet", "."),
    ),
    Check("sql", "no SQL text or Core SQL outside core/db", _module("sql_text")),
    Check("reference", "the plugin reference is what the code says", _module("reference", "check")),
    Check("hosts", "no tracked file names a package registry", _module("registry_hosts")),
)


def _run(check: Check) -> tuple[int, str, float]:
    began = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=os.environ | {"NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, time.monotonic() - began


def main(names: list[str]) -> int:
    known = {check.name: check for check in CHECKS}
    if unknown := set(names) - known.keys():
        print(
            f"no check is called {', '.join(sorted(unknown))}; there are {', '.join(known)}", file=sys.stderr
        )
        return 2
    chosen = [known[name] for name in names] or list(CHECKS)
    failed: list[str] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        running = {pool.submit(_run, check): check for check in chosen}
        for future in as_completed(running):
            check = running[future]
            code, output, seconds = future.result()
            print(
                f"{'ok  ' if code == 0 else 'FAIL'} {check.name:13} {check.promise} ({seconds:.1f} s)",
                flush=True,
            )
            if code != 0:
                failed.append(check.name)
                lines = output.strip().splitlines()
                if len(lines) > MOST_LINES:
                    lines[MOST_LINES:] = [f"... and {len(lines) - MOST_LINES} more lines"]
                print("\n".join(f"     {line}" for line in lines), flush=True)
    print(f"Checks: {len(chosen) - len(failed)} hold, {len(failed)} do not {failed or ''}".rstrip())
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
