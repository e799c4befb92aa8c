"""What pyproject.toml cannot say of the wheel: it carries the core's translations, which lie beside the code here."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

ROOT = Path(__file__).parent


class BuildWhole(build_py):
    """Refuses to build what would not run: without front-end packages or compiled translations."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self._check()
            for compiled in (ROOT / "translations").rglob("*.mo"):
                target = Path(self.build_lib) / "core" / compiled.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(compiled, target)

    def _check(self) -> None:
        vendor = ROOT / "core" / "web" / "static" / "vendor"
        if not (vendor / "socket.io.esm.min.js").exists():
            raise SetupError("front-end packages are missing: run scripts/setup first")
        for written in [*ROOT.glob("translations/*/*/*.po"), *ROOT.glob("plugins/*/translations/*/*/*.po")]:
            compiled = written.with_suffix(".mo")
            if not compiled.exists() or compiled.stat().st_mtime < written.stat().st_mtime:
                raise SetupError(f"{written} is not compiled: run scripts/translations compile first")


setup(cmdclass={"build_py": BuildWhole})
