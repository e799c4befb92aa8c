"""Inviting colleagues by e-mail: a link that works once, for a week, for the one it was sent to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, update

from core import audit, db, settings, tenancy
from core.errors import Refused
from core.i18n import _, _l
from core.links import tokens
from core.notifications import inbox, staff
from core.realtime import events
from core.security import users
from core.security.models import Invitation
from core.tenancy import Membership

DAYS: Final = 7
PERMISSION: Final = "core.manage_staff"
TOPIC: Final = "core.invitation"
"""For the whole practice: somebody was invited (again), an invitation was accepted or withdrawn."""


class InvitationRefused(Refused):
    """Nobody can be invited so; ``message`` says why."""


class InvitationOver(LookupError):
    """It was accepted, withdrawn, is too old, or never was. ``state``: Invitation.state, or "unknown"."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


@dataclass(frozen=True, slots=True)
class Opened:
    """An invitation as whoever follows its link sees it. user_id: of the person with this address, if there is one."""

    practice_id: UUID
    id: UUID
    practice: str
    slug: str
    email: str
    given_names: str
    family_name: str
    role: str
    inviter: str
    user_id: int | None


# --- the practice's side -------------------------------------------------------------------------------------------


def invite(email: str, given_names: str, family_name: str, role: str) -> Invitation:
    """Invite somebody to the current practice, in the current writing scope; the e-mail goes with it.

    Raises InvitationRefused.
    """
    address = address_of(email)
    given_names, family_name = names_of(given_names, family_name)
    if not users.is_assignable(role):
        raise InvitationRefused(_("Choose a role."))
    if _is_member(address):
        raise InvitationRefused(_("%(email)s works in your practice already.", email=address))
    if any(one.email == address for one in pending()):
        raise InvitationRefused(
            _("%(email)s is invited already. You can send the invitation again.", email=address)
        )
    actor = audit.actor()
    made = Invitation(
        id=db.uuid7(),
        email=address,
        given_names=given_names,
        family_name=family_name,
        role=role,
        invited_by=actor.id,
        invited_by_name=actor.name,
        token_hash="",
        expires_at=db.utcnow(),
    )
    audit.record("staff.invited", subject=("core.invitation", made.id), detail={"role": role})
    _send(made)
    return made


def pending() -> list[Invitation]:
    """The practice's invitations that can still be accepted or sent again (expired ones too), newest first."""
    return list(
        db.session().scalars(
            select(Invitation)
            .where(Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None))
            .order_by(Invitation.created_at.desc())
        )
    )


def withdraw(invitation_id: UUID) -> None:
    """Take an invitation back. Raises LookupError, InvitationOver."""
    _open(invitation_id).withdrawn_at = db.utcnow()
    events.publish(TOPIC, "withdrawn", invitation=invitation_id)
    audit.record("staff.invitation_withdrawn", subject=("core.invitation", invitation_id))


def resend(invitation_id: UUID) -> Invitation:
    """Send it again with a new link, for another week; the old one is over. Raises LookupError, InvitationOver."""
    found = _open(invitation_id)
    audit.record("staff.invited_again", subject=("core.invitation", invitation_id))
    _send(found)
    return found


def _open(invitation_id: UUID) -> Invitation:
    found = db.get(Invitation, invitation_id)
    if found is None:
        raise LookupError("no such invitation in this practice")
    if found.state not in ("pending", "expired"):
        raise InvitationOver(found.state)
    return found


def _send(invitation: Invitation) -> None:
    token = tokens.new_token()
    invitation.token_hash = tokens.digest(token)
    invitation.expires_at = db.utcnow() + timedelta(days=DAYS)
    db.session().add(invitation)
    db.session().flush()
    events.publish(TOPIC, "sent", invitation=invitation.id)
    written = staff.write_to(
        invitation.email,
        staff.INVITATION,
        {
            "practice": tenancy.current().name,
            "name": invitation.name,
            "inviter": invitation.invited_by_name,
            "link": f"{settings.current().base_url}/join/{token}",
            "days": DAYS,
        },
    )
    if written is None:
        raise InvitationRefused(
            _("Nothing can be sent to %(email)s at the moment. Try again in an hour.", email=invitation.email)
        )


