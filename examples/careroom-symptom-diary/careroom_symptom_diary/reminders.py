"""The invitation and the daily reminders. Each reminder is a job with a due time, and plans the next one.

A link's secret is only ever in its message, so each message has a link of its own, which works until the diary ends.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from core.sdk import Patient, audit, db, i18n, jobs, links, notifications, patients, tenancy

from careroom_symptom_diary import messages
from careroom_symptom_diary.calendar import moment, today
from careroom_symptom_diary.models import RUNNING, Diary

PURPOSE: Final = "symptom_diary.write"
SUBJECT: Final = "symptom_diary.diary"
JOB: Final = "symptom_diary.remind"


def plan(diary: Diary, day: date) -> None:
    """Have the patient reminded at the diary's hour of this day; a day after the last one ends the diary."""
    jobs.enqueue(
        JOB,
        due_at=moment(day, diary.hour if day <= diary.last_day else 0),
        key=f"{SUBJECT}:{diary.id}:{day}",
        diary_id=diary.id,
        day=day,
    )


def remind(payload: dict[str, Any]) -> None:
    """The job: remind the patient unless today's entry is there, and plan the next day. Twice is as good as once."""
    from careroom_symptom_diary import service

    day = date.fromisoformat(payload["day"])
    with jobs.scope():
        diary = db.get(Diary, UUID(payload["diary_id"]))
        if diary is None or diary.state != RUNNING:
            return
        if today() > diary.last_day:
            service.end(diary)
            return
        # Where the worker or the plugin was off for days, one reminder is enough.
        day = max(day, today())
        patient = patients.get(diary.patient_id)
        if patient.active and service.entry_of(diary, day) is None:
            try:
                with db.savepoint():
                    send(diary, patient, messages.REMINDER, day)
            except notifications.NotificationError as error:
                # The patient has no number any more: the diary goes on, and the trail says so.
                audit.record(
                    "symptom_diary.not_reminded",
                    patient_id=patient.id,
                    subject=(SUBJECT, diary.id),
                    detail={"error": type(error).__name__},
                )
        plan(diary, day + timedelta(days=1))


def send(diary: Diary, patient: Patient, template: str, day: date) -> None:
    """Send a message with a link; of each template one a day."""
    days_left = (diary.last_day - day).days + 1
    issued = links.issue(PURPOSE, patient.id, diary.id, days=days_left)
    values = {"practice": tenancy.current().name, "patient": patient.given_names, "link": issued.url}
    if template == messages.INVITATION:
        with i18n.use_language(notifications.language_for(patient)):
            values["last_day"] = i18n.format_date(diary.last_day, "short")
    channel: notifications.Channel = "email" if diary.channel == "email" else "sms"
    notifications.send(
        template,
        patient=patient,
        channels=[channel],
        variables=values,
        key=f"{SUBJECT}:{diary.id}:{day}",
        subject=(SUBJECT, diary.id),
    )
