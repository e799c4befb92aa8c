"""The life of a diary: start, write, end. Everything here runs inside a scope and belongs to its transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from core.sdk import (
    Patient,
    Refused,
    _,
    _l,
    audit,
    db,
    links,
    notifications,
    patients,
    publish,
    topic,
    utcnow,
    uuid7,
)
from sqlalchemy import select

from careroom_symptom_diary import messages, reminders
from careroom_symptom_diary.calendar import today
from careroom_symptom_diary.models import ENDED, RUNNING, STOPPED, Diary, Entry
from careroom_symptom_diary.scales import NOTE, SCALES

PURPOSE: Final = reminders.PURPOSE
SUBJECT: Final = reminders.SUBJECT
MAX_NOTE: Final = 400
MAX_WORDS: Final = 1000
READ: Final = "symptom_diary.read"


def start(
    patient: Patient,
    *,
    scales: Sequence[str],
    thresholds: Mapping[str, Decimal],
    days: int,
    hour: int,
    channel: notifications.Channel,
    note: str = "",
    id: UUID | None = None,
) -> Diary:
    """Ask a patient to keep a diary: diary, link, message, first reminder, event and trail in one transaction.

    id: chosen by the form that was shown, so that sending it twice asks once. Raises Refused.
    """
    if id is not None and (known := db.get(Diary, id)) is not None:
        return known
    chosen = [name for name in (*SCALES, NOTE) if name in scales]
    if not any(name in SCALES for name in chosen):
        raise Refused(_("Please choose at least one thing to ask for."), "no_scales", status=422)
    if not (patient.mobile if channel == "sms" else patient.email):
        raise Refused(_("The patient cannot be reached like this."), "no_contact", status=422)
    if running(patient.id) is not None:
        raise Refused(_("The patient keeps a diary already. Stop it first."), "already", status=422)
    first = today()
    diary = Diary(
        id=id or uuid7(),
        patient_id=patient.id,
        started_by_name=audit.actor().name,
        note=" ".join(note.split())[:MAX_NOTE] or None,
        scales=chosen,
        thresholds={name: str(value) for name, value in thresholds.items() if name in chosen},
        channel=channel,
        hour=hour,
        first_day=first,
        last_day=first + timedelta(days=days - 1),
    )
    db.session().add(diary)
    db.session().flush()
    reminders.send(diary, patient, messages.INVITATION, first)
    reminders.plan(diary, first + timedelta(days=1))
    audit.record("symptom_diary.started", patient_id=patient.id, subject=(SUBJECT, diary.id))
    tell(diary, "started")
    return diary


def write(diary: Diary, readings: Mapping[str, Decimal], note: str = "", *, day: date | None = None) -> Entry:
    """The patient's entry of a day (today); written again it takes the place of the one before. Raises Refused."""
    day = day or today()
    if diary.state != RUNNING or not diary.first_day <= day <= diary.last_day:
        raise Refused(_("This diary has ended."), "ended")
    entry = entry_of(diary, day)
    if entry is None:
        entry = Entry(diary_id=diary.id, on_day=day)
        db.session().add(entry)
    before = set(entry.alerts or [])
    entry.readings = {name: str(readings[name]) for name in diary.scales if name in readings}
    entry.note = (note.strip()[:MAX_WORDS] or None) if NOTE in diary.scales else None
    entry.alerts = [
        name
        for name, threshold in diary.thresholds.items()
        if name in readings and readings[name] >= Decimal(threshold)
    ]
    db.session().flush()
    if set(entry.alerts) - before:
        _alert(diary, entry)
    audit.record("symptom_diary.written", patient_id=diary.patient_id, subject=(SUBJECT, diary.id))
    tell(diary, "written")
    return entry


def stop(diary: Diary) -> None:
    """The practice needs no more entries. On a diary that has ended nothing happens."""
    if diary.state == RUNNING:
        _close(diary, STOPPED)
        audit.record("symptom_diary.stopped", patient_id=diary.patient_id, subject=(SUBJECT, diary.id))


def end(diary: Diary) -> None:
    """The last day is over."""
    if diary.state == RUNNING:
        _close(diary, ENDED)


def _close(diary: Diary, state: str) -> None:
    diary.state, diary.closed_at = state, utcnow()
    for link in links.of_subject(diary.id):
        links.cancel(link.id)
    notifications.cancel_about(diary.id)
    tell(diary, state)


def _alert(diary: Diary, entry: Entry) -> None:
    patient = patients.get(diary.patient_id)
    notifications.inbox.notify(
        _l("Symptom diary of %(name)s: look at today’s entry", name=patient.display_name),
        url=f"/symptom_diary/diaries/{diary.id}",
        permission=READ,
        icon="activity-heartbeat",
        subject=(SUBJECT, diary.id),
        key=f"{SUBJECT}.alert:{entry.id}:{'-'.join(entry.alerts)}",
    )


# --- reading ------------------------------------------------------------------------------------------------------


def entry_of(diary: Diary, day: date) -> Entry | None:
    """The entry of one day."""
    return db.session().scalar(select(Entry).where(Entry.diary_id == diary.id, Entry.on_day == day))


def entries_of(diary: Diary) -> list[Entry]:
    """A diary's entries by day."""
    query = select(Entry).where(Entry.diary_id == diary.id).order_by(Entry.on_day)
    return list(db.session().scalars(query))


def of_patient(patient_id: UUID, limit: int = 10) -> list[Diary]:
    """A patient's diaries, the newest first."""
    query = select(Diary).where(Diary.patient_id == patient_id)
    return list(db.session().scalars(query.order_by(Diary.created_at.desc(), Diary.id.desc()).limit(limit)))


def entries_of_patient(patient_id: UUID, limit: int = 50) -> list[tuple[Diary, Entry]]:
    """The newest entries of all of a patient's diaries."""
    query = (
        select(Diary, Entry)
        .join(Entry, (Entry.diary_id == Diary.id) & (Entry.practice_id == Diary.practice_id))
        .where(Diary.patient_id == patient_id)
        .order_by(Entry.on_day.desc(), Entry.id.desc())
        .limit(limit)
    )
    return [(diary, entry) for diary, entry in db.session().execute(query)]


def running(patient_id: UUID) -> Diary | None:
    """The diary that a patient keeps now."""
    query = select(Diary).where(Diary.patient_id == patient_id, Diary.state == RUNNING)
    return next((diary for diary in db.session().scalars(query) if diary.last_day >= today()), None)


def topic_of(patient_id: UUID) -> str:
    """What pages about a patient's diaries listen to."""
    return topic("symptom_diary.patient", patient_id)


def tell(diary: Diary, change: str) -> None:
    """Wake the pages that show this diary."""
    publish(topic_of(diary.patient_id), change, diary=diary.id)
