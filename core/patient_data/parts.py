"""What plugins hand over when a patient's or a practice's data is exported or erased."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from uuid import UUID

from core.i18n import LazyString
from core.patients import Patient
from core.tenancy import Practice

Words = LazyString | str
_WRONG: Final = ("..", "\\", "\x00")


class BadPart(ValueError):
    """A part that cannot go into an archive; the message says what to change."""


@dataclass(frozen=True, slots=True)
class PatientDataContext:
    """Whose data is asked for. The practice is set, and a scope is open.

    preview: only say what an erasure would do. Nothing may be changed then; what is changed all the same is undone.
    """

    practice: Practice
    patient: Patient
    preview: bool = False


@dataclass(frozen=True, slots=True)
class PracticeDataContext:
    """The practice whose data of this plugin is exported or erased. The practice is set, and a scope is open."""

    practice: Practice
    preview: bool = False


@dataclass(frozen=True, slots=True)
class FileRef:
    """A stored file that goes into the archive decrypted; ``name`` is what it is called there ("photo-1.jpg").

    rendition: "large" or "thumb"; the original stands in while that is not made yet.
    """

    file_id: UUID
    name: str
    rendition: str = "large"


@dataclass(frozen=True, slots=True)
class ExportPart:
    """One file of the export: ``name`` is its path inside the plugin's folder ("requests.json").

    content: what JSON can say (also datetimes, dates and UUIDs), with a :class:`FileRef` wherever a picture belongs;
    or a FileRef alone. title and fields (key -> words) are what the patient reads on the first page in place of the
    name and the keys. A key that has no words is left out there; in the JSON everything stays.
    """

    name: str
    content: Any
    title: Words = ""
    fields: Mapping[str, Words] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.name or self.name.startswith("/") or any(wrong in self.name for wrong in _WRONG):
            raise BadPart(f"{self.name!r} cannot name a file of an archive")
        if not isinstance(self.content, FileRef) and not self.name.endswith(".json"):
            raise BadPart(f"{self.name!r} holds data and so must end with .json")


@dataclass(frozen=True, slots=True)
class Erased:
    """So many things of one kind that went; with ``stays``: that must stay, and the legal reason in words.

    until: the last day on which it must stay, where there is one. needs_identity: what stays is of no use unless it is
    known whose it is (a medical record), so that the patient's name stays, too; False: it goes on without (a count).
    """

    what: Words
    count: int
    stays: Words = ""
    until: date | None = None
    needs_identity: bool = True
