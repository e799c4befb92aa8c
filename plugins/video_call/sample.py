"""One of everything, for whoever looks this plugin over: a call that goes on, and one that is over."""

from __future__ import annotations

import io
from datetime import timedelta
from uuid import UUID, uuid4

from PIL import Image

from core.sdk import audit, db, patients, tenancy, utcnow
from plugins.video_call import (
    backgrounds,
    boards,
    chat,
    consents,
    documents,
    guests,
    invitations,
    participants,
    service,
)
from plugins.video_call.invitations import Wish
from plugins.video_call.models import CLINICIAN, Call, Participant


def make(practice_id: UUID, patient_id: UUID) -> dict[str, UUID]:
    """Invite a patient twice, bring one call to its end and the other into the call; the ids by the names that
    routes use. Opens its own scopes."""
    finished = invite(practice_id, patient_id)
    bring_into_call(practice_id, finished)
    with tenancy.practice_scope(practice_id):
        call = db.session().get_one(Call, (practice_id, finished))
        service.end(call, "clinician")
        service.finish(call, "completed", notes="Review in a week.")
    call_id = invite(practice_id, patient_id)
    bring_into_call(practice_id, call_id)
    ids = {"call_id": call_id, "upload_id": uuid4()}
    with tenancy.practice_scope(practice_id, write=False):
        call, me = _held(practice_id, call_id)
        wall = backgrounds.stage(picture("grey", (640, 400)), "wall.png", practice_id=practice_id)
        drawn = documents.stage(call, picture(), "drawing.png")
        sent = chat.stage(call, me, picture("orange"), "knee.png", practice_id=practice_id)
    with tenancy.practice_scope(practice_id):
        call, me = _held(practice_id, call_id)
        ids["background_id"] = backgrounds.add(wall, "Reception").id
        ids["document_id"] = documents.keep_drawing(call, me, boards.PAGE, drawn).id
        chat.say(call, me, "Good morning", uuid4())
        file_id = chat.share(call, me, sent, uuid4()).file_id
        if file_id is not None:
            ids["file_id"] = file_id
        ids["consent_id"] = consents.ask(call, me, consents.STILL).id
        guest = guests.invite(
            call, name="Ines Costa", as_what="interpreter", channel="email", to="ines@example.com"
        )
        ids["participant_id"] = guest.id
    return ids


def invite(practice_id: UUID, patient_id: UUID, *, in_hours: int = 0, note: str | None = None) -> UUID:
    """Invite a patient, now or for later, as whoever acts; the id of the call."""
    with tenancy.practice_scope(practice_id):
        at = utcnow() + timedelta(hours=in_hours) if in_hours else None
        patient = patients.get(patient_id)
        channels = invitations.usable_channels(patient)[:1]
        return invitations.invite(patient, Wish(channels, at=at, note=note)).id


def bring_to_waiting_room(practice_id: UUID, call_id: UUID) -> None:
    """The patient opens the link, checks the devices and waits."""
    with tenancy.practice_scope(practice_id):
        call = db.session().get_one(Call, (practice_id, call_id))
        with audit.use_actor(audit.Actor("patient", str(call.link_id), "patient")):
            service.arrive(call)
            patient = participants.of_actor(call.id, str(call.link_id))
            if patient is not None:
                patient.devices = {"camera": True, "microphone": True, "speaker": True}
            service.ready(call)


def bring_into_call(practice_id: UUID, call_id: UUID) -> None:
    """The patient waits, is let in, and the two see each other."""
    bring_to_waiting_room(practice_id, call_id)
    with tenancy.practice_scope(practice_id):
        call = db.session().get_one(Call, (practice_id, call_id))
        service.admit(call)
        service.connect(call, "clinician")


def picture(colour: str = "teal", size: tuple[int, int] = (320, 240)) -> io.BytesIO:
    """A small picture."""
    target = io.BytesIO()
    Image.new("RGB", size, colour).save(target, "PNG")
    target.seek(0)
    return target


def _held(practice_id: UUID, call_id: UUID) -> tuple[Call, Participant]:
    """The call, and its clinician."""
    me = participants.with_role(call_id, CLINICIAN)
    if me is None:
        raise LookupError("nobody holds this call")
    return db.session().get_one(Call, (practice_id, call_id)), me