def names_of(given_names: str, family_name: str) -> tuple[str, str]:
    """Both as they are kept. Raises InvitationRefused."""
    given_names, family_name = " ".join(given_names.split()), " ".join(family_name.split())
    if not given_names or not family_name or max(len(given_names), len(family_name)) > 64:
        raise InvitationRefused(
            _("Enter the given names and the family name, with at most 64 characters each.")
        )
    return given_names, family_name


def address_of(email: str) -> str:
    """An e-mail address as it is kept. Raises InvitationRefused."""
    try:
        checked = validate_email(
            email.strip(), check_deliverability=False, test_environment=settings.current().is_open_house
        )
    except EmailNotValidError:
        raise InvitationRefused(
            _("This is not an e-mail address. Check it, for example name@example.com.")
        ) from None
    return checked.normalized.lower()


def _is_member(email: str) -> bool:
    query = (
        select(Membership.user_id)
        .join(User, User.id == Membership.user_id)
        .where(Membership.practice_id == db.practice_id(), func.lower(User.email) == email)
    )
    return db.session().scalar(query.limit(1)) is not None


# --- the guest's side ----------------------------------------------------------------------------------------------


def open_link(token: str) -> Opened:
    """What a link says; changes nothing. In read-only scopes of its own. Raises InvitationOver."""
    found = None
    if tokens.is_token(token):
        with db.scope(write=False, across_practices=True) as session:
            found = session.scalar(select(Invitation).where(Invitation.token_hash == tokens.digest(token)))
    if found is None:
        raise InvitationOver("unknown")
    if found.state != "pending":
        raise InvitationOver(found.state)
    with db.scope(found.practice_id, write=False) as session:
        practice = tenancy.current()
        if practice.status != "active":
            raise InvitationOver("unknown")
        return Opened(
            found.practice_id,
            found.id,
            practice.name,
            practice.slug,
            found.email,
            found.given_names,
            found.family_name,
            found.role,
            found.invited_by_name,
            session.scalar(select(User.id).where(func.lower(User.email) == found.email).limit(1)),
        )


def accept(opened: Opened, user_id: int) -> None:
    """Give this user the role, once; tell the administrators. In a writing scope of the practice.

    Raises InvitationOver when it was taken or withdrawn meanwhile.
    """
    session, now = db.session(), db.utcnow()
    taken = session.execute(
        update(Invitation)
        .where(Invitation.id == opened.id, Invitation.accepted_at.is_(None))
        .where(Invitation.withdrawn_at.is_(None), Invitation.expires_at > now)
        .values(accepted_at=now, user_id=user_id)
        .execution_options(synchronize_session=False)
    )
    if not taken.rowcount:  # type: ignore[attr-defined]
        raise InvitationOver("accepted")
    events.publish(TOPIC, "accepted", invitation=opened.id)
    user = session.get_one(User, user_id)
    users.add_membership(tenancy.current(), user, opened.role)
    with audit.use_actor(audit.Actor("staff", str(user_id), user.get_full_name())):
        audit.record(
            "staff.joined",
            subject=("core.invitation", opened.id),
            detail={"role": opened.role, "user_id": user_id},
        )
    inbox.notify(
        _l("%(name)s accepted the invitation", name=user.get_full_name()),
        url="/admin/staff",
        permission=PERMISSION,
        icon="user-check",
        key=f"invitation:{opened.id}",
    )


def new_user(opened: Opened, given_names: str, family_name: str, hashed: str) -> int:
    """The account of somebody who had none: they sign in with their e-mail address. In the current writing scope."""
    return int(users.store(_username(opened.email), opened.email, given_names, family_name, hashed).id)


def _username(email: str) -> str:
    return email if len(email) <= 64 else f"{email[:50]}-{db.uuid7().hex[-12:]}"
