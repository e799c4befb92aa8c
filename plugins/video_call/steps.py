"""The steps that the practice asks for: one POST each, from a form (answered with a page) or a script (with JSON)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from core.sdk import (
    StaffRoutes,
    _,
    abort,
    audit,
    colleagues,
    db,
    flash,
    jsonify,
    notifications,
    redirect,
    request,
    url_for,
)
from plugins.video_call import guests, invitations, lists, participants, presence, service, tools, wording
from plugins.video_call.errors import CallError, CannotInvite
from plugins.video_call.models import Call

routes = StaffRoutes("video_call", __name__)

INVITE: Final = "video_call.invite"
CONDUCT: Final = "video_call.conduct"
MAX_WORDS: Final = 300
MAX_NOTES: Final = 10_000


@routes.get("/calls/<uuid:call_id>/state", permission=CONDUCT)
def state(call_id: UUID) -> Any:
    """How the call stands, for its page."""
    return jsonify(lists.state_json(find(call_id), "clinician"))


@routes.post("/calls/<uuid:call_id>/admit", permission=CONDUCT)
def admit(call_id: UUID) -> Any:
    """Let the patient in, and go to the call."""
    return take(call_id, service.admit, then="call")


@routes.post("/calls/<uuid:call_id>/hold", permission=CONDUCT)
def hold(call_id: UUID) -> Any:
    """Ask the patient to wait."""
    return take(call_id, service.hold, _("The patient is asked to wait."), then="call")


@routes.post("/calls/<uuid:call_id>/resume", permission=CONDUCT)
def resume(call_id: UUID) -> Any:
    """Go on."""
    return take(call_id, service.resume, then="call")


@routes.post("/calls/<uuid:call_id>/message", permission=CONDUCT)
def message(call_id: UUID) -> Any:
    """Show the waiting patient a sentence; an empty one takes it away."""
    text = _words("text")
    done = _("The patient sees your message.") if text else _("The message is taken away.")
    return take(call_id, lambda call: service.say_to_waiting(call, text or None), done)


@routes.post("/calls/<uuid:call_id>/decline", permission=CONDUCT)
def decline(call_id: UUID) -> Any:
    """Do not take the call; the patient reads why."""
    reason = _words("reason") or wording.declining()[0]
    return take(call_id, lambda call: service.decline(call, reason), _("Declined. The patient reads why."))


@routes.post("/calls/<uuid:call_id>/transfer", permission=CONDUCT)
def transfer(call_id: UUID) -> Any:
    """Hand the call over to a colleague who may hold video consultations."""
    find(call_id)
    wanted = request.form.get("to", type=int)
    to = next((one for one in colleagues.who_may(CONDUCT) if one.user_id == wanted), None)
    if to is None:
        abort(400)
    done = _("%(name)s holds this consultation now.", name=to.name)
    return take(call_id, lambda call: service.transfer(call, str(to.user_id), to.name), done)


@routes.post("/calls/<uuid:call_id>/leave", permission=CONDUCT)
def leave(call_id: UUID) -> Any:
    """The clinician's page closes. The call goes on, and they can come back."""
    call = service.get(call_id) or abort(404)
    presence.close(call, participants.of_actor(call_id, audit.actor().id), tools.client())
    return "", 204


@routes.post("/calls/<uuid:call_id>/end", permission=CONDUCT)
def end(call_id: UUID) -> Any:
    """Hang up, for everybody; then how it went."""
    return take(call_id, lambda call: service.end(call, "clinician"), then="ended")


@routes.post("/calls/<uuid:call_id>/cancel", permission=INVITE)
def cancel(call_id: UUID) -> Any:
    """Take an invitation back."""
    return take(call_id, service.cancel, _("Cancelled. The link no longer works."))


@routes.post("/calls/<uuid:call_id>/again", permission=INVITE)
def again(call_id: UUID) -> Any:
    """Send a new link as it was sent before, to the number that was given for it, too; the old one stops working."""
    return take(
        call_id,
        lambda call: invitations.send_again(call, invitations.sent_to(call)),
        _("Sent again with a new link."),
    )


@routes.post("/calls/<uuid:call_id>/unlock", permission=INVITE)
def unlock(call_id: UUID) -> Any:
    """Lift the lock that wrong dates of birth put on the link."""
    return take(call_id, invitations.unlock, _("Unlocked. The patient can try again with the same link."))


@routes.post("/calls/<uuid:call_id>/guests", permission=CONDUCT)
def invite_guest(call_id: UUID) -> Any:
    """Send a guest a link of their own."""
    to = request.form.get("to", "")

    def send(call: Call) -> None:
        guests.invite(
            call,
            name=request.form.get("name", ""),
            as_what=request.form.get("as_what", ""),
            channel="email" if "@" in to else "sms",
            to=to,
        )

    return take(call_id, send, _("The guest gets a link of their own."))


@routes.post("/calls/<uuid:call_id>/guests/<uuid:participant_id>/admit", permission=CONDUCT)
def admit_guest(call_id: UUID, participant_id: UUID) -> Any:
    """Let a guest in."""
    return take(call_id, lambda call: guests.admit(call, guests.of_call(call, participant_id)))


@routes.post("/calls/<uuid:call_id>/guests/<uuid:participant_id>/remove", permission=CONDUCT)
def remove_guest(call_id: UUID, participant_id: UUID) -> Any:
    """Take a guest's link back."""
    done = _("The guest is no longer part of this consultation.")
    return take(call_id, lambda call: guests.send_away(call, guests.of_call(call, participant_id)), done)


def find(call_id: UUID) -> Call:
    """A call of this practice, for a page about it; 404 when there is none."""
    found = service.get(call_id)
    if found is None:
        abort(404)
    audit.concerns(found.patient_id)
    return found


def wants_json() -> bool:
    """Did a script ask?"""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def take(call_id: UUID, step: Callable[[Call], None], done: str = "", *, then: str = "") -> Any:
    """Take a step and answer: to a script with the state (a refusal goes to it as it is), else with a page."""
    call = find(call_id)
    if wants_json():
        try:
            step(call)
        except notifications.NotificationError as refusal:
            raise CannotInvite(refusal.message) from refusal
        return jsonify(lists.state_json(call, "clinician"))
    taken = True
    try:
        with db.savepoint():
            step(call)
    except (CallError, notifications.NotificationError) as refusal:
        flash(refusal.message, "warning")
        taken = False
    else:
        if done:
            flash(done, "success")
    return redirect(_where(call, then if taken else ""), 303)


def _where(call: Call, then: str) -> str:
    back = request.form.get("back")
    if back == "call" or (then == "call" and not back):
        return url_for(".call", call_id=call.id)
    if back == "ended" or then == "ended":
        return url_for(".ended", call_id=call.id)
    if back == "patient":
        return url_for("patients.show", patient_id=call.patient_id)
    return url_for(".index")


def _words(name: str) -> str:
    return " ".join(request.form.get(name, "").split())[:MAX_WORDS]
