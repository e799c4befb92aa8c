"""Once a call is over: the message that leads to what can still be fetched."""

from __future__ import annotations

from sqlalchemy import select

from core.sdk import db, i18n, links, notifications, patients, tenancy
from plugins.video_call import messages, reach, settings, states
from plugins.video_call.models import PURPOSE, SUBJECT, Call, Document, Message


def something_to_fetch(call: Call) -> bool:
    """Is there something of this call that the patient can read afterwards: a document, a file, what was written?"""
    shared = select(Document.id).where(Document.call_id == call.id, Document.shared.is_(True))
    written = select(Message.id).where(Message.call_id == call.id)
    return any(db.session().scalar(found.limit(1)) is not None for found in (shared, written))


def send(call: Call) -> bool:
    """Once a call has ended and there is something to fetch: send a link to it. At most once a call."""
    if call.state != states.ENDED or not something_to_fetch(call):
        return False
    key = f"video_call.afterwards:{call.id}"
    if any(message.key == key for message in notifications.about(call.id)):
        return False
    patient = patients.get(call.patient_id)
    chosen = reach.own_channels(patient, call)
    if not chosen:
        return False
    issued = links.issue(PURPOSE, patient.id, call.id, days=settings.here().documents_days)
    with i18n.use_language(notifications.language_for(patient)):
        values = {
            "practice": tenancy.current().name,
            "patient": patient.given_names,
            "link": issued.url,
            "expires": i18n.format_date(issued.link.expires_at, "short"),
        }
    notifications.send(
        messages.AFTERWARDS,
        patient=patient,
        channels=chosen,
        variables=values,
        key=key,
        subject=(SUBJECT, call.id),
    )
    return True
