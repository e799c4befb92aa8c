"""The message catalogues of this repository, the core's and one for each plugin."""

from pathlib import Path
from typing import Final

from core.authoring.catalogues import Source, is_filled, key, messages

__all__ = ["LANGUAGES", "ROOT", "Source", "is_filled", "key", "messages", "sources"]

ROOT: Final = Path(__file__).resolve().parents[2]
LANGUAGES: Final = ("fr",)  # English is the source and has no catalogue


def sources(root: Path = ROOT) -> list[Source]:
    """The core's catalogue, then each plugin's, by name."""
    core = Source("core", root / "core", root / "translations")
    plugins = sorted(path.parent for path in (root / "plugins").glob("*/__init__.py"))
    return [core, *(Source(path.name, path, path / "translations", shared=core) for path in plugins)]
