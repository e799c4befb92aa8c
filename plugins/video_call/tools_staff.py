"""The tools of a call on the clinician's side: chat, consents, boards, pictures, recording."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID, uuid4

from core.sdk import (
    _,
    abort,
    audit,
    file_response,
    files,
    flash,
    jsonify,
    own_scope,
    redirect,
    request,
    url_for,
)  # fmt: skip
from plugins.video_call import afterwards, chat, consents, documents, participants, recording, tools
from plugins.video_call.console import routes as routes
from plugins.video_call.errors import ChatRefused, RecordingRefused
from plugins.video_call.models import Call, Document, Participant
from plugins.video_call.steps import CONDUCT, find, wants_json

_PART: Final = 2 * 1024 * 1024


@routes.get("/calls/<uuid:call_id>/chat", permission=CONDUCT)
def chat_of(call_id: UUID) -> Any:
    """The chat with its files, and what is in the record."""
    return jsonify(exchanged(find(call_id)))


@routes.post("/calls/<uuid:call_id>/chat", permission=CONDUCT)
def write(call_id: UUID) -> Any:
    """Write a line."""
    call, me = _here(call_id)
    tools.write(call, me)
    return jsonify(exchanged(call))


@routes.post("/calls/<uuid:call_id>/chat/files", permission=CONDUCT, scope="none")
def share_file(call_id: UUID) -> Any:
    """Share a file in the chat."""
    _is_there(call_id)
    tools.share_file(lambda: _here(call_id))
    return jsonify(shared=True)


@routes.get("/calls/<uuid:call_id>/files/<uuid:file_id>/<any(thumb, large):size>", permission=CONDUCT)
def file(call_id: UUID, file_id: UUID, size: str) -> Any:
    """A file of this call. Whoever opens it has seen it: it is audited."""
    call = find(call_id)
    found = documents.file_of(call, file_id, for_patient=False)
    if found is None:
        abort(404)
    if size == "large":
        documents.record_view(call, file_id)
    return file_response(found, size)


@routes.get("/calls/<uuid:call_id>/consents", permission=CONDUCT)
def consents_of(call_id: UUID) -> Any:
    """What the patient was asked for and agreed to, as it stands now."""
    return jsonify(tools.consents_json(find(call_id), "clinician"))


@routes.post("/calls/<uuid:call_id>/consents/<uuid:consent_id>/withdraw", permission=CONDUCT)
def withdraw(call_id: UUID, consent_id: UUID) -> Any:
    """No longer ask."""
    call, me = _here(call_id)
    tools.taking_part(me)
    consents.withdraw(call, consent_id)
    return jsonify(tools.consents_json(call, "clinician"))


@routes.get("/calls/<uuid:call_id>/boards/<any(page, screen):board>", permission=CONDUCT)
def board_of(call_id: UUID, board: str) -> Any:
    """What was drawn on a board."""
    call, me = _here(call_id)
    return jsonify(tools.board_json(call, board, me))


@routes.post("/calls/<uuid:call_id>/boards/<any(page, screen):board>/keep", permission=CONDUCT, scope="none")
def keep_board(call_id: UUID, board: str) -> Any:
    """Keep the picture of a board in the record."""

    def keep(call: Call, me: Participant, staged: files.Staged) -> Document:
        return documents.keep_drawing(call, me, board, staged)

    return _keep_picture(call_id, "drawing.png", keep)


@routes.post("/calls/<uuid:call_id>/stills", permission=CONDUCT, scope="none")
def keep_still(call_id: UUID) -> Any:
    """Keep one picture of the patient's video, under the grant for it."""
    _is_there(call_id)
    consent_id = tools.uuid_of(request.args.get("consent"))

    def keep(call: Call, me: Participant, staged: files.Staged) -> Document:
        return documents.keep_still(call, tools.speaking(me), consent_id, staged)

    return _keep_picture(call_id, "still.jpg", keep)


@routes.post("/calls/<uuid:call_id>/documents/<uuid:document_id>/share", permission=CONDUCT)
def share_document(call_id: UUID, document_id: UUID) -> Any:
    """Let the patient fetch a document of the record, or no longer: JSON {"shared": true}, or a form with the tick."""
    call = find(call_id)
    found = documents.find(call, document_id)
    if found is None:
        abort(404)
    shared = tools.said().get("shared") is True if request.is_json else "shared" in request.form
    documents.share(found, call, shared=shared)
    if shared:
        afterwards.send(
            call
        )  # to a call that is over, nobody has told the patient yet that there is something
    if wants_json():
        return jsonify(exchanged(call))
    flash(
        _("The patient can fetch it now.") if shared else _("The patient can no longer fetch it."), "success"
    )
    return redirect(url_for(".ended", call_id=call.id) + "#exchanged", 303)


