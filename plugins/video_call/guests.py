"""Guests: an interpreter, a relative, a colleague, each with a link of their own and let in one by one."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from core.sdk import LazyString, Link, Welcome, _, _l, db, links, notifications, tenancy, utcnow
from plugins.video_call import messages, participants, service, states
from plugins.video_call.errors import CannotInvite, NotYours, WrongState
from plugins.video_call.models import GUEST, GUEST_PURPOSE, Call, Participant

ROLES: Final[dict[str, LazyString]] = {
    "interpreter": _l("Interpreter"),
    "relative": _l("Relative or friend"),
    "carer": _l("Carer"),
    "colleague": _l("Colleague"),
    "student": _l("Student or observer"),
}
MOST: Final = 2  # each sends to each: a call of four is what phones can carry
MAX_NAME: Final = 80


def role_word(code: str | None) -> str:
    """What a guest is, in the reader's language."""
    return str(ROLES[code]) if code in ROLES else _("Guest")


def role_words() -> dict[str, str]:
    """The words for scripts, by ``as_<code>``: what travels between pages is the code, each page has its language."""
    return {f"as_{code}": str(word) for code, word in ROLES.items()}


def invite(call: Call, *, name: str, as_what: str, channel: Literal["email", "sms"], to: str) -> Participant:
    """Send a guest a link; nothing of the patient is in the message. Raises CannotInvite, NotificationError."""
    name = " ".join(name.split())[:MAX_NAME]
    if call.state not in states.OPEN:
        raise WrongState()
    if not name or as_what not in ROLES:
        raise CannotInvite(_("Say who the guest is and what for."))
    if not to.strip():
        raise CannotInvite(_("Enter the guest's e-mail address or mobile number."))
    if sum(one.role == GUEST and one.left_at is None for one in participants.all_of(call.id)) >= MOST:
        raise CannotInvite(_("A consultation has room for %(most)s guests.", most=MOST))
    days = max(1, min(90, (call.expires_at - utcnow()).days + 1))
    issued = links.issue(GUEST_PURPOSE, call.patient_id, call.id, days=days)
    guest = participants.add(call, GUEST, str(issued.link.id), name, as_what=as_what)
    notifications.send(
        messages.GUEST,
        patient=None,  # it is no message to the patient: their consent and their addresses do not count
        channels=(channel,),
        recipient=to.strip(),
        variables={
            "practice": tenancy.current().name,
            "guest": name,
            "role": role_word(as_what),
            "link": issued.url,
        },
        key=f"video_call.guest:{guest.id}",
        subject=(service.SUBJECT, call.id),
    )
    service.record(call, "guest_invited", role=as_what)
    return guest


def welcome(link: Link) -> Welcome:
    """What the guest reads before they join: who they are asked to be, and nothing of the patient."""
    practice = tenancy.current().name
    guest = participants.of_actor(link.subject_id, str(link.id))
    return Welcome(
        _("Video consultation of %(practice)s", practice=practice),
        _("You are asked to take part. The clinician lets you in; you need no app."),
        _("Join as %(name)s (%(role)s)", name=guest.name, role=role_word(guest.as_what))
        if guest is not None
        else _("Join"),
    )


def of_call(call: Call, participant_id: UUID) -> Participant:
    """A guest of this call who was not sent away. Raises NotYours."""
    found = db.get(Participant, participant_id)
    if found is None or found.call_id != call.id or found.role != GUEST or found.left_at is not None:
        raise NotYours()
    return found


def arrived(call: Call, link_id: UUID) -> None:
    """The guest pressed "Join": the clinician's page says so, once as long as they are there."""
    guest = participants.of_actor(call.id, str(link_id))
    if guest is not None and not participants.is_here(guest):
        guest.seen_at = utcnow()
        service.record(call, "guest_arrived", role=guest.as_what or "")


def admit(call: Call, guest: Participant) -> None:
    """Let a guest in. A second time changes nothing. Raises WrongState once the call is over."""
    if call.state not in states.OPEN:
        raise WrongState()
    if guest.admitted_at is None:
        guest.admitted_at = utcnow()
        db.session().flush()
        service.record(call, "guest_admitted", role=guest.as_what or "")


def send_away(call: Call, guest: Participant) -> None:
    """Take a guest's link back; who is in the call is shown out."""
    guest.left_at = utcnow()
    db.session().flush()
    links.cancel(UUID(guest.actor_id))
    service.record(call, "guest_removed", role=guest.as_what or "")
