"""After a call: its page, and the form that says how it went."""

from __future__ import annotations

import hashlib
from typing import Any, Final
from uuid import UUID

from core.sdk import _, db, live, redirect, render_slot, request, topic, url_for
from plugins.video_call import afterwards, lists, service, slots, states, steps, tools_staff
from plugins.video_call.errors import CallError, NotesChanged, OutcomeMissing
from plugins.video_call.models import Call
from plugins.video_call.pages import page
from plugins.video_call.steps import CONDUCT, find, routes

_SEEN: Final = "seen"


@routes.get("/calls/<uuid:call_id>/ended", permission=CONDUCT)
def ended(call_id: UUID) -> Any:
    """After the call: how it went, notes, and what other plugins add."""
    call = find(call_id)
    if service.state_of(call) not in states.OVER:
        return redirect(url_for(".call", call_id=call.id))
    live(topic(service.SUBJECT, call.id))
    if "fragment" in request.args:
        return page("exchanged.html", **_left(call))
    return _page(call)


@routes.post("/calls/<uuid:call_id>/finish", permission=CONDUCT)
def finish(call_id: UUID) -> Any:
    """Note how the consultation went. Notes that somebody changed since the form was shown are not replaced unseen."""
    call = find(call_id)
    # Held until it is stored: what is typed in the call at this moment waits, or is read here.
    db.session().refresh(call, with_for_update=True)
    typed = {
        "outcome": request.form.get("outcome"),
        "reason": request.form.get("reason"),
        "notes": _typed_notes(call),
    }
    is_unsuccessful = typed["outcome"] == "unsuccessful" and typed["reason"] in service.UNSUCCESSFUL_REASONS
    if not is_unsuccessful and typed["outcome"] != "completed":
        return _refuse(call, OutcomeMissing(), typed)
    if typed["notes"] != call.notes and request.form.get(_SEEN, fingerprint(call)) != fingerprint(call):
        return _refuse(call, NotesChanged(), typed, theirs=call.notes or "")

    def note(call: Call) -> None:
        if is_unsuccessful:
            service.finish(call, "unsuccessful", reason=typed["reason"], notes=typed["notes"])
        else:
            service.finish(call, "completed", notes=typed["notes"])

    return steps.take(call_id, note, _("Noted."), then="ended")


def fingerprint(call: Call) -> str:
    """Of the notes: another one when they are other ones."""
    return hashlib.sha256((call.notes or "").encode()).hexdigest()[:16]


def _typed_notes(call: Call) -> str | None:
    """The notes as they were typed; those that are stored where the form had none."""
    if "notes" not in request.form:
        return call.notes
    return request.form["notes"].replace("\r\n", "\n").strip()[: steps.MAX_NOTES] or None


def _refuse(call: Call, why: CallError, typed: dict[str, str | None], theirs: str | None = None) -> Any:
    """Nothing was stored: a script reads why; a person gets the form again with all that was typed."""
    if steps.wants_json() or service.state_of(call) not in states.OVER:
        raise why
    live(topic(service.SUBJECT, call.id))
    return _page(call, typed=typed, refusal=why, theirs=theirs), why.status


def _page(call: Call, **said: Any) -> str:
    patient = service.patient_of(call)
    stored = {"outcome": call.outcome, "reason": call.outcome_reason, "notes": call.notes}
    return page(
        "ended.html",
        row=lists.row(call),
        patient=patient,
        **_left(call),
        **{"typed": stored, "refusal": None, "theirs": None, **said},
        seen=fingerprint(call),
        added=render_slot("video_call.ended_staff", slots.context(call, patient), subject_id=call.id),
        to_fetch=afterwards.something_to_fetch(call),
        max_notes=steps.MAX_NOTES,
    )


def _left(call: Call) -> dict[str, Any]:
    """What the fragment with chat and documents shows."""
    return {
        "call": call,
        "exchanged": tools_staff.exchanged(call),
        "topic": topic(service.SUBJECT, call.id),
    }
