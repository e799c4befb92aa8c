"""The pages behind a patient's or guest's link: one for all steps up to the call, one for after it.

Which step a page shows follows from the state of the call; a page that loads again is where it was.
"""

from __future__ import annotations

import secrets
from typing import Any, Final, get_args
from uuid import UUID

from core.sdk import (
    PatientRoutes,
    _,
    abort,
    audit,
    current_link,
    db,
    flash,
    i18n,
    jsonify,
    live,
    make_response,
    plugin_static,
    redirect,
    render,
    render_patient_slot,
    request,
    second_browser,
    tenancy,
    topic,
    url_for,
)
from plugins.video_call import guests, lists, participants, presence, said, service, settings, states, tools
from plugins.video_call.contexts import PatientPageContext
from plugins.video_call.models import GUEST, GUEST_PURPOSE, PATIENT, PURPOSE, Call, Participant

routes = PatientRoutes("video_call", __name__)

_SAMPLE_BYTES: Final = 96 * 1024
_MOST_FEEDBACK: Final = 1000
_DEVICES: Final = ("camera", "microphone", "speaker")
_ANY: Final = "*"  # guests have links of another purpose; call_of_link() turns every other link away


@routes.get("/", purpose=_ANY, devices=True)
def start() -> str:
    """Guidance, the check, the waiting room and the call; or how it ended."""
    call, me = call_of_link()
    live(*participants.topics(call.id, str(current_link().id)))
    values = {"call": call, "me": me, "is_guest": _is_guest(), "plugin_static": plugin_static}
    if service.state_of(call) in states.OVER or (_is_guest() and me is not None and me.left_at is not None):
        return _over(call, values)
    return render(
        "video_call/patient/room.html",
        practice=tenancy.current(),
        chosen=settings.here(),
        role_word=guests.role_word,
        guest_words=guests.role_words(),
        state=state_of(call),
        waiting_slot=_slot("video_call.waiting_patient", call),
        language=i18n.locale_tag(),
        tools=tools.page_json(call, GUEST if _is_guest() else PATIENT, url_for(".start")),
        **values,
    )


@routes.get("/state", purpose=_ANY)
def state() -> Any:
    """How the call stands, for the page that heard of a change."""
    call, _me = call_of_link()
    return jsonify(state_of(call))


@routes.get("/outside", purpose=_ANY)
def outside() -> Any:
    """An address for the device's real browser, for a page that an app shows in its own; it works for some minutes."""
    return jsonify(url=second_browser.address(current_link()))


@routes.get("/sample", purpose=_ANY, scope="none")
def sample() -> Any:
    """Bytes that cannot be compressed: the page measures how fast they come."""
    response = make_response(secrets.token_bytes(_SAMPLE_BYTES))
    response.mimetype = "application/octet-stream"
    return response


@routes.post("/arrive", purpose=_ANY)
def arrive() -> Any:
    """The page is open: JSON {"new": true} at first, and again and again until it is in the room."""
    call, me = call_of_link()
    if not _is_guest() and service.state_of(call) not in states.OVER:
        if me is None or _body().get("new") is True:
            name = service.patient_of(call).display_name
            me = participants.add(call, PATIENT, str(current_link().id), name)
        service.arrive(call)
        if me.client_id is not None and not participants.is_here(me):
            me.client_id = None  # a page that went without a word: it is not in the room any more
        if me.left_at is None and presence.is_due(call, me):
            presence.here(call, me)
    return jsonify(state_of(call))


@routes.post("/started", purpose=PURPOSE)
def started() -> Any:
    """The patient pressed "Start video call"."""
    call, _me = call_of_link()
    service.started(call)
    return jsonify(state_of(call))


