"""Inviting to a call: the call, its link and the message in one transaction; and sending it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from core.sdk import Patient, _, ask, audit, db, i18n, links, notifications, tenancy, utcnow, uuid7
from plugins.video_call import messages, participants, reach, reminders, service, settings, states
from plugins.video_call.contexts import CallContext
from plugins.video_call.errors import CannotInvite, WrongState
from plugins.video_call.models import PATIENT, Call

Channel = Literal["email", "sms"]
_CHANNELS: Final[tuple[Channel, ...]] = ("email", "sms")
MAX_NOTE: Final = 400
MOST_DAYS_AHEAD: Final = 60


@dataclass(frozen=True, slots=True)
class Wish:
    """How to invite.

    mobile: a number for this text only; the patient's own stays as it is. at: when it is planned; None: now.
    phone_first: the two are on the phone already. holder: who holds it, (a user's id, name); None: whoever invites.
    """

    channels: Sequence[str]
    mobile: str | None = None
    note: str | None = None
    at: datetime | None = None
    phone_first: bool = False
    holder: tuple[str, str] | None = None


def usable_channels(patient: Patient) -> list[Channel]:
    """The ways in which this patient can be reached, the practice's preferred one first."""
    usable = [channel for channel, way in notifications.ways.to(patient).items() if way.usable]
    return sorted(usable, key=lambda channel: channel != settings.here().default_channel)


def invite(patient: Patient, wish: Wish, *, id: UUID | None = None) -> Call:
    """Invite a patient: call, link, message, event and audit entry in one transaction.

    id: chosen by the form that was shown, so that sending it twice invites once. Raises CannotInvite and
    NotificationError.
    """
    if id is not None and (known := service.get(id)) is not None:
        return known
    chosen = _checked(patient, wish)
    actor, now = audit.actor(), utcnow()
    holder = wish.holder or (actor.id, actor.name)
    call = Call(
        id=id or uuid7(),
        patient_id=patient.id,
        state=states.SCHEDULED if wish.at else states.INVITED,
        clinician_id=holder[0],
        clinician_name=holder[1],
        invited_by=actor.id,
        invited_by_name=actor.name,
        note=clean_note(wish.note),
        channels=list(chosen),
        expires_at=(wish.at or now) + timedelta(days=settings.here().link_days),
        scheduled_at=wish.at,
        invited_at=None if wish.at else now,
        phone_first=wish.phone_first,
    )
    db.session().add(call)
    db.session().flush()
    _send(call, patient, chosen, wish.mobile, key=f"video_call.call:{call.id}")
    reminders.plan(call)
    service.record(call, "planned" if wish.at else "invited", channels=", ".join(chosen))
    ask("video_call_created", CallContext(call))
    return call


def send_again(call: Call, wish: Wish) -> None:
    """Send a new link; the old one stops working. Raises WrongState while the patient is here, CannotInvite."""
    state = service.state_of(call)
    was_here = state == states.WAITING and call.patient_away_since is not None
    if state not in (states.SCHEDULED, states.INVITED) and not was_here:
        raise WrongState()
    patient = service.patient_of(call)
    chosen = _checked(patient, wish)
    before = service.links_of(call)
    call.channels = list(chosen)
    call.expires_at = max(call.expires_at, utcnow() + timedelta(days=settings.here().link_days))
    _send(call, patient, chosen, wish.mobile, key=None)
    for link in before:
        links.cancel(link.id)
    service.record(call, "sent_again", channels=", ".join(chosen))


def sent_to(call: Call) -> Wish:
    """As it was sent before: by the same ways, as far as they still work, and to the number that was given for it."""
    patient = service.patient_of(call)
    usable = usable_channels(patient)
    channels = [channel for channel in call.channels if channel in usable] or usable
    given = next(
        (
            sent.recipient
            for sent in notifications.about(call.id)
            if sent.channel == "sms" and sent.template in (messages.INVITATION, messages.PLANNED)
        ),
        None,
    )
    return Wish(channels, mobile=given if given != patient.mobile else None)


def move(call: Call, at: datetime) -> None:
    """Plan the call for another time, and tell the patient, with a new link; the old one stops working.

    Raises WrongState once the patient is here, or for a call that was not planned; and CannotInvite.
    """
    patient = service.patient_of(call)
    chosen = _checked(patient, Wish(reach.own_channels(patient, call), at=at))
    before = service.links_of(call)
    service.replan(call, at, at + timedelta(days=settings.here().link_days))
    _send(call, patient, chosen, None, key=None)
    for link in before:
        links.cancel(link.id)
    reminders.plan(call)


def unlock(call: Call) -> None:
    """Let the patient try the date of birth again."""
    for link in service.links_of(call):
        links.unlock(link.id)


def preview(patient: Patient, wish: Wish, *, link: str) -> notifications.Preview:
    """The very message that :func:`invite` would send, with ``link`` standing for the link to come."""
    holder = wish.holder[1] if wish.holder else audit.actor().name
    expires = (wish.at or utcnow()) + timedelta(days=settings.here().link_days)
    return notifications.preview(
        messages.PLANNED if wish.at else messages.INVITATION,
        patient=patient,
        variables=_variables(patient, holder, link, expires, wish.at, clean_note(wish.note)),
    )


def clean_note(note: str | None) -> str | None:
    """A note in one paragraph, at most MAX_NOTE characters, or None."""
    return " ".join((note or "").split())[:MAX_NOTE].strip() or None


def _send(
    call: Call, patient: Patient, chosen: Sequence[Channel], mobile: str | None, *, key: str | None
) -> None:
    before = call.link_id
    issued = reach.issue_link(patient, call)
    if before is not None and (old := participants.of_actor(call.id, str(before))) is not None:
        old.left_at = utcnow()
    participants.add(call, PATIENT, str(issued.link.id), patient.display_name)
    notifications.send(
        messages.PLANNED if call.scheduled_at else messages.INVITATION,
        patient=patient,
        channels=chosen,
        recipient={"sms": mobile.strip()} if mobile and mobile.strip() else None,
        variables=_variables(
            patient, call.clinician_name, issued.url, call.expires_at, call.scheduled_at, call.note
        ),
        key=key,
        subject=(service.SUBJECT, call.id),
    )


def _variables(
    patient: Patient, holder: str, link: str, expires: datetime, at: datetime | None, note: str | None
) -> dict[str, str]:
    """What the templates are filled with, written as the patient reads it."""
    practice = tenancy.current()
    with i18n.use_language(notifications.language_for(patient)):
        values = {
            "practice": practice.name,
            "patient": patient.given_names,
            "clinician": holder,
            "link": link,
            "note": note or "",
        }
        if at is not None:
            return {**values, "when": i18n.format_datetime(at, "short")}
        # In figures, because the û of août would push a French SMS out of GSM-7.
        return {**values, "expires": i18n.format_date(expires, "short")}


def _checked(patient: Patient, wish: Wish) -> list[Channel]:
    mobile = (wish.mobile or "").strip()
    chosen: list[Channel] = [c for c in _CHANNELS if c in wish.channels or (c == "sms" and mobile)]
    if not chosen:
        raise CannotInvite()
    if "sms" in chosen and not (mobile or patient.mobile):
        raise CannotInvite(_("%(name)s has no mobile number.", name=patient.display_name))
    if "email" in chosen and not patient.email:
        raise CannotInvite(_("%(name)s has no e-mail address.", name=patient.display_name))
    if wish.at is not None and not utcnow() < wish.at <= utcnow() + timedelta(days=MOST_DAYS_AHEAD):
        raise CannotInvite(
            _("Choose a time in the future, at most %(days)s days from now.", days=MOST_DAYS_AHEAD),
            field="day",
        )
    return chosen
