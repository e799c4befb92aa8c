"""The life of a request: ask, open, ask again, cancel, unlock, complete, expire.

Everything here runs inside a write scope of a practice and belongs to its transaction. What the patient sends is
in ``intake``, what clinicians decide about photos in ``review``.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select, update

from core.sdk import (
    LazyString,
    Patient,
    _,
    audit,
    db,
    i18n,
    links,
    notifications,
    patients,
    publish,
    tenancy,
    topic,
    utcnow,
    uuid7,
)
from plugins.photo_request import messages, settings
from plugins.photo_request.errors import CannotSend, RequestClosed
from plugins.photo_request.models import (
    CANCELLED,
    COMPLETED,
    EXPIRED,
    OPEN_STATES,
    OPENED,
    RECEIVED,
    SENT,
    WAITING_STATES,
    Request,
)

PURPOSE: Final = "photo_request.photos"
SUBJECT: Final = "photo_request.request"

MAX_NOTE: Final = 400
Channel = Literal["sms", "email"]
_CHANNELS: Final[tuple[Channel, ...]] = ("sms", "email")


def contact_of(patient: Patient, channel: str) -> str | None:
    """The number or address that a channel reaches this patient at."""
    return patient.mobile if channel == "sms" else patient.email


def usable_channels(patient: Patient) -> list[Channel]:
    """The ways in which this patient can be reached, the practice's preferred one first."""
    usable = [channel for channel, way in notifications.ways.to(patient).items() if way.usable]
    return sorted(usable, key=lambda channel: channel != settings.here().default_channel)


def request_photos(
    patient: Patient,
    *,
    channels: Sequence[str],
    note: str | None = None,
    id: UUID | None = None,
    supersedes: UUID | None = None,
    reason: LazyString | str | None = None,
) -> Request:
    """Ask a patient for photos: request, link, message, event and audit entry in one transaction.

    id: chosen by the form that was shown, so that sending it twice asks once. reason: why the photos sent before
    do not do (then the message is the one that asks again). Raises CannotSend.
    """
    if id is not None and (known := db.get(Request, id)) is not None:
        return known
    chosen = _checked_channels(patient, channels)
    actor = audit.actor()
    here = settings.here()
    request_id = id or uuid7()
    issued = links.issue(PURPOSE, patient.id, request_id, days=here.link_days)
    request = Request(
        id=request_id,
        patient_id=patient.id,
        requested_by=actor.id,
        requested_by_name=actor.name,
        note=clean_note(note),
        channels=list(chosen),
        link_id=issued.link.id,
        expires_at=issued.link.expires_at,
        max_photos=here.max_photos,
        supersedes=supersedes,
        state=SENT,
    )
    db.session().add(request)
    db.session().flush()
    notifications.send(
        messages.RETAKE if reason else messages.INVITATION,
        patient=patient,
        channels=chosen,
        variables=message_variables(
            patient, link=issued.url, expires_at=issued.link.expires_at, note=request.note, reason=reason
        ),
        key=f"photo_request.request:{request_id}",
        subject=(SUBJECT, request_id),
    )
    audit.record(
        "photo_request.sent",
        patient_id=patient.id,
        subject=(SUBJECT, request_id),
        detail={"channels": ", ".join(chosen)},
    )
    tell(request, "sent")
    return request


def preview(
    patient: Patient,
    *,
    note: str | None = None,
    link: str,
    expires_at: datetime,
    reason: LazyString | str | None = None,
) -> notifications.Preview:
    """The very message that :func:`request_photos` would send, with ``link`` standing for the link to come."""
    return notifications.preview(
        messages.RETAKE if reason else messages.INVITATION,
        patient=patient,
        variables=message_variables(
            patient, link=link, expires_at=expires_at, note=clean_note(note), reason=reason
        ),
    )


def message_variables(
    patient: Patient,
    *,
    link: str,
    expires_at: datetime,
    note: str | None,
    reason: LazyString | str | None = None,
) -> dict[str, str]:
    """What the templates of a request are filled with, written as the patient reads it."""
    practice = tenancy.current()
    with i18n.use_language(notifications.language_for(patient)):
        values: dict[str, str] = {
            "practice": practice.name,
            "patient": patient.given_names,
            "link": link,
            # In figures, because the û of août would push a French SMS out of GSM-7.
            "expires": i18n.format_date(expires_at, "short"),
            "note": note or "",
        }
        if reason is not None:
            values["reason"] = str(reason)
    return values


def send_again(request: Request, *, channels: Sequence[str] | None = None, id: UUID | None = None) -> Request:
    """Send a new link with the same note. The old link stops working, unless photos came through it already."""
    patient = patient_of(request)
    all_usable = usable_channels(patient)
    usable = [c for c in request.channels if c in all_usable] or list(all_usable)
    again = request_photos(
        patient, channels=channels or usable, note=request.note, id=id, supersedes=request.id
    )
    if state_of(request) in WAITING_STATES and again.id != request.id:
        _close(request, CANCELLED)
    return again


