"""The tools of a call behind the patient's or guest's link: chat, consents, boards. Part of the patient routes."""

from __future__ import annotations

from typing import Any, Final, NoReturn
from uuid import UUID

from core.sdk import abort, audit, current_link, file_response, jsonify, url_for
from plugins.video_call import chat, consents, documents, tools
from plugins.video_call.models import PATIENT, PURPOSE, Call, Participant
from plugins.video_call.patient import call_of_link
from plugins.video_call.patient import routes as routes

_ANY: Final = "*"  # guests have links of another purpose; call_of_link() turns every other link away


@routes.get("/chat", purpose=_ANY)
def chat_of() -> Any:
    """The chat with its files, and what the practice shared."""
    call, me = call_of_link()
    if not chat.may_read(call, me):
        _closed_to(me)
    return jsonify(tools.chat_json(call, audit.actor().id, _url, for_patient=True))


@routes.post("/chat", purpose=_ANY)
def write() -> Any:
    """Write a line."""
    call, me = call_of_link()
    tools.write(call, me)
    return jsonify(tools.chat_json(call, audit.actor().id, _url, for_patient=True))


@routes.post("/chat/files", purpose=_ANY, scope="none")
def share_file() -> Any:
    """Share a file in the chat."""
    tools.share_file(call_of_link)
    return jsonify(shared=True)


@routes.get("/files/<uuid:file_id>/<any(thumb, large):size>", purpose=_ANY)
def file(file_id: UUID, size: str) -> Any:
    """A file out of the chat, or one that the practice shared."""
    call, me = call_of_link()
    if not chat.may_read(call, me):
        _closed_to(me)
    found = documents.file_of(call, file_id, for_patient=True)
    if found is None:
        abort(404)
    if size == "large":
        documents.record_view(call, file_id)
    return file_response(found, size)


@routes.get("/consents", purpose=PURPOSE)
def consents_of() -> Any:
    """What the patient is asked for now, and what they agreed to."""
    call, _me = call_of_link()
    return jsonify(tools.consents_json(call, PATIENT))


@routes.post("/consents/<uuid:consent_id>", purpose=PURPOSE)
def answer(consent_id: UUID) -> Any:
    """Yes or no: JSON {"granted": true}. Only the patient answers: a guest's link has another purpose."""
    call, me = call_of_link()
    tools.speaking(me)
    consents.answer(call, consent_id, granted=tools.said().get("granted") is True)
    return jsonify(tools.consents_json(call, PATIENT))


@routes.post("/consents/<uuid:consent_id>/revoke", purpose=PURPOSE)
def revoke(consent_id: UUID) -> Any:
    """Take a yes back."""
    call, _me = call_of_link()
    consents.revoke(call, consent_id)
    return jsonify(tools.consents_json(call, PATIENT))


@routes.get("/boards/<any(page, screen):board>", purpose=_ANY)
def board_of(board: str) -> Any:
    """What was drawn on a board."""
    call, me = call_of_link()
    if me is None or not chat.may_read(call, me):
        _closed_to(me)
    return jsonify(tools.board_json(call, board, me))


def exchanged(call: Call) -> list[documents.Exchanged]:
    """What the patient can fetch after the call."""
    return documents.exchanged(call, for_patient=True)


def _closed_to(me: Participant | None) -> NoReturn:
    """404; or 410 to a guest who was shown out, as everything behind their link answers from then on."""
    abort(410 if me is not None and me.left_at is not None else 404)


def _url(file_id: UUID, size: str) -> str:
    return url_for("video_call_patient.file", link_id=current_link().id, file_id=file_id, size=size)
