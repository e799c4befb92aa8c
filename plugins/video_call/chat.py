"""The chat of a call: lines of text and files, each kept once, readable by both sides afterwards."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import IO, Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from core.sdk import _, audit, db, files, publish, topic
from plugins.video_call import states
from plugins.video_call.errors import ChatRefused, NotYours, WrongState
from plugins.video_call.models import GUEST, SUBJECT, Call, Message, Participant

MAX_TEXT: Final = 2000
MAX_BYTES: Final = files.MAX_FILE
MAX_MESSAGES: Final = 500
MAX_FILES: Final = 40
ALSO: Final = ("application/pdf",)
ACCEPT: Final = "image/jpeg,image/png,image/webp,image/heic,image/heif,application/pdf"
# What opens as a program on somebody's computer, wherever in a name it stands: "letter.pdf.exe", "photo.scr.jpg".
_PROGRAMS: Final = frozenset({
    "apk", "app", "bat", "cmd", "com", "cpl", "dll", "dmg", "docm", "exe", "gadget", "hta", "inf", "iso", "jar", "js",
    "jse", "lnk", "msi", "msp", "pif", "ps1", "reg", "scr", "sh", "svg", "vb", "vbe", "vbs", "ws", "wsf", "xlsm",
})  # fmt: skip
_NOT_IN_THE_MIDDLE: Final = frozenset({"com", "app", "sh", "js"})  # they are words and addresses, too
_CHANGED: Final = "chat"


def say(call: Call, me: Participant, text: str, client_key: UUID) -> Message:
    """Keep a line of text. The same key a second time answers the first. Raises ChatRefused, WrongState, NotYours."""
    text = text.replace("\r\n", "\n").strip()
    if (known := _known(call, me, client_key)) is not None:
        return known
    _check_open(call, me)
    if not text:
        raise ChatRefused(_("Please write something first."))
    if len(text) > MAX_TEXT:
        raise ChatRefused(_("This message is too long. Please send it in two parts."))
    return _keep(call, Message(text=text, client_key=client_key), me)


def stage(call: Call, me: Participant, stream: IO[bytes], name: str, *, practice_id: UUID) -> files.Staged:
    """Make a file durable that somebody wants to share; outside any transaction. Raises ChatRefused."""
    check_name(name)
    try:
        return files.stage(
            stream,
            owner="video_call",
            name=name,
            patient_id=call.patient_id,
            max_size=MAX_BYTES,
            practice_id=practice_id,
            also=ALSO,
        )
    except files.FileRefused as refusal:
        raise ChatRefused(refusal_text(refusal.reason), status=refusal.status) from refusal


def share(call: Call, me: Participant, staged: files.Staged, client_key: UUID) -> Message:
    """Keep a staged file as a line of the chat. The same key a second time answers the first line; the bytes of the
    second are the caller's to discard. Raises ChatRefused, WrongState, NotYours."""
    if (known := _known(call, me, client_key)) is not None:
        return known
    check_room(call, me)
    return _keep(call, Message(text="", client_key=client_key), me, staged)


def check_room(call: Call, me: Participant) -> None:
    """May this person share one more file? Raises ChatRefused, WrongState, NotYours."""
    _check_open(call, me)
    if _count(call, with_file=True) >= MAX_FILES:
        raise ChatRefused(_("There is no room for more files in this consultation."))


def check_name(name: str) -> None:
    """Raises ChatRefused for a name of a program, also behind or before another ending."""
    endings = [ending[1:].lower() for ending in PurePosixPath(files.clean_name(name)).suffixes]
    last, middle = endings[-1:], [one for one in endings[:-1] if one not in _NOT_IN_THE_MIDDLE]
    if _PROGRAMS.intersection([*last, *middle]):
        raise ChatRefused(
            _("Files of this kind can carry a virus and are not taken. Please send a photo or a PDF."),
            status=415,
        )


def refusal_text(reason: str) -> str:
    """Why a file is not taken, in words."""
    words = {
        "too_large": _("This file is too large: %(limit)s MB at most.", limit=MAX_BYTES // (1024 * 1024)),
        "format": _("Only photos (JPEG, PNG, WebP, HEIC) and PDF documents can be sent here."),
        "drawing": _("Only photos (JPEG, PNG, WebP, HEIC) and PDF documents can be sent here."),
        "empty": _("This file is empty. Please choose it again."),
        "incomplete": _("A part of this file is missing. Please choose it again."),
        "damaged": _("This file is damaged and cannot be opened."),
    }
    return words.get(reason) or files.refusal_text(reason)


def of_call(call_id: UUID) -> list[Message]:
    """The chat, oldest first."""
    wanted = select(Message).where(Message.call_id == call_id).order_by(Message.created_at, Message.id)
    return list(db.session().scalars(wanted.limit(MAX_MESSAGES + MAX_FILES)))


def may_read(call: Call, me: Participant | None) -> bool:
    """May this person read the chat? Guests only while they are in the call."""
    if me is None or me.role != GUEST:
        return True
    return me.admitted_at is not None and me.left_at is None and call.state in states.HERE


def message_of_file(file_id: UUID) -> Message | None:
    """The line that a file came in, or None."""
    return db.session().scalar(select(Message).where(Message.file_id == file_id))


def file_changed(file_id: UUID) -> None:
    """The worker is done with a picture: pages that show it fetch again."""
    found = message_of_file(file_id)
    if found is not None:
        publish(topic(SUBJECT, found.call_id), _CHANGED, call=found.call_id)


def _known(call: Call, me: Participant, client_key: UUID) -> Message | None:
    found = db.session().scalar(
        select(Message).where(Message.call_id == call.id, Message.client_key == client_key)
    )
    if found is not None and found.sender_id != me.actor_id:
        raise NotYours()
    return found


def _check_open(call: Call, me: Participant) -> None:
    if me.left_at is not None or (me.role == GUEST and me.admitted_at is None):
        raise NotYours()
    if call.state not in states.HERE:
        raise WrongState()
    if _count(call) >= MAX_MESSAGES:
        raise ChatRefused(_("There is no room for more messages in this consultation."))


def _count(call: Call, *, with_file: bool = False) -> int:
    wanted = select(func.count(Message.id)).where(Message.call_id == call.id)
    if with_file:
        wanted = wanted.where(Message.file_id.is_not(None))
    return db.session().scalar(wanted) or 0


def _keep(call: Call, made: Message, me: Participant, staged: files.Staged | None = None) -> Message:
    made.call_id = call.id
    made.sender_role, made.sender_id, made.sender_name = me.role, me.actor_id, me.name
    try:
        with db.savepoint():
            if staged is not None:
                made.file_id = files.keep(staged).id
            db.session().add(made)
            db.session().flush()
    except IntegrityError:  # the same line came twice at once
        known = _known(call, me, made.client_key)
        if known is None:
            raise
        return known
    audit.record(
        "video_call.file_shared" if made.file_id else "video_call.message_written",
        patient_id=call.patient_id,
        subject=("video_call.message", made.id),
        detail={"role": me.role},
    )
    publish(topic(SUBJECT, call.id), _CHANGED, call=call.id, message=made.id)
    return made


def describe_file(file: files.File) -> dict[str, Any]:
    """What a page needs to know about a file besides where it is."""
    return {
        "name": files.name_of(file),
        "size": file.size,
        "picture": file.media_type not in files.ATTACHMENTS,
        "state": file.state,
        "refusal": refusal_text(file.reject_reason or "damaged") if file.state == "rejected" else None,
    }
