"""The fragment in the patient's workspace; it reloads itself when the patient writes."""

from __future__ import annotations

from core.sdk import PatientContext

from careroom_symptom_diary import service
from careroom_symptom_diary.pages import page
from careroom_symptom_diary.plot import plots


def of_patient(ctx: PatientContext) -> str:
    """The newest diary with its plots, and where the older ones are."""
    diaries = service.of_patient(ctx.patient.id)
    entries = service.entries_of(diaries[0]) if diaries else []
    return page(
        "panel.html",
        patient=ctx.patient,
        diary=diaries[0] if diaries else None,
        older=diaries[1:],
        entries=entries,
        plots=plots(diaries[0], entries) if diaries else [],
        may_start=ctx.can("symptom_diary.start"),
    )
