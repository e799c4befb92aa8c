"""Recording: off unless the practice chose it, its country's law allows keeping it, and the patient agreed.

The clinician's page sends what it records in parts; each part is durable when it is answered. No part is taken without
the patient's grant, so a grant that is taken back ends the recording whatever the page does. Guests are asked by their own
page (``static/tools/voice.js``): the page that records leaves out the voice of whoever has not said yes, and each answer is
in the trail.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select

from core.sdk import _, audit, db, files, jobs, publish, tenancy, topic, utcnow
from plugins.video_call import consents, settings, states
from plugins.video_call.errors import NotYours, RecordingRefused, WrongState
from plugins.video_call.models import CLINICIAN, SUBJECT, Call, Consent, Document, Participant

What = Literal["audio", "video"]
MOST_BYTES: Final = 1024 * 1024 * 1024
_ABANDONED: Final = timedelta(minutes=10)
ALSO: Final = ("video/webm", "audio/webm")
CONSENT: Final[dict[str, str]] = {"audio": consents.AUDIO, "video": consents.VIDEO}
# Where the law lets the practitioner keep less than picture and sound: France, no video.
_MOST_BY_LAW: Final[dict[str, str]] = {"FR": "audio"}


@dataclass(frozen=True, slots=True)
class Rule:
    """What may be recorded here. what: the most of it, or None. warning: what the law says, in words, or ""."""

    what: What | None
    warning: str = ""


def rule() -> Rule:
    """What the practice's setting and the law of its country leave."""
    chosen = settings.here().recording
    law = _MOST_BY_LAW.get(tenancy.current().country)
    if chosen == "off":
        return Rule(None)
    if law == "audio":
        return Rule(
            "audio", _("The law of your country does not let you keep the video: only sound is recorded.")
        )
    return Rule("video" if chosen == "video" else "audio")


def check_allowed(what: str) -> None:
    """Raises RecordingRefused."""
    allowed = rule()
    if what not in CONSENT or allowed.what is None:
        raise RecordingRefused()
    if what == "video" and allowed.what != "video":
        raise RecordingRefused(allowed.warning or None)


def granted(call: Call, me: Participant, what: str) -> Consent:
    """The grant under which the clinician records now. Raises RecordingRefused, ConsentMissing and other CallErrors."""
    if me.role != CLINICIAN:
        raise NotYours()
    if call.state not in states.TALKING:
        raise WrongState()
    check_allowed(what)
    return consents.need(call, CONSENT[what])


def begun(call: Call, what: str, consent: Consent) -> None:
    """A recording began: in the trail, and both sides see it."""
    audit.record(
        "video_call.recording_begun",
        patient_id=call.patient_id,
        subject=("video_call.consent", consent.id),
        detail={"what": what},
    )
    publish(topic(SUBJECT, call.id), "recording", call=call.id)


def keep(call: Call, upload: files.Upload, file: files.File) -> Document:
    """The recording is complete: it is in the record. Raises FileRefused when it holds more than was agreed to."""
    what, consent_id = str(upload.details.get("what", "")), upload.details.get("consent", "")
    consent = db.get(Consent, UUID(str(consent_id)))
    if consent is None or consent.call_id != call.id or consent.kind != CONSENT.get(what):
        raise files.FileRefused("format", _("This recording is not what the patient agreed to."))
    if what == "audio" and file.media_type != "audio/webm":
        raise files.FileRefused("format", _("This recording is not what the patient agreed to."))
    actor = audit.actor()
    made = Document(
        call_id=call.id,
        kind="recording",
        title=_("Recording of the video consultation") if what == "video" else _("Recording of the sound"),
        file_id=file.id,
        consent_id=consent.id,
        made_by=actor.id,
        made_by_name=actor.name,
    )
    db.session().add(made)
    db.session().flush()
    audit.record(
        "video_call.recording_kept",
        patient_id=call.patient_id,
        subject=("video_call.document", made.id),
        detail={"what": what},
    )
    publish(topic(SUBJECT, call.id), "document", call=call.id, document=made.id)
    return made


def finish(call: Call, upload_id: UUID) -> files.Upload:
    """Make the document of a recording of which something came; outside any scope. A second time changes nothing."""

    def finished(upload: files.Upload, file: files.File) -> None:
        keep(call, upload, file)

    return files.uploads.close(place_of(call), upload_id, finished, ALSO)


def place_of(call: Call) -> files.uploads.Place:
    """Where the recordings of a call arrive."""
    return files.uploads.Place(call.practice_id, "video_call", call.id, call.patient_id)


def finish_abandoned() -> None:
    """Keep what came of recordings whose page was closed or crashed. Outside any scope, in a job of the practice."""
    with jobs.scope(write=False):
        left = [
            (upload.id, db.get(Call, upload.subject_id))
            for upload in db.session().scalars(
                select(files.Upload).where(
                    files.Upload.owner == "video_call",
                    files.Upload.state == "open",
                    files.Upload.received > 0,
                    files.Upload.updated_at < utcnow() - _ABANDONED,
                )
            )
        ]
    for upload_id, call in left:
        if call is not None:
            finish(call, upload_id)


def under_way(call: Call) -> bool:
    """Is something being recorded now?"""
    if call.state not in states.TALKING:
        return False
    return any(
        consents.holding(call, CONSENT[str(upload.details.get("what"))]) is not None
        for upload in files.uploads.under_way("video_call", call.id)
        if str(upload.details.get("what")) in CONSENT
    )