@routes.post("/calls/<uuid:call_id>/recordings", permission=CONDUCT, scope="none")
def begin_recording(call_id: UUID) -> Any:
    """Begin to record, under the patient's grant: JSON {"what": "audio"}; answers where the parts go."""
    _is_there(call_id)
    what, upload_id = str(tools.said().get("what")), uuid4()
    with own_scope(write=False):
        call, me = _here(call_id)
        consent = recording.granted(call, tools.speaking(me), what)
    recording.finish_left(call, tools.client())

    def begin(*_said: Any) -> None:
        call, me = _here(call_id)
        recording.begin(call, tools.speaking(me), what)

    files.uploads.create(
        recording.place_of(call),
        upload_id,
        recording.MOST_BYTES,
        {
            "filename": "consultation.webm",
            "filetype": f"{what}/webm",
            **recording.details(what, consent, tools.client()),
        },
        begin,
    )
    return jsonify(id=str(upload_id), parts=url_for(".recording_part", call_id=call_id, upload_id=upload_id))


@routes.post("/calls/<uuid:call_id>/recordings/left", permission=CONDUCT, scope="none")
def finish_left(call_id: UUID) -> Any:
    """Keep what a page of the clinician recorded that was closed or loaded again."""
    with own_scope(write=False):
        call, me = _here(call_id)
        tools.speaking(me)
    recording.finish_left(call, tools.client())
    return jsonify(finished=True)


@routes.post("/calls/<uuid:call_id>/recordings/<uuid:upload_id>", permission=CONDUCT, scope="none")
def recording_part(call_id: UUID, upload_id: UUID) -> Any:
    """The bytes from ``?from=`` on; with ``?last`` the recording is complete. Nothing without the patient's grant."""
    if (request.content_length or 0) > _PART:
        raise RecordingRefused(_("This part of the recording is too large."))
    with own_scope(write=False):
        call, me = _here(call_id)
        tools.speaking(me)
    upload = _upload(call, upload_id)
    was_live = recording.is_live(upload)
    part = request.get_data(cache=False)
    if part:
        with own_scope(write=False):
            call, me = _here(call_id)
            recording.check_part(call, tools.speaking(me), upload)
        try:
            upload = files.uploads.append(
                recording.place_of(call),
                upload_id,
                request.args.get("from", -1, type=int),
                part,
                lambda *_done: None,
            )
        except (files.uploads.OffsetMismatch, files.uploads.PartTooLong):
            return jsonify(received=upload.received), 409
        if not was_live:  # after a hold, say: the others thought that it was over
            with own_scope():
                recording.tell(find(call_id))
    if "last" in request.args:
        upload = recording.finish(call, upload)
    return jsonify(received=upload.received, file=str(upload.file_id) if upload.file_id else None)


def exchanged(call: Call) -> dict[str, Any]:
    """The chat with its files and what was kept in the record, for the clinician's pages."""
    return tools.chat_json(
        call,
        audit.actor().id,
        lambda file_id, size: url_for("video_call.file", call_id=call.id, file_id=file_id, size=size),
        for_patient=False,
    )


def _keep_picture(call_id: UUID, name: str, keep: Any) -> Any:
    """The picture is the body of the request: durable first, then row and document in one transaction."""
    if (request.content_length or 0) > documents.MAX_BYTES:
        raise ChatRefused(chat.refusal_text("too_large"), status=413)
    request.max_content_length = documents.MAX_BYTES
    with own_scope(write=False):
        call, _me = _here(call_id)
    staged = documents.stage(call, request.stream, name)
    try:
        with own_scope():
            call, me = _here(call_id)
            made = keep(call, tools.taking_part(me), staged)
    except BaseException:
        files.discard(staged)
        raise
    return jsonify(id=str(made.id), title=made.title)


def _is_there(call_id: UUID) -> None:
    """Answers 404 to the id of no call of this practice, before anything is said about what was sent."""
    with own_scope(write=False):
        find(call_id)


def _here(call_id: UUID) -> tuple[Call, Participant | None]:
    call = find(call_id)
    return call, participants.of_actor(call.id, audit.actor().id)


def _upload(call: Call, upload_id: UUID) -> files.Upload:
    try:
        return files.uploads.find(recording.place_of(call), upload_id)
    except files.uploads.UploadUnknown:
        abort(404)
