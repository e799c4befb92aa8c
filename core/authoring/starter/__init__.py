"""`careroom plugin new`: a package that runs at once, to be changed into the one that is meant.

The starter's files lie in ``files/`` with ``.txt`` at their ends, so that nobody takes them for the core's own code;
``[[name]]`` and its like are filled in.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from core.authoring import words
from core.plugin_system.manifest import _NAME as NAME
from core.plugin_system.manifest import API_VERSION, RESERVED

MOST_LETTERS: Final = 40
"""PostgreSQL cuts names off at 63 bytes, and an index carries the plugin's, the table's and its own."""
FILES: Final = Path(__file__).parent / "files"
_FOLDERS: Final = {
    "package/pages": "[[package]]/templates/[[name]]",
    "package/catalogue": "[[package]]/translations/fr/LC_MESSAGES",
    "package/revisions": "[[package]]/migrations",
    "package": "[[package]]",
    "tests": "tests",
    ".": ".",
}


class CannotMake(ValueError):
    """A plugin cannot be made like this; the message says why."""


def make(name: str, folder: Path | None = None, *, title: str | None = None) -> Path:
    """Write the package of a plugin and answer its folder. Raises CannotMake."""
    if not NAME.fullmatch(name) or name in RESERVED or len(name) > MOST_LETTERS:
        raise CannotMake(f"{name!r} cannot name a plugin: a few lower_case words, such as symptom_diary")
    project = "careroom-" + name.replace("_", "-")
    target = folder or Path(project)
    if target.exists() and any(target.iterdir()):
        raise CannotMake(f"{target} is there already and is not empty")
    values = {
        "name": name,
        "package": f"careroom_{name}",
        "project": project,
        "title": title or name.replace("_", " ").capitalize(),
        "api": f">={API_VERSION.major},<{API_VERSION.major + 1}",
    }
    for source in sorted(FILES.rglob("*.txt")):
        place = target / _place(source.relative_to(FILES), values)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(filled(source.read_text(encoding="utf-8"), values), encoding="utf-8")
        if place.suffix == ".sh":
            place.chmod(0o755)
    package = target / values["package"]
    (package / "py.typed").touch()
    words.source_of(package.resolve()).compile("fr")
    _format(target)
    return target


def _format(folder: Path) -> None:
    """Wrap and sort lines as the length of the name asks for, where ruff is there; else its own check will say so."""
    beside = Path(sys.executable).with_name("ruff")
    ruff = str(beside) if beside.exists() else shutil.which("ruff")
    if ruff is not None:
        for command in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
            subprocess.run([ruff, *command, "."], cwd=folder, check=False)


def filled(text: str, values: dict[str, str]) -> str:
    """The text with each ``[[key]]`` in it replaced."""
    for key, value in values.items():
        text = text.replace(f"[[{key}]]", value)
    return text


def _place(source: Path, values: dict[str, str]) -> Path:
    folder = filled(_FOLDERS[source.parent.as_posix()], values)
    return Path(folder) / filled(source.name.removesuffix(".txt"), values)
