"""The reminder of a planned consultation: a job with a due time, which sends the patient a link of its own.

A link's secret is only ever in its message, so a reminder carries a new link beside the first; both lead to the call,
and a patient has one place in it (:func:`plugins.video_call.participants.make_room`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from core.sdk import audit, db, i18n, jobs, notifications, tenancy, utcnow
from plugins.video_call import messages, reach, service, settings, states
from plugins.video_call.models import SUBJECT, Call

JOB: Final = "video_call.remind"
# Who was told less than this before the reminder is due has the invitation fresh in hand.
_FRESH: Final = timedelta(minutes=30)


def plan(call: Call) -> None:
    """Have the patient reminded, if the call is planned and the practice wishes it."""
    minutes = settings.here().reminder_minutes
    if call.scheduled_at is None or not minutes:
        return
    due_at = call.scheduled_at - timedelta(minutes=minutes)
    if due_at > utcnow() + _FRESH:
        at = call.scheduled_at.isoformat()
        jobs.enqueue(JOB, due_at=due_at, key=f"{JOB}:{call.id}:{at}", call_id=call.id, at=at)


def remind(payload: dict[str, Any]) -> None:
    """The job: remind the patient, unless the call was moved or taken back meanwhile, or they are here already."""
    with jobs.scope():
        call = db.get(Call, UUID(payload["call_id"]))
        if call is None or call.state != states.SCHEDULED or call.scheduled_at is None:
            return
        if call.scheduled_at != datetime.fromisoformat(payload["at"]) or call.scheduled_at <= utcnow():
            return
        try:
            with db.savepoint():
                _send(call, call.scheduled_at)
        except notifications.NotificationError as error:
            # The patient has no number any more: the consultation stands, and the trail says so.
            audit.record(
                "video_call.not_reminded",
                patient_id=call.patient_id,
                subject=(SUBJECT, call.id),
                detail={"error": type(error).__name__},
            )


def _send(call: Call, at: datetime) -> None:
    patient = service.patient_of(call)
    chosen = reach.own_channels(patient, call) if patient.active else []
    if not chosen:
        return
    issued = reach.issue_link(patient, call)
    with i18n.use_language(notifications.language_for(patient)):
        values = {
            "practice": tenancy.current().name,
            "patient": patient.given_names,
            "clinician": call.clinician_name,
            "when": i18n.format_datetime(at, "short"),
            "link": issued.url,
        }
    notifications.send(
        messages.REMINDER,
        patient=patient,
        channels=chosen,
        variables=values,
        key=f"{JOB}:{call.id}:{at.isoformat()}",
        subject=(SUBJECT, call.id),
    )
    service.record(call, "reminded", channels=", ".join(chosen))
