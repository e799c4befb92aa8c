"""Plugins that hold data and cannot be asked: nothing may be handed over or erased as if they held none.

Not loaded: it is installed, and this process did not take it (safe mode, a fault at the start). Not installed: its
code is gone, and its rows or files are still there until somebody purges it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from core import db
from core.db import practice_rows
from core.files.models import File
from core.patient_data import sources
from core.patient_data.sources import SourceFailed
from core.tenancy.switches import CORE

NOT_LOADED: Final = "not loaded"
NOT_INSTALLED: Final = "not installed: purge first"


@dataclass(frozen=True, slots=True)
class Absent:
    """A plugin that cannot be asked, and why."""

    owner: str
    why: str


def of_patient(patient_id: UUID) -> list[Absent]:
    """Who may hold something about a patient of the current practice and cannot say so. In an open scope."""
    not_loaded = sources.refused()
    left = {*practice_rows.strangers(sources.owners(), patient_id), *_of_files(File.patient_id == patient_id)}
    return [
        *(Absent(owner, NOT_LOADED) for owner in not_loaded),
        *(Absent(owner, NOT_INSTALLED) for owner in sorted(left - set(not_loaded))),
    ]


def refuse_of_patient(patient_id: UUID) -> None:
    """Raise SourceFailed when somebody who may hold something about the patient cannot be asked."""
    for one in of_patient(patient_id):
        raise SourceFailed(one.owner, one.why)


def refuse_not_loaded() -> None:
    """Raise SourceFailed when an installed plugin was not taken by this process."""
    for owner in sources.refused():
        raise SourceFailed(owner, NOT_LOADED)


def not_installed() -> list[str]:
    """The plugins whose code is gone and of which the current practice has rows or files. In an open scope."""
    return sorted({*practice_rows.strangers(sources.owners()), *_of_files()} - set(sources.refused()))


def _of_files(*about: object) -> set[str]:
    known = {CORE, *sources.owners()}
    return set(db.session().scalars(select(File.owner).where(*about).distinct())) - known  # type: ignore[arg-type]
