"""The fragments that reload themselves: a patient's consultations, and what waits for the practice today."""

from __future__ import annotations

from core.sdk import PatientContext, StaffContext, audit
from plugins.video_call import lists
from plugins.video_call.pages import page

_SHOWN = 6


def patient_calls(ctx: PatientContext) -> str:
    """A patient's consultations, in the patient workspace."""
    found, total = lists.of_patient(ctx.patient.id)
    return page(
        "patient_panel.html",
        patient=ctx.patient,
        rows=found[:_SHOWN],
        total=total,
        may_conduct=ctx.can("video_call.conduct"),
        me=str(ctx.user_id),
    )


def today_calls(ctx: StaffContext) -> str:
    """Who waits, what goes on and what is planned for today. Nothing, where there is none of it."""
    found = lists.active(limit=10)
    if not found:
        return ""
    audit.lists(row.patient.id for row in found)
    return page(
        "today_panel.html", rows=found, may_conduct=ctx.can("video_call.conduct"), me=str(ctx.user_id)
    )
