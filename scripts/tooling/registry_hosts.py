"""Find the address of a package registry in a file that git tracks.

Where packages come from is the business of the machine that installs them: a lock file that names a host works on one
network and fails on the next.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

# Spelt in pieces, or this file would be its own first finding.
_HOSTS: Final = (
    ("registry", "npmjs", "org"),
    ("registry", "yarnpkg", "com"),
    ("npm", "pkg", "github", "com"),
    ("files", "pythonhosted", "org"),
    ("pypi", "python", "org"),
    ("pypi", "org"),
    ("deb", "debian", "org"),
    ("archive", "ubuntu", "com"),
    ("conda", "anaconda", "org"),
    ("cdn", "jsdelivr", "net"),
    ("unpkg", "com"),
    ("cdnjs", "cloudflare", "com"),
)
PATTERN: Final = re.compile(
    "|".join(r"\b" + r"\.".join(map(re.escape, host)) + r"\b" for host in _HOSTS) + r'|"resolved":\s*"\w+:',
    re.IGNORECASE,
)


def tracked(root: Path = ROOT) -> list[Path]:
    """The files that git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"],
        cwd=root,
        capture_output=True,
        check=True,
    )
    return [root / name for name in listed.stdout.decode().split("\0") if name and (root / name).is_file()]


def findings(text: str) -> Iterator[tuple[int, str]]:
    """Line and match of each address of a registry."""
    for number, line in enumerate(text.splitlines(), 1):
        for match in PATTERN.finditer(line):
            yield number, match[0]


def main() -> int:
    found = [
        f"{path.relative_to(ROOT)}:{line}: names {match}"
        for path in tracked()
        for line, match in findings(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
