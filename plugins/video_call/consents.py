"""What the patient is asked for in a call, and what they say: each asked and answered once, kept word for word.

A grant holds for this call only: camera control and recording until it is revoked or the call is over; a still picture,
the microphone and the camera for one time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, update

from core.sdk import _, audit, db, i18n, publish, topic, utcnow
from plugins.video_call import states
from plugins.video_call.errors import AskedTooSoon, ConsentMissing, NotYours, WrongState
from plugins.video_call.models import PATIENT, SUBJECT, Call, Consent, Document, Participant

CAMERA: Final = "camera_control"
VIDEO: Final = "recording_video"
AUDIO: Final = "recording_audio"
STILL: Final = "still"
MICROPHONE_ON: Final = "microphone_on"
CAMERA_ON: Final = "camera_on"
KINDS: Final = (CAMERA, VIDEO, AUDIO, STILL, MICROPHONE_ON, CAMERA_ON)
RECORDING: Final = (AUDIO, VIDEO)
ASKED, GRANTED, REFUSED, REVOKED, WITHDRAWN = "asked", "granted", "refused", "revoked", "withdrawn"
PAUSED: Final = "paused"
_STILL_FOR: Final = timedelta(minutes=5)
_AFTER_NO: Final = timedelta(minutes=1)
_CHANGED: Final = "consent"


def wording(kind: str, clinician: str) -> str:
    """What the patient is asked, in the current language, and what it means when they say yes."""
    words = {
        CAMERA: _(
            "%(name)s would like to switch between your cameras and to zoom. It ends with the call; you can stop it at "
            "any time.",
            name=clinician,
        ),
        VIDEO: _(
            "%(name)s would like to record picture and sound of this consultation and keep them in your medical "
            "record. You can stop it at any time; what was recorded until then is kept.",
            name=clinician,
        ),
        AUDIO: _(
            "%(name)s would like to record the sound of this consultation, without the picture, and keep it in your "
            "medical record. You can stop it at any time; what was recorded until then is kept.",
            name=clinician,
        ),
        STILL: _(
            "%(name)s would like to take one picture of what your camera shows now and keep it in your medical record.",
            name=clinician,
        ),
        MICROPHONE_ON: _("%(name)s asks you to switch your microphone on.", name=clinician),
        CAMERA_ON: _("%(name)s asks you to switch your camera on.", name=clinician),
    }
    return words[kind]


def ask(call: Call, me: Participant, kind: str) -> Consent:
    """Ask the patient. What is asked already, or granted and still holds, is answered as it is.

    Raises WrongState outside the call, NotYours to anybody but the clinician, AskedTooSoon a moment after a no.
    """
    if me.role != "clinician" or kind not in KINDS:
        raise NotYours()
    if call.state not in states.TALKING:
        raise WrongState()
    known = _newest(call.id, kind)
    if known is not None and (known.state == ASKED or (known.state == GRANTED and _holds(known))):
        return known
    if (
        known is not None
        and known.state == REFUSED
        and (known.answered_at or known.asked_at) > utcnow() - _AFTER_NO
    ):
        raise AskedTooSoon()
    asked = Consent(
        call_id=call.id,
        kind=kind,
        state=ASKED,
        wording=wording(kind, call.clinician_name),
        language=i18n.language(),
        asked_by=me.actor_id,
    )
    db.session().add(asked)
    db.session().flush()
    _record(call, asked)
    return asked


def answer(call: Call, consent_id: UUID, *, granted: bool) -> Consent:
    """The patient says yes or no to what their page shows, whose words and language are stored with it.

    Raises WrongState when it was answered meanwhile or the call is over.
    """
    asked = _of_call(call, consent_id)
    if call.state not in states.TALKING:
        raise WrongState()
    _move(
        call,
        asked,
        ASKED,
        GRANTED if granted else REFUSED,
        wording=wording(asked.kind, call.clinician_name),
        language=i18n.language(),
        answered_at=utcnow(),
    )
    return asked


def revoke(call: Call, consent_id: UUID) -> Consent:
    """The patient takes a grant back; it ends what it allowed. Raises WrongState where nothing is granted."""
    granted = _of_call(call, consent_id)
    _move(call, granted, GRANTED, REVOKED)
    return granted


def withdraw(call: Call, consent_id: UUID) -> Consent:
    """The clinician no longer asks: nobody answered. Raises WrongState when the patient was faster."""
    asked = _of_call(call, consent_id)
    _move(call, asked, ASKED, WITHDRAWN)
    return asked


def holding(call: Call, kind: str) -> Consent | None:
    """The patient's grant that allows this now, or None: while the two talk, and for a still until it is taken."""
    if call.state not in states.TALKING:
        return None
    found = _newest(call.id, kind)
    return found if found is not None and found.state == GRANTED and _holds(found) else None


