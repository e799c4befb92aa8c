"""A clean environment: Careroom from its wheel, what it depends on from the one that runs the tests, nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
_BUILT_FROM = ("core", "plugins", "translations", "pyproject.toml", "setup.py", "README.md", "LICENSE")


@dataclass(frozen=True)
class Clean:
    """A virtual environment that cannot see this repository."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        return self.folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"

    @property
    def environment(self) -> dict[str, str]:
        """Its commands first; then those of the tests' own environment: ruff, mypy."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CAREROOM_", "PYTHON", "COVERAGE"))}
        path = os.pathsep.join([str(self.folder / "bin"), sysconfig.get_path("scripts"), os.environ["PATH"]])
        axe = ROOT / "node_modules" / "axe-core" / "axe.min.js"
        return {**kept, "PATH": path, "CAREROOM_AXE": str(axe), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(
        self, *command: object, cwd: Path, check: bool = True, **said: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of this environment; what it says is in the failure's message."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env={**self.environment, **said},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def pip(self, *arguments: object) -> None:
        """pip for this environment; it has none of its own."""
        command = [sys.executable, "-m", "pip", "--python", str(self.python), *map(str, arguments)]
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def make(folder: Path) -> Clean:
    """The environment with Careroom's wheel, built from this tree in a place of its own."""
    source = folder / "source"
    source.mkdir()
    for name in _BUILT_FROM:
        (source / name).symlink_to(ROOT / name)
    subprocess.run([ROOT / "scripts" / "translations", "compile"], check=True, capture_output=True)
    wheels = folder / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", wheels, source]
    subprocess.run(build, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    clean = Clean(folder / "venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", clean.folder], check=True)
    # A path file adds the folder and not the path files in it: an editable Careroom in there is not seen.
    (clean.packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (wheel,) = wheels.glob("careroom-*.whl")
    clean.pip("install", "-q", "--no-deps", wheel)
    return clean
