"""What video consultations hold about a patient: handed over on request, and erased on request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from core.sdk import Erased, ExportPart, FileRef, PatientDataContext, _, _l, db, files, utcnow
from plugins.video_call import leaving, settings, wording
from plugins.video_call.models import Call, Consent, Document, Message

_FIELDS: Final = {
    "invited_at": _l("Invited on"),
    "invited_by": _l("Invited by"),
    "planned_for": _l("Planned for"),
    "clinician": _l("Clinician"),
    "what_we_wrote": _l("What we wrote"),
    "state": _l("State"),
    "you_came": _l("You opened the link"),
    "began": _l("Began"),
    "ended": _l("Ended"),
    "result": _l("Result"),
    "reason": _l("Reason"),
    "notes": _l("Notes of the practice"),
    "your_rating": _l("Your rating, of 3"),
    "your_words": _l("Your words about the call"),
    "agreements": _l("What you were asked for"),
    "asked_at": _l("Asked on"),
    "wording": _l("In these words"),
    "answer": _l("Your answer"),
    "chat": _l("Chat"),
    "at": _l("When"),
    "from": _l("From"),
    "text": _l("Text"),
    "file": _l("File"),
    "documents": _l("Documents"),
    "title": _l("Title"),
    "made_by": _l("Made by"),
}
_ANSWERS: Final = {
    "asked": _l("No answer"),
    "granted": _l("Yes"),
    "refused": _l("No"),
    "revoked": _l("Yes, and taken back later"),
    "withdrawn": _l("No answer: the question was taken back"),
}


def export(ctx: PatientDataContext) -> list[ExportPart]:
    """Every consultation with what was said, agreed to and made in it, the files among it."""
    calls = _calls(ctx.patient.id)
    if not calls:
        return []
    ids = [call.id for call in calls]
    said, made, agreed = _by_call(Message, ids), _by_call(Document, ids), _by_call(Consent, ids)
    content = [
        {
            **_call(call),
            "agreements": [_consent(one) for one in agreed[call.id]],
            "chat": [_message(one, f"{number}-{place}") for place, one in enumerate(said[call.id], start=1)],
            "documents": [
                _document(one, f"{number}-{place}") for place, one in enumerate(made[call.id], start=1)
            ],
        }
        for number, call in enumerate(calls, start=1)
    ]
    return [ExportPart("consultations.json", content, _l("Video consultations"), _FIELDS)]


def erase(ctx: PatientDataContext) -> list[Erased]:
    """Everything goes, but for the record of consultations that the practice must keep by law."""
    calls = _calls(ctx.patient.id)
    today = utcnow().date()
    until = {call.id: _last_day(call) for call in calls}
    staying = [call for call in calls if until[call.id] >= today]
    going = [call for call in calls if until[call.id] < today]
    if not ctx.preview:
        leaving.remove(going)
        leaving.strip(staying)
    erased = [Erased(_l("Video consultations"), len(going))]
    if staying:
        reason = _("They are part of the medical record, which the law obliges the practice to keep.")
        last = max(until[call.id] for call in staying)
        erased.append(Erased(_l("Notes and documents of video consultations"), len(staying), reason, last))
    return erased


def _last_day(call: Call) -> date:
    """The last day on which the record of a consultation must stay; long ago where nothing obliges."""
    years = settings.here().record_years
    if not years or call.connected_at is None:
        return date.min
    return (call.ended_at or call.connected_at).date() + timedelta(days=round(years * 365.25))


def _calls(patient_id: UUID) -> list[Call]:
    about = select(Call).where(Call.patient_id == patient_id)
    return list(db.session().scalars(about.order_by(Call.created_at, Call.id)))


def _by_call(model: Any, ids: Sequence[UUID]) -> dict[UUID, list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        for one in db.session().scalars(select(model).where(model.call_id.in_(some)).order_by(model.id)):
            found[one.call_id].append(one)
    return found


def _call(call: Call) -> dict[str, Any]:
    return {
        "invited_at": call.created_at,
        "invited_by": call.invited_by_name,
        "planned_for": call.scheduled_at,
        "clinician": call.clinician_name,
        "what_we_wrote": call.note,
        "state": wording.STATES.get(call.state, call.state),
        "you_came": call.waiting_at,
        "began": call.connected_at,
        "ended": call.ended_at,
        "result": wording.RESULTS.get(call.outcome or ""),
        "reason": wording.reasons().get(call.outcome_reason or "") or call.reason,
        "notes": call.notes,
        "your_rating": call.feedback_score,
        "your_words": call.feedback_text,
        "id": call.id,
    }


def _consent(one: Consent) -> dict[str, Any]:
    return {
        "asked_at": one.asked_at,
        "wording": one.wording,
        "answer": _ANSWERS.get(one.state, one.state),
        "id": one.id,
    }


def _message(one: Message, number: str) -> dict[str, Any]:
    return {
        "at": one.created_at,
        "from": one.sender_name,
        "text": one.text,
        "file": _file(one.file_id, f"chat-{number}") if one.file_id else None,
        "id": one.id,
    }


def _document(one: Document, number: str) -> dict[str, Any]:
    return {
        "at": one.created_at,
        "title": one.title,
        "made_by": one.made_by_name,
        "file": _file(one.file_id, f"document-{number}"),
        "id": one.id,
    }


def _file(file_id: UUID, stem: str) -> FileRef:
    """A file of the archive with the ending that opens it: a photo is a JPEG, a recording a webm."""
    found = db.get(files.File, file_id)
    ending = files.name_of(found).rpartition(".")[2].lower() if found is not None else ""
    return FileRef(file_id, f"{stem}.{ending}" if ending.isalnum() and len(ending) <= 5 else stem)
