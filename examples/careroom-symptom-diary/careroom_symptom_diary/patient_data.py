"""What this plugin holds about a patient: handed over on request, and erased on request."""

from __future__ import annotations

from typing import Final

from core.sdk import Erased, ExportPart, PatientDataContext, _l, db

from careroom_symptom_diary import service

_ALL: Final = 10_000
_FIELDS: Final = {
    "asked_by": _l("Asked by"),
    "first_day": _l("First day"),
    "last_day": _l("Last day"),
    "we_wrote": _l("What we wrote"),
    "entries": _l("Your entries"),
    "day": _l("Day"),
    "pain": _l("Pain"),
    "breath": _l("Breathlessness"),
    "temperature": _l("Temperature"),
    "note": _l("Your own words"),
}


def export(ctx: PatientDataContext) -> list[ExportPart]:
    """Every diary with its entries."""
    content = [
        {
            "asked_by": diary.started_by_name,
            "first_day": diary.first_day,
            "last_day": diary.last_day,
            "we_wrote": diary.note,
            "entries": [
                {"day": entry.on_day, **entry.readings, "note": entry.note}
                for entry in service.entries_of(diary)
            ],
        }
        for diary in service.of_patient(ctx.patient.id, _ALL)
    ]
    return [ExportPart("diaries.json", content, _l("Symptom diary"), _FIELDS)] if content else []


def erase(ctx: PatientDataContext) -> list[Erased]:
    """Everything goes; entries go with their diary."""
    diaries = service.of_patient(ctx.patient.id, _ALL)
    entries = sum(len(service.entries_of(diary)) for diary in diaries)
    if not ctx.preview:
        for diary in diaries:
            db.session().delete(diary)
    return [Erased(_l("Symptom diaries"), len(diaries)), Erased(_l("Entries of symptom diaries"), entries)]
