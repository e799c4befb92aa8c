"""What the pages of both sides ask for the tools of a call: how answers look, and how bodies are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from core.sdk import _l, abort, audit, db, files, i18n, own_scope, request
from plugins.video_call import boards, chat, consents, documents, recording, settings, states
from plugins.video_call.errors import ChatRefused, NotYours, TakenOver
from plugins.video_call.models import GUEST, Call, Message, Participant

Urls = Callable[[UUID, str], str]
"""Where a file of this call is: ``urls(file_id, "thumb" or "large")``."""


def chat_json(call: Call, me_id: str, urls: Urls, *, for_patient: bool) -> dict[str, Any]:
    """The chat and what else was exchanged."""
    exchanged = documents.exchanged(call, for_patient=for_patient)
    of_message = {one.message.id: one.file for one in exchanged if one.message is not None}
    return {
        "messages": [
            {
                "id": str(line.id),
                "key": str(line.client_key),
                "mine": line.sender_id == me_id,
                "role": line.sender_role,
                "name": line.sender_name,
                "text": line.text,
                "at": line.created_at.isoformat(),
                "time": i18n.format_time(line.created_at),
                "file": file_json(of_message[line.id], urls) if line.id in of_message else None,
            }
            for line in chat.of_call(call.id)
        ],
        "documents": [
            {
                "id": str(one.document.id),
                "kind": one.document.kind,
                "kind_word": str(documents.KINDS.get(one.document.kind, one.document.kind)),
                "title": one.title,
                "by": one.by,
                "shared": one.document.shared,
                "time": i18n.format_time(one.at),
                "file": file_json(one.file, urls),
            }
            for one in exchanged
            if one.document is not None
        ],
    }


def file_json(file: files.File, urls: Urls) -> dict[str, Any]:
    """A file as a page shows it."""
    return {
        "id": str(file.id),
        **chat.describe_file(file),
        "url": urls(file.id, "large"),
        "thumb": urls(file.id, "thumb"),
    }


def page_json(call: Call, role: str, base: str) -> dict[str, Any]:
    """What the page of a call needs to know about its tools. base: the address that their addresses begin with."""
    allowed = recording.rule()
    back = call.state in states.TALKING and role != GUEST  # guests hear it once they were let in
    return {
        "role": role,
        "base": base,
        "call": str(call.id),
        "patient_may_draw": settings.here().patient_may_draw,
        "may_draw": role == "clinician" or (role == "patient" and settings.here().patient_may_draw),
        "board": call.open_board if back else None,
        "shown": str(call.shown_file) if back and call.shown_file else None,
        "recording": {"what": allowed.what, "warning": allowed.warning},
        "chat": {"max_text": chat.MAX_TEXT, "max_bytes": chat.MAX_BYTES, "accept": chat.ACCEPT},
        "words": {"too_large": chat.refusal_text("too_large")},
    }


def consents_json(call: Call, role: str) -> dict[str, Any]:
    """What is asked or granted now, and whether something is being recorded."""
    return {"consents": consents.as_json(call, role), "recording": recording.under_way(call)}


def said() -> dict[str, Any]:
    """The JSON object that the page sent; 400 for anything else."""
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        abort(400)
    return body


def uuid_of(value: Any) -> UUID:
    """A UUID out of a body; 400 for anything else."""
    try:
        return UUID(str(value))
    except ValueError:
        abort(400)


def write(call: Call, me: Participant | None) -> Message:
    """A line of the chat, from a body {"text", "key"}."""
    body = said()
    return chat.say(call, taking_part(me), str(body.get("text") or ""), uuid_of(body.get("key")))


def share_file(find: Callable[[], tuple[Call, Participant | None]]) -> None:
    """A file for the chat: checked, made durable, then kept in one transaction. ``?key=`` is the page's own.

    The file is the body, so that size and name are looked at before it is read; the name is a header, percent-encoded,
    for an address would be written to logs.
    """
    if (request.content_length or 0) > chat.MAX_BYTES:
        raise ChatRefused(chat.refusal_text("too_large"), status=413)
    name, key = unquote(request.headers.get("X-File-Name", "")), uuid_of(request.args.get("key"))
    chat.check_name(name)
    with own_scope(write=False):
        call, found = find()
        me, practice_id = taking_part(found), db.practice_id()
        chat.check_room(call, me)
    staged = chat.stage(call, me, request.stream, name, practice_id=practice_id)
    kept = None
    try:
        with own_scope():
            call, found = find()
            kept = chat.share(call, taking_part(found), staged, key).file_id
    finally:
        if kept != staged.file_id:
            files.discard(staged)


def taking_part(me: Participant | None) -> Participant:
    """Raises NotYours for somebody who takes no part in the call."""
    if me is None or me.left_at is not None:
        raise NotYours()
    return me


def speaking(me: Participant | None) -> Participant:
    """The same for what only the page may do that speaks for them now. Raises NotYours, TakenOver."""
    me = taking_part(me)
    if me.client_id is not None and me.client_id != client():
        raise TakenOver()
    return me


def client() -> str:
    """The page that asks, as it called itself when it entered the call; "" where it does not say."""
    return request.headers.get("X-Client", "")


def board_json(call: Call, board: str, me: Participant | None) -> dict[str, Any]:
    """A board from its last clearing on, or what came after ``?after=``."""
    if board not in boards.BOARDS:
        abort(404)
    after = min(max(0, request.args.get("after", 0, type=int)), boards.LAST)
    return {
        "board": board,
        "may_draw": me is not None and boards.may_draw(me),
        "strokes": [boards.as_json(row) for row in boards.of_call(call.id, board, after)],
    }


audit.describe(
    {
        "video_call.message_written": _l("Wrote in the chat of a video consultation"),
        "video_call.file_shared": _l("Shared a file in a video consultation"),
        "video_call.file_viewed": _l("File of a video consultation opened"),
        "video_call.consent_asked": _l("Patient asked for consent in a video consultation"),
        "video_call.consent_granted": _l("Patient agreed in a video consultation"),
        "video_call.consent_refused": _l("Patient refused in a video consultation"),
        "video_call.consent_revoked": _l("Consent in a video consultation taken back"),
        "video_call.consent_withdrawn": _l("Question to the patient in a video consultation taken back"),
        "video_call.control": _l("Device or screen changed in a video consultation"),
        "video_call.board_begun": _l("Drew in a video consultation"),
        "video_call.board_cleared": _l("Drawing cleared in a video consultation"),
        "video_call.drawing_kept": _l("Drawing kept in the record"),
        "video_call.still_kept": _l("Picture from the video kept in the record"),
        "video_call.recording_begun": _l("Recording of a video consultation begun"),
        "video_call.recording_kept": _l("Recording kept in the record"),
        "video_call.document_shared": _l("Document of a video consultation shared with the patient"),
        "video_call.document_unshared": _l(
            "Document of a video consultation no longer shared with the patient"
        ),
    }
)
