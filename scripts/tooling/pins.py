"""Write constraints.txt: the version of everything that the project needs, as it is installed here.

.venv/bin/python -m scripts.tooling.pins
"""

import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
CONSTRAINTS: Final = ROOT / "constraints.txt"
HEADER: Final = """\
# The versions that this project is tested with; scripts/setup installs them. Written by scripts/tooling/pins.py.
"""


def declared() -> list[Requirement]:
    """What pyproject.toml asks for, extras included."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    return [Requirement(line) for lines in (project["dependencies"], *extras) for line in lines]


def closure(requirements: list[Requirement]) -> dict[str, str]:
    """Each package that these need, directly or not, with its installed version."""
    pins: dict[str, str] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        key = canonicalize_name(requirement.name), frozenset(requirement.extras)
        if key in seen:
            continue
        seen.add(key)
        try:
            found = distribution(requirement.name)
        except PackageNotFoundError:
            raise SystemExit(
                f"{requirement.name} is not installed: run scripts/setup, then pin again"
            ) from None
        pins[key[0]] = found.version
        for line in found.requires or []:
            needed = Requirement(line)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(needed)
    return pins


if __name__ == "__main__":
    pinned = closure(declared())
    lines = (f"{name}=={version}\n" for name, version in sorted(pinned.items()))
    CONSTRAINTS.write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"Pinned {len(pinned)} packages")
