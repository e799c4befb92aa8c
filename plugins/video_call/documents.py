"""What a call leaves behind: drawings, stills and recordings in the patient's record, and the files of the chat."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import IO, Final
from uuid import UUID

from sqlalchemy import select

from core.sdk import LazyString, _, _l, audit, db, files, publish, topic
from plugins.video_call import boards, chat, consents, states
from plugins.video_call.errors import ConsentMissing, NotYours, WrongState
from plugins.video_call.models import CLINICIAN, SUBJECT, Call, Consent, Document, Message, Participant

DRAWING: Final = "drawing"
STILL: Final = "still"
RECORDING: Final = "recording"
KINDS: Final[dict[str, LazyString]] = {
    DRAWING: _l("Drawing"),
    STILL: _l("Picture from the video"),
    RECORDING: _l("Recording"),
}
MAX_BYTES: Final = files.MAX_FILE
_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A file of a call as a list shows it: out of the chat (``message``) or kept in the record (``document``)."""

    file: files.File
    title: str
    at: datetime
    by: str
    document: Document | None = None
    message: Message | None = None

    @property
    def is_picture(self) -> bool:
        return self.file.media_type not in files.ATTACHMENTS


def keep_drawing(call: Call, me: Participant, board: str, staged: files.Staged) -> Document:
    """Keep the picture of a board in the record; the patient can fetch it, too. Raises NotYours, WrongState."""
    if board not in boards.BOARDS:
        raise NotYours()
    _check(call, me)
    title = _("Drawing") if board == boards.PAGE else _("Drawing over the shared screen")
    return _keep(call, me, DRAWING, title, staged, shared=True)


def keep_still(call: Call, me: Participant, consent_id: UUID, staged: files.Staged) -> Document:
    """Keep a picture of the patient's video, for which the patient gave this one grant. Raises ConsentMissing."""
    _check(call, me)
    found = consents.holding(call, consents.STILL)
    if found is None or found.id != consent_id:
        raise ConsentMissing()
    # The grant's row is the lock: of two pictures under one grant, the second finds it used.
    db.session().scalar(select(Consent.id).where(Consent.id == found.id).with_for_update())
    if consents.holding(call, consents.STILL) is None:
        raise ConsentMissing()
    return _keep(call, me, STILL, _("Picture from the video"), staged, consent_id=found.id)


def share(document: Document, call: Call, *, shared: bool) -> None:
    """Let the patient fetch a document, or no longer."""
    document.shared = shared
    if not shared and call.shown_file == document.file_id:
        call.shown_file = None  # a page that comes back would look for what is not there for it
    audit.record(
        "video_call.document_shared" if shared else "video_call.document_unshared",
        patient_id=call.patient_id,
        subject=("video_call.document", document.id),
    )
    publish(topic(SUBJECT, call.id), "document", call=call.id, document=document.id)


def find(call: Call, document_id: UUID) -> Document | None:
    """A document of this call, or None."""
    found = db.get(Document, document_id)
    return found if found is not None and found.call_id == call.id else None


def of_call(call_id: UUID) -> list[Document]:
    """What a call left in the record, oldest first."""
    wanted = select(Document).where(Document.call_id == call_id).order_by(Document.created_at, Document.id)
    return list(db.session().scalars(wanted))


def exchanged(call: Call, *, for_patient: bool) -> list[Exchanged]:
    """The files of a call, oldest first. The patient's list has the chat's files and what was shared with them."""
    kept = [one for one in of_call(call.id) if one.shared or not for_patient]
    sent = [one for one in chat.of_call(call.id) if one.file_id is not None]
    ids = [*(one.file_id for one in kept), *(one.file_id for one in sent)]
    found = {file.id: file for file in db.session().scalars(select(files.File).where(files.File.id.in_(ids)))}
    listed = [
        Exchanged(found[one.file_id], one.title, one.created_at, one.made_by_name, document=one)
        for one in kept
        if one.file_id in found
    ]
    for one in sent:
        if one.file_id is not None and (file := found.get(one.file_id)) is not None:
            listed.append(Exchanged(file, files.name_of(file), one.created_at, one.sender_name, message=one))
    return sorted(listed, key=lambda one: one.at)


def file_of(call: Call, file_id: UUID, *, for_patient: bool) -> files.File | None:
    """A file of this call that this side may open, or None."""
    is_open = any(one.file.id == file_id for one in exchanged(call, for_patient=for_patient))
    return files.get(file_id) if is_open else None


def file_changed(file_id: UUID) -> None:
    """The worker is done with a picture that was kept: pages that show it fetch again."""
    found = db.session().scalar(select(Document).where(Document.file_id == file_id))
    if found is not None:
        publish(topic(SUBJECT, found.call_id), "document", call=found.call_id, document=found.id)


def record_view(call: Call, file_id: UUID) -> None:
    """Somebody opened a file of this call."""
    audit.record("video_call.file_viewed", patient_id=call.patient_id, subject=("video_call.file", file_id))


def stage(call: Call, stream: IO[bytes], name: str) -> files.Staged:
    """Make a picture durable; outside any transaction. Raises FileRefused."""
    return files.stage(
        stream,
        owner="video_call",
        name=name,
        patient_id=call.patient_id,
        max_size=MAX_BYTES,
        practice_id=call.practice_id,
    )


def _check(call: Call, me: Participant) -> None:
    if me.role != CLINICIAN:
        raise NotYours()
    if call.state not in states.TALKING or len(of_call(call.id)) >= _MOST:
        raise WrongState()


def _keep(
    call: Call,
    me: Participant,
    kind: str,
    title: str,
    staged: files.Staged,
    *,
    shared: bool = False,
    consent_id: UUID | None = None,
) -> Document:
    made = Document(
        call_id=call.id,
        kind=kind,
        title=title,
        file_id=files.keep(staged).id,
        consent_id=consent_id,
        shared=shared,
        made_by=me.actor_id,
        made_by_name=me.name,
    )
    db.session().add(made)
    db.session().flush()
    audit.record(
        f"video_call.{kind}_kept", patient_id=call.patient_id, subject=("video_call.document", made.id)
    )
    publish(topic(SUBJECT, call.id), "document", call=call.id, document=made.id)
    return made
