"""Recording: off unless the practice chose it, its country's law allows keeping it, and the patient agreed.

The clinician's page sends what it records in parts; each part is durable when it is answered. No part is taken without
the patient's grant, so a grant that is taken back ends the recording whatever the page does. Guests are asked by their
own page (``static/tools/voice.js``): the page that records leaves out the voice of whoever has not said yes, and each
answer is in the trail.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select

from core.sdk import _, audit, db, files, i18n, jobs, publish, tenancy, topic, utcnow
from plugins.video_call import consents, settings, states
from plugins.video_call.errors import ConsentMissing, NotYours, RecordingRefused, WrongState
from plugins.video_call.models import CLINICIAN, SUBJECT, Call, Consent, Document, Participant

What = Literal["audio", "video"]
MOST_BYTES: Final = 1024 * 1024 * 1024
_ABANDONED: Final = timedelta(minutes=10)
# A page that records sends a part every few seconds; one that was closed cannot say so.
_LIVE: Final = timedelta(seconds=15)
# What was recorded up to the end of the call is on its way when it ends.
_AFTER_END: Final = timedelta(seconds=10)
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


def begin(call: Call, me: Participant, what: str) -> None:
    """A recording begins: in the trail, and both sides see it. In the scope that makes its upload.

    Raises what :func:`granted` raises, and RecordingRefused while another one is under way.
    """
    consent = granted(call, me, what)
    # The call's row is the lock: of two that begin at once, the second finds the first.
    db.session().scalar(select(Call.id).where(Call.id == call.id).with_for_update())
    if files.uploads.under_way("video_call", call.id):
        raise RecordingRefused(_("This consultation is being recorded already."))
    audit.record(
        "video_call.recording_begun",
        patient_id=call.patient_id,
        subject=("video_call.consent", consent.id),
        detail={"what": what},
    )
    tell(call)


def details(what: str, consent: Consent, client: str) -> dict[str, str]:
    """What is written down with a recording's upload: the grant, the page that sends it, and who records."""
    actor = audit.actor()
    return {
        "what": what,
        "consent": str(consent.id),
        "client": client,
        "by": actor.id,
        "by_name": actor.name,
        "language": i18n.language(),
    }


def check_part(call: Call, me: Participant, upload: files.Upload) -> None:
    """May more of this recording come? Until a moment after the call it may, under a grant that was not taken back.

    Raises what :func:`granted` raises.
    """
    what = str(upload.details.get("what"))
    if call.ended_at is None or call.state not in states.OVER or utcnow() - call.ended_at > _AFTER_END:
        granted(call, me, what)
        return
    if me.role != CLINICIAN:
        raise NotYours()
    check_allowed(what)
    consent = db.get(Consent, UUID(str(upload.details.get("consent"))))
    if consent is None or consent.call_id != call.id or consent.state != consents.GRANTED:
        raise ConsentMissing()


def tell(call: Call) -> None:
    """Whether something is being recorded has changed: both sides look."""
    publish(topic(SUBJECT, call.id), "recording", call=call.id)


def keep(call: Call, upload: files.Upload, file: files.File) -> Document:
    """The recording is complete: it is in the record. Raises FileRefused when it holds more than was agreed to."""
    what, consent_id = str(upload.details.get("what", "")), upload.details.get("consent", "")
    consent = db.get(Consent, UUID(str(consent_id)))
    if consent is None or consent.call_id != call.id or consent.kind != CONSENT.get(what):
        raise files.FileRefused("format", _("This recording is not what the patient agreed to."))
    if what == "audio" and file.media_type != "audio/webm":
        raise files.FileRefused("format", _("This recording is not what the patient agreed to."))
    actor, said = audit.actor(), upload.details
    # A job keeps what a closed page left: in the words and the name of who recorded.
    with i18n.use_language(said.get("language") or tenancy.current().language):
        title = _("Recording of the video consultation") if what == "video" else _("Recording of the sound")
    made = Document(
        call_id=call.id,
        kind="recording",
        title=title,
        file_id=file.id,
        consent_id=consent.id,
        made_by=said.get("by") or actor.id,
        made_by_name=said.get("by_name") or actor.name,
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


def finish(call: Call, upload: files.Upload) -> files.Upload:
    """Make the document of a recording; outside any scope. A second time changes nothing.

    One of which nothing came is forgotten.
    """
    if not upload.received:
        files.uploads.cancel(place_of(call), upload.id)
        with db.scope(call.practice_id):
            tell(call)
        return upload

    def finished(upload: files.Upload, file: files.File) -> None:
        keep(call, upload, file)

    return files.uploads.close(place_of(call), upload.id, finished, ALSO)


def finish_left(call: Call, client: str) -> None:
    """Finish what another page of the clinician left open, before this one records; outside any scope."""
    with db.scope(call.practice_id, write=False):
        left = [one for one in _open(call) if one.details.get("client") != client]
    _finish_all((call, upload) for upload in left)


def _finish_all(left: Iterable[tuple[Call, files.Upload]]) -> None:
    for call, upload in left:
        with suppress(files.FileRefused, files.uploads.UploadUnknown, files.uploads.OffsetMismatch):
            finish(call, upload)


def place_of(call: Call) -> files.uploads.Place:
    """Where the recordings of a call arrive."""
    return files.uploads.Place(call.practice_id, "video_call", call.id, call.patient_id)


def finish_abandoned() -> None:
    """Keep what came of recordings whose page was closed or crashed. Outside any scope, in a job of the practice."""
    with jobs.scope(write=False):
        left = [
            (db.get(Call, upload.subject_id), upload)
            for upload in db.session().scalars(
                select(files.Upload).where(
                    files.Upload.owner == "video_call",
                    files.Upload.state == "open",
                    files.Upload.updated_at < utcnow() - _ABANDONED,
                )
            )
        ]
    # During a hold, a page that records has nothing to send, and goes on afterwards.
    _finish_all((call, upload) for call, upload in left if call and call.state != states.ON_HOLD)


def under_way(call: Call) -> bool:
    """Is something being recorded now?"""
    if call.state not in states.TALKING:
        return False
    return any(
        consents.holding(call, CONSENT[str(upload.details.get("what"))]) is not None
        for upload in _open(call)
        if is_live(upload)
    )


def is_live(upload: files.Upload) -> bool:
    """Does its page still send? It began, or a part came, a moment ago."""
    return upload.updated_at > utcnow() - _LIVE


def _open(call: Call) -> list[files.Upload]:
    open_now = files.uploads.under_way("video_call", call.id)
    return [upload for upload in open_now if upload.details.get("what") in CONSENT]