def need(call: Call, kind: str) -> Consent:
    """The grant that allows this now. Raises ConsentMissing."""
    found = holding(call, kind)
    if found is None:
        raise ConsentMissing()
    return found


def of_call(call_id: UUID) -> list[Consent]:
    """Everything that was asked in a call, oldest first."""
    wanted = select(Consent).where(Consent.call_id == call_id).order_by(Consent.asked_at, Consent.id)
    return list(db.session().scalars(wanted))


def as_json(call: Call, role: str) -> list[dict[str, Any]]:
    """What is open or holds now, for the pages of the call. The patient reads it in the language of their page.

    During a hold nothing is asked; a grant is "paused" and holds again afterwards.
    """
    held = call.state == states.ON_HOLD
    if not held and call.state not in states.TALKING:
        return []
    newest = {one.kind: one for one in of_call(call.id)}
    return [
        {
            "id": str(one.id),
            "kind": one.kind,
            "state": PAUSED if held and one.state == GRANTED else one.state,
            "wording": wording(one.kind, call.clinician_name)
            if role == PATIENT and one.state == ASKED
            else one.wording,
        }
        for one in newest.values()
        if (one.state in (ASKED, REFUSED) and not held)
        or one.state == REVOKED
        or (one.state == GRANTED and _holds(one))
    ]


def _holds(granted: Consent) -> bool:
    """Has what was granted not been used up?"""
    if granted.kind in (MICROPHONE_ON, CAMERA_ON):
        return False  # the tap itself was it
    if granted.kind == STILL:
        taken = db.session().scalar(select(Document.id).where(Document.consent_id == granted.id))
        at = granted.answered_at
        return taken is None and at is not None and at + _STILL_FOR > utcnow()
    return True


def _newest(call_id: UUID, kind: str) -> Consent | None:
    return db.session().scalar(
        select(Consent)
        .where(Consent.call_id == call_id, Consent.kind == kind)
        .order_by(Consent.asked_at.desc(), Consent.id.desc())
        .limit(1)
    )


def _of_call(call: Call, consent_id: UUID) -> Consent:
    found = db.get(Consent, consent_id)
    if found is None or found.call_id != call.id:
        raise NotYours()
    return found


def _move(call: Call, row: Consent, before: str, after: str, **values: Any) -> None:
    """Of two who answer at once, one is heard."""
    moved = db.session().scalar(
        update(Consent)
        .where(Consent.id == row.id, Consent.state == before)
        .values(state=after, **values)
        .returning(Consent.id)
        .execution_options(synchronize_session=False)
    )
    db.session().refresh(row)
    if moved is None:
        raise WrongState()
    _record(call, row)


def _record(call: Call, row: Consent) -> None:
    audit.record(
        f"video_call.consent_{row.state}",
        patient_id=call.patient_id,
        subject=("video_call.consent", row.id),
        detail={"kind": row.kind, "language": row.language},
    )
    publish(topic(SUBJECT, call.id), _CHANGED, call=call.id, consent=row.id)
