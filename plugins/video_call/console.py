"""The clinician's page of a call: who waits, the call itself, notes. What it asks for are the steps in ``steps``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from uuid import UUID

from core.sdk import (
    abort,
    audit,
    can,
    colleagues,
    db,
    i18n,
    live,
    make_response,
    redirect,
    render_slot,
    request,
    tenancy,
    topic,
    url_for,
)
from plugins.video_call import (
    backgrounds,
    guests,
    lists,
    participants,
    service,
    settings,
    slots,
    states,
    steps,
    tools,
    wording,
)
from plugins.video_call.errors import WrongState
from plugins.video_call.models import CLINICIAN, Call
from plugins.video_call.pages import page
from plugins.video_call.steps import CONDUCT, INVITE, find, routes

__all__ = ["routes"]

_WORKER: Final = Path(__file__).parent / "static" / "console" / "background_worker.js"
# What the worker of the background runs and fetches is ours; WebAssembly is compiled there and nowhere else.
_WORKER_POLICY: Final = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"


@routes.get("/calls/<uuid:call_id>", permission=CONDUCT, devices=True)
def call(call_id: UUID) -> Any:
    """The call: before it, in it; when it is over, the page after it."""
    found = find(call_id)
    if service.state_of(found) in states.OVER:
        return redirect(url_for(".ended", call_id=found.id))
    live(*participants.topics(found.id, audit.actor().id))
    if "fragment" in request.args:
        return page("console_waiting.html", **_waiting(found))
    patient = service.patient_of(found)
    live(topic("core.patient", patient.id))
    here, context = settings.here(), slots.context(found, patient)
    return page(
        "console.html",
        patient=patient,
        tools=tools.page_json(found, CLINICIAN, url_for(".chat_of", call_id=found.id).removesuffix("chat")),
        is_holder=found.clinician_id == audit.actor().id,
        sidebar=render_slot("video_call.sidebar", context, subject_id=found.id),
        toolbar=render_slot("video_call.toolbar", context, subject_id=found.id),
        heights=[height for height in (360, 480, 720, 1080) if height <= int(here.max_video_height)],
        max_notes=steps.MAX_NOTES,
        language=i18n.locale_tag(),
        practice=tenancy.current(),
        declining=wording.declining(),
        colleagues=[one for one in colleagues.who_may(CONDUCT) if str(one.user_id) != found.clinician_id],
        guest_roles=guests.ROLES,
        backgrounds=backgrounds.usable(),
        guest_words=guests.role_words(),
        **_waiting(found),
    )


@routes.post("/calls/<uuid:call_id>/notes", permission=CONDUCT)
def notes(call_id: UUID) -> Any:
    """Keep the notes as they are typed. That they were begun is in the trail, and with the result how they ended."""
    found = service.get(call_id)
    if found is None:
        abort(404)
    if found.clinician_id != audit.actor().id:
        abort(403)
    # How it went may be noted at this moment: then what is stored there stands.
    db.session().refresh(found, with_for_update=True)
    if found.outcome is not None:  # until then: what is typed as the patient hangs up is not lost
        raise WrongState()
    text = request.form.get("notes", "").replace("\r\n", "\n")[: steps.MAX_NOTES]
    begun = found.notes is None
    found.notes = text
    db.session().flush()
    if begun:
        audit.record(
            "video_call.notes", patient_id=found.patient_id, subject=(service.SUBJECT, found.id), detail={}
        )
    return "", 204


@routes.get("/background.js", permission=CONDUCT)
def background() -> Any:
    """The worker that finds the person in the picture. A worker's own answer carries its policy, so this is a route."""
    response = make_response(_WORKER.read_text(encoding="utf-8"))
    response.mimetype = "text/javascript"
    response.headers["Content-Security-Policy"] = _WORKER_POLICY
    return response


def _waiting(found: Call) -> dict[str, Any]:
    row = lists.row(found)
    return {
        "row": row,
        "call": found,
        "position": lists.position(found),
        "people": lists.state_json(found, "clinician")["participants"],
        "ready_sentences": wording.to_waiting(),
        "may_invite": can(INVITE),
        "topic": topic(service.SUBJECT, found.id),
    }
