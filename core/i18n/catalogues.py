"""The catalogues: the core's and each plugin's, merged by language, read once and kept in memory.

Set-up compiles `.po` to `.mo`. In development and tests a catalogue that was not compiled since it changed is compiled
in memory; in production that is a fault of the deployment and said so, rather than half the words in English.
"""

from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from core import settings
from core.i18n.languages import PSEUDO_LANGUAGES
from core.i18n.pseudo import PseudoTranslations

_CORE: Final = Path(__file__).resolve().parents[1]
_IN_WHEEL: Final = _CORE / "translations"
CORE_CATALOGUE: Final = _IN_WHEEL if _IN_WHEEL.is_dir() else _CORE.parent / "translations"

_sources: list[Path] = [CORE_CATALOGUE]
_merged: dict[str, NullTranslations] = {}
_lock: Final = Lock()


class CatalogueError(RuntimeError):
    """A catalogue cannot be used as it lies there."""


def add_catalogue(directory: str | Path) -> None:
    """Add a plugin's `translations` directory. Where two say the same message, the one added first is heard."""
    path = Path(directory).resolve()
    with _lock:
        if path not in _sources:
            _sources.append(path)
            _merged.clear()


def translations(code: str) -> NullTranslations:
    """All messages in this language. Touches the disk only the first time."""
    found = _merged.get(code)
    return found if found is not None else _merge(code)


def _merge(code: str) -> NullTranslations:
    with _lock:
        if code in PSEUDO_LANGUAGES:
            merged: NullTranslations = PseudoTranslations(code)
        else:
            files = [found for found in (_read(source, code) for source in _sources) if found is not None]
            merged = _join(files)
        _merged[code] = merged
    return merged


def _join(files: list[GNUTranslations]) -> NullTranslations:
    """One lookup instead of a chain of fallbacks, which would cost a plugin's message one miss per catalogue."""
    if not files:
        return NullTranslations()
    whole, *others = files
    for other in others:
        for key, message in vars(other)["_catalog"].items():
            vars(whole)["_catalog"].setdefault(key, message)
    return whole


def _read(source: Path, code: str) -> GNUTranslations | None:
    """The compiled catalogue of one source; None when it has no such language (English has none: it is the source)."""
    po = source / code / "LC_MESSAGES" / "messages.po"
    mo = po.with_suffix(".mo")
    if mo.exists() and not (po.exists() and po.stat().st_mtime > mo.stat().st_mtime):
        with mo.open("rb") as compiled:
            return Translations(compiled)
    if not po.exists():
        return None
    if _in_production():
        state = "is older than" if mo.exists() else "is missing beside"
        raise CatalogueError(f"{mo} {state} {po.name}: run `make setup` (or `scripts/translations compile`)")
    with po.open("rb") as text:
        catalogue = read_po(text, locale=code, abort_invalid=True)
    compiled_now = BytesIO()
    write_mo(compiled_now, catalogue)
    compiled_now.seek(0)
    return Translations(compiled_now)


def _in_production() -> bool:
    try:
        return settings.current().environment == "production"
    except settings.SettingsMissing:  # a tool or a test that reads messages without an installation around it
        return False