def cancel(request: Request) -> None:
    """Take a request back before any photo came, or set an expired one aside. Raises RequestClosed."""
    _close(request, CANCELLED, only_from=(*WAITING_STATES, EXPIRED))


def complete(request: Request) -> None:
    """Say that this request is done: the patient can add nothing more. Raises RequestClosed."""
    _close(request, COMPLETED, only_from=(RECEIVED,))


def unlock(request: Request) -> None:
    """Let the patient try the date of birth again."""
    links.unlock(request.link_id)


def take(request: Request) -> None:
    """The current clinician looks after this request. Whoever had it before is named in the audit trail."""
    if request.state not in OPEN_STATES:
        raise RequestClosed()
    actor = audit.actor()
    before = request.taken_by_name
    request.taken_by, request.taken_by_name, request.taken_at = actor.id, actor.name, utcnow()
    audit.record(
        "photo_request.taken",
        patient_id=request.patient_id,
        subject=(SUBJECT, request.id),
        detail={"before": before or ""},
    )
    tell(request, "taken")


def release(request: Request) -> None:
    """Hand the request back to everybody."""
    request.taken_by = request.taken_by_name = request.taken_at = None
    audit.record("photo_request.released", patient_id=request.patient_id, subject=(SUBJECT, request.id))
    tell(request, "released")


def mark_opened(request_id: UUID) -> None:
    """The patient opened the link and gave the right date of birth. A second time changes nothing."""
    request = db.get(Request, request_id)
    if request is None or not move(request, OPENED, (SENT,)):
        return
    request.opened_at = utcnow()
    audit.record("photo_request.opened", patient_id=request.patient_id, subject=(SUBJECT, request.id))
    tell(request, "opened")


def link_cancelled(request_id: UUID) -> None:
    """The core cancelled the link by itself (the patient left the practice, say): close what waits for it."""
    request = db.get(Request, request_id)
    if request is not None and move(request, CANCELLED, WAITING_STATES):
        request.closed_at = utcnow()
        tell(request, "cancelled")


def expire_due(now: datetime | None = None) -> int:
    """Mark the requests of this practice whose link ran out unused, and answer how many there were."""
    now = now or utcnow()
    due = db.session().scalars(
        select(Request).where(Request.state.in_(WAITING_STATES), Request.expires_at <= now)
    )
    count = 0
    for request in due.all():
        if move(request, EXPIRED, WAITING_STATES):
            request.closed_at = request.expires_at
            tell(request, "expired")
            count += 1
    return count


def state_of(request: Request, now: datetime | None = None) -> str:
    """The state as it is at this moment: a link that ran out counts at once, before the worker marks it."""
    if request.state in WAITING_STATES and request.expires_at <= (now or utcnow()):
        return EXPIRED
    return request.state


def patient_of(request: Request) -> Patient:
    """The patient of a request."""
    return patients.get(request.patient_id)


def clean_note(note: str | None) -> str | None:
    """A note in one paragraph, at most MAX_NOTE characters, or None."""
    text = " ".join((note or "").split())[:MAX_NOTE].strip()
    return text or None


def tell(request: Request, change: str) -> None:
    """Wake the pages that show this request: lists, the patient's workspace, the request's own page."""
    publish(topic(SUBJECT), change, request=request.id)
    publish(topic("photo_request.patient", request.patient_id), change, request=request.id)
    publish(topic(SUBJECT, request.id), change, request=request.id)


def _checked_channels(patient: Patient, channels: Sequence[str]) -> list[Channel]:
    chosen: list[Channel] = [c for c in _CHANNELS if c in channels]
    if not chosen:
        raise CannotSend()
    for channel in chosen:
        if not contact_of(patient, channel):
            raise CannotSend(
                _("%(name)s has no mobile number.", name=patient.display_name)
                if channel == "sms"
                else _("%(name)s has no e-mail address.", name=patient.display_name)
            )
    return chosen


def _close(request: Request, state: str, only_from: Sequence[str] = OPEN_STATES) -> None:
    now = utcnow()
    if state_of(request, now) not in only_from or not move(request, state, only_from):
        raise RequestClosed()
    request.closed_at, request.closed_by_name = now, audit.actor().name
    if state == COMPLETED:
        links.complete(request.link_id)
    else:
        links.cancel(request.link_id)
        notifications.cancel_about(request.id)
    audit.record(f"photo_request.{state}", patient_id=request.patient_id, subject=(SUBJECT, request.id))
    tell(request, state)


def move(request: Request, to: str, allowed: Sequence[str]) -> bool:
    """Change the state if, in the database, it is still one of ``allowed``: of two who close, one does."""
    moved = db.session().scalar(
        update(Request)
        .where(Request.id == request.id, Request.state.in_(allowed))
        .values(state=to, updated_at=utcnow())
        .returning(Request.id)
        .execution_options(synchronize_session=False)
    )
    db.session().refresh(request, ["state"])
    return moved is not None
