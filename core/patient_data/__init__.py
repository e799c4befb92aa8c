"""A person's rights to their data: everything about a patient handed over or erased, and a practice's likewise."""

from datetime import timedelta
from typing import Final

from core import audit
from core.i18n import _l
from core.jobs import Job
from core.patient_data import erasures, exports, practice_exports, sources
from core.patient_data.models import PatientErasure, PatientExport, PluginTombstone, PracticeExport
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
    Job(practice_exports.MAKE, practice_exports.make),
    Job(exports.EXPIRE, exports.expire, every=timedelta(minutes=15), across_practices=True),
    Job(erasures.ERASE, erasures.erase),
    Job(erasures.LOOK_AGAIN, erasures.look_again),
)

audit.describe(
    {
        "patient.export_requested": _l("Export of all data asked for"),
        "patient.exported": _l("Export of all data made"),
        "patient.export_downloaded": _l("Export of all data downloaded"),
        "patient.export_removed": _l("Export of all data removed"),
        "patient.erasure_requested": _l("Erasure of all data asked for"),
        "patient.erasure_failed": _l("Erasure of all data not finished"),
        "patient.erasure_withdrawn": _l("Erasure of all data called off"),
        "patient.erased": _l("All data erased"),
        "plugin.purge_begun": _l("Removal of a plugin's data begun"),
        "plugin.purged": _l("A plugin's data removed"),
        "practice.export_requested": _l("Export of the whole practice asked for"),
        "practice.exported": _l("Export of the whole practice made"),
        "practice.export_downloaded": _l("Export of the whole practice downloaded"),
        "practice.export_removed": _l("Export of the whole practice removed"),
        "practice.erased": _l("Practice erased"),
    }
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
    "PracticeExport",
    "Source",
    "SourceFailed",
    "erasures",
    "exports",
    "practice_exports",
    "sources",
]