@routes.post("/ready", purpose=_ANY)
def ready() -> Any:
    """The patient is in the waiting room. JSON: what their page found, {"camera": true, "line": "good"}.

    Said again when something more was found.
    """
    call, me = call_of_link()
    is_news = me is not None and _note_devices(me, _body())
    if _is_guest():
        guests.arrived(call, current_link().id)
    elif call.state == states.READY and is_news:
        service.tell(call, "devices")
    elif service.state_of(call) in (states.SCHEDULED, states.WAITING):
        service.ready(call)
    return jsonify(state_of(call))


@routes.post("/unready", purpose=_ANY)
def unready() -> Any:
    """Back to the check of camera and microphone."""
    call, _me = call_of_link()
    if not _is_guest():
        service.unready(call)
    return jsonify(state_of(call))


@routes.post("/leave", purpose=_ANY)
def leave() -> Any:
    """The page closes, in the call or before."""
    call, me = call_of_link()
    presence.close(call, me, tools.client())
    return "", 204


@routes.post("/end", purpose=_ANY)
def end() -> Any:
    """The patient hangs up, for everybody. A guest only leaves the page."""
    call, _me = call_of_link()
    if not _is_guest():
        service.end(call, "patient")
    return jsonify(state_of(call))


@routes.post("/feedback", purpose=PURPOSE)
def feedback() -> Any:
    """How it went, from the form on the last page. Said again, it replaces what was said before."""
    call, _me = call_of_link()
    score = request.form.get("score", "")
    if call.state != states.ENDED or score not in ("1", "2", "3"):
        flash(_("Please choose one of the three answers."), "danger")
        return redirect(url_for(".start"), 303)
    call.feedback_score = int(score)
    call.feedback_text = request.form.get("text", "").strip()[:_MOST_FEEDBACK] or None
    service.record(call, "feedback")
    return redirect(url_for(".start") + "#feedback", 303)


def call_of_link() -> tuple[Call, Participant | None]:
    """The call that this link leads to, and who its holder is in it. Answers 404 to links of other plugins."""
    link = current_link()
    call = db.get(Call, link.subject_id) if link.purpose in (PURPOSE, GUEST_PURPOSE) else None
    if call is None:
        abort(404)
    return call, participants.of_actor(call.id, str(link.id))


def file_url(file_id: UUID, size: str) -> str:
    """Where a file that was exchanged in the call is, for this link's holder."""
    return url_for("video_call_patient.file", file_id=file_id, size=size)


def state_of(call: Call) -> dict[str, Any]:
    """What this page may know of the call, as JSON."""
    return lists.state_json(call, "guest" if _is_guest() else PATIENT)


def _is_guest() -> bool:
    return current_link().purpose == GUEST_PURPOSE


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _note_devices(me: Participant, body: dict[str, Any]) -> bool:
    """What is named is taken, the rest stays as it was found before. Was there anything new?"""
    if not body:
        return False
    found = dict.fromkeys(_DEVICES, False) | me.devices
    found |= {kind: body[kind] is True for kind in _DEVICES if kind in body}
    if body.get("line") in get_args(said.Quality):
        found["line"] = body["line"]
    is_news = found != me.devices
    me.devices = found
    return is_news


def _over(call: Call, values: dict[str, Any]) -> str:
    """The last page. What was exchanged is for the patient, not for guests."""
    exchanged = {} if _is_guest() else tools.chat_json(call, audit.actor().id, file_url, for_patient=True)
    if "fragment" in request.args:
        return render("video_call/patient/sent.html", exchanged=exchanged)
    return render(
        "video_call/patient/over.html",
        practice=tenancy.current(),
        state=service.state_of(call),
        exchanged=exchanged,
        topic=topic(service.SUBJECT, call.id),
        after_call=settings.here().after_call.strip(),
        slot=_slot("video_call.ended_patient", call),
        **values,
    )


def _slot(name: str, call: Call) -> str:
    """What other plugins add to this page; nothing on a guest's."""
    if _is_guest():
        return ""
    return render_patient_slot(name, PatientPageContext(call, service.patient_of(call)))
