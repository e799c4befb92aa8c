"""Everybody reads their own language: the catalogues of the languages that a plugin declares are whole."""

from __future__ import annotations

from pathlib import Path

import core
from core.authoring.catalogues import Source
from core.authoring.inspection import Inspection
from core.i18n.catalogues import CORE_CATALOGUE

ENGLISH = "en"


def source_of(package: Path) -> Source:
    """The catalogues of a plugin by the folder of its package; what the core says already is the core's."""
    code = Path(core.__file__).parent
    return Source(package.name, package, package / "translations", Source("core", code, CORE_CATALOGUE))


def languages_of(package: Path, declared: tuple[str, ...]) -> list[str]:
    """The languages to be translated into: those declared, else those that there are catalogues for."""
    there = [path.parent.parent.name for path in (package / "translations").glob("*/LC_MESSAGES/messages.po")]
    return sorted({locale.partition("-")[0] for locale in declared or there} - {ENGLISH})


def look(place: Inspection) -> list[str]:
    """Each message of code and templates is translated, with the same placeholders, and compiled."""
    source, wrong = source_of(place.package), []
    for language in languages_of(place.package, place.plugin.locales):
        wrong += [f"{language}: {problem}" for problem in source.problems(language)]
        if source.is_stale(language):
            wrong.append(f"{language}: messages.mo is missing or older than messages.po")
    return wrong
