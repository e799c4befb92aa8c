"""Whose data there is: the core's own, and each installed plugin's, whether it is on or off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.patient_data.parts import Erased, ExportPart, PatientDataContext, PracticeDataContext, Words

ExportPatient = Callable[[PatientDataContext], list[ExportPart]]
ErasePatient = Callable[[PatientDataContext], list[Erased]]
ExportPractice = Callable[[PracticeDataContext], list[ExportPart]]
ErasePractice = Callable[[PracticeDataContext], list[Erased]]


@dataclass(frozen=True, slots=True)
class Source:
    """A plugin's answers. Where a plugin gives none, its tables speak for it (:mod:`core.patient_data.own_rows`)."""

    owner: str
    title: Words
    version: str
    export_patient: ExportPatient | None = None
    erase_patient: ErasePatient | None = None
    export_practice: ExportPractice | None = None
    erase_practice: ErasePractice | None = None


class SourceFailed(Exception):
    """A plugin raised, answered something else than it must, or left rows behind. ``owner`` names it."""

    def __init__(self, owner: str, what: str) -> None:
        super().__init__(f"{owner}: {what}")
        self.owner, self.what = owner, what


_ask: Callable[[], list[Source]] = list
_ask_refused: Callable[[], list[str]] = list


def answered_by(ask: Callable[[], list[Source]], refused: Callable[[], list[str]] = list) -> None:
    """Let the plugin system say which plugins are loaded, in their order, and which are there and were not taken."""
    global _ask, _ask_refused
    _ask, _ask_refused = ask, refused


def installed() -> list[Source]:
    """Every installed plugin, whether it is on or off for anybody."""
    return _ask()


def refused() -> list[str]:
    """The plugins that are installed and that this process did not take: in safe mode all of them."""
    return _ask_refused()


def owners() -> list[str]:
    """The names of the installed plugins."""
    return [source.owner for source in installed()]


def find(owner: str) -> Source | None:
    """The installed plugin of this name, or None."""
    return next((source for source in installed() if source.owner == owner), None)
