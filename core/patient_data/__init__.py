"""A person's rights to their data: everything about a patient handed over or erased, and a practice's likewise."""

from datetime import timedelta
from typing import Final

from core.jobs import Job
from core.patient_data import erasures, exports, sources
from core.patient_data.models import PatientErasure, PatientExport, PluginTombstone
from core.patient_data.parts import (
    BadPart,
    Erased,
    ExportPart,
    FileRef,
    PatientDataContext,
    PracticeDataContext,
)
from core.patient_data.sources import Source, SourceFailed

JOBS: Final[tuple[Job, ...]] = (
    Job(exports.MAKE, exports.make),
    Job(exports.EXPIRE, exports.expire, every=timedelta(minutes=15), across_practices=True),
    Job(erasures.ERASE, erasures.erase),
    Job(erasures.LOOK_AGAIN, erasures.look_again),
)

__all__ = [
    "JOBS",
    "BadPart",
    "Erased",
    "ExportPart",
    "FileRef",
    "PatientDataContext",
    "PatientErasure",
    "PatientExport",
    "PluginTombstone",
    "PracticeDataContext",
    "Source",
    "SourceFailed",
    "erasures",
    "exports",
    "sources",
]
