"""The fragments that reload themselves: photos of a patient, and what waits for the practice today."""

from __future__ import annotations

from core.sdk import PatientContext, StaffContext, audit
from plugins.photo_request import lists
from plugins.photo_request.pages import page

_SHOWN = 8


def patient_photos(ctx: PatientContext) -> str:
    """A patient's requests and photos, in the patient workspace."""
    return page(
        "patient_panel.html",
        patient=ctx.patient,
        rows=lists.of_patient(ctx.patient.id)[:_SHOWN],
        total=lists.count_of_patient(ctx.patient.id),
        may_view=ctx.can("photo_request.view"),
        may_review=ctx.can("photo_request.review"),
    )


def today_photos(ctx: StaffContext) -> str:
    """What waits for a decision, and what will not go on by itself."""
    may_view = ctx.can("photo_request.view")
    to_review, attention = lists.today(with_photos=may_view)
    audit.lists(row.patient.id for row in (*to_review, *attention))
    return page(
        "today_panel.html",
        to_review=to_review,
        review_total=lists.count_to_review(),
        attention=attention,
        waiting_total=lists.count_waiting(),
        may_view=may_view,
    )
