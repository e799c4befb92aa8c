"""Who works in a practice: the list, the roles they have, and their leaving."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import delete, func, select

from core import audit, db
from core.i18n import _, _l
from core.security import roles, sessions
from core.security.models import Account, Passkey, SignInSession
from core.security.roles import RoleRefused
from core.tenancy import Membership

audit.describe(
    {
        "staff.roles_changed": _l("Roles of somebody changed"),
        "staff.removed": _l("Somebody removed from the practice"),
    }
)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who works in the current practice. seen_at: their last sign-in, wherever it was."""

    user_id: int
    name: str
    email: str
    roles: tuple[str, ...]
    since: datetime
    seen_at: datetime | None
    has_second_factor: bool
    is_locked: bool


def everybody() -> list[Member]:
    """All who have a role in the current practice, by family name. Three queries, however many they are."""
    session, here = db.session(), Membership.practice_id == db.practice_id()
    held: dict[int, list[Membership]] = {}
    for row in session.scalars(select(Membership).where(here)):
        held.setdefault(row.user_id, []).append(row)
    passkeys = select(Passkey.user_id, func.count().label("number")).group_by(Passkey.user_id).subquery()
    found = session.execute(
        select(User, Account, passkeys.c.number)
        .outerjoin(Account, Account.user_id == User.id)
        .outerjoin(passkeys, passkeys.c.user_id == User.id)
        .where(User.id.in_(select(Membership.user_id).where(here)))
        .order_by(func.lower(User.last_name), func.lower(User.first_name), User.id)
    ).unique()
    signed_in = (
        select(SignInSession.user_id, func.max(SignInSession.started_at))
        .where(SignInSession.user_id.in_(select(Membership.user_id).where(here)))
        .group_by(SignInSession.user_id)
    )
    seen = dict(session.execute(signed_in).all())
    order = list(roles.titles())
    return [
        Member(
            user_id=user.id,
            name=user.get_full_name().strip() or user.username,
            email=user.email,
            roles=tuple(sorted((row.role for row in held[user.id]), key=lambda key: _place(key, order))),
            since=min(row.created_at for row in held[user.id]),
            seen_at=seen.get(user.id),
            has_second_factor=bool(number) or (account is not None and account.totp_since is not None),
            is_locked=account is not None
            and account.locked_until is not None
            and account.locked_until > db.utcnow(),
        )
        for user, account, number in found
    ]


def get(user_id: int) -> Member:
    """One of them. Raises LookupError, also for somebody who works elsewhere only."""
    found = next((member for member in everybody() if member.user_id == user_id), None)
    if found is None:
        raise LookupError("nobody of this number works in this practice")
    return found


def set_roles(user_id: int, wanted: Iterable[str]) -> None:
    """Give somebody these roles and no others; they sign in anew. Raises LookupError, RoleRefused."""
    member, asked = get(user_id), [key for key in dict.fromkeys(wanted) if roles.is_known(key)]
    if not asked:
        raise RoleRefused("roles", _("Choose at least one role, or remove the person."))
    if set(asked) == set(member.roles):
        return
    managing = set(roles.holders_of(roles.MANAGE_STAFF))
    if managing & set(member.roles) and not managing & set(asked):
        roles.keep_a_manager(without_user=user_id)
    session = db.session()
    _leave(user_id, [key for key in member.roles if key not in asked])
    for key in asked:
        if key not in member.roles:
            session.add(Membership(practice_id=db.practice_id(), user_id=user_id, role=key))
    session.flush()
    _end_sessions(user_id)
    audit.record(
        "staff.roles_changed",
        detail={
            "user_id": str(user_id),
            "name": member.name,
            "before": _in_words(member.roles),
            "roles": _in_words(asked),
        },
    )


def remove(user_id: int) -> None:
    """Somebody works here no longer: every role goes, they are signed out. Raises LookupError, RoleRefused.

    Their account stays: what they did is on the trail in their name, and other practices may employ them.
    """
    member = get(user_id)
    if set(roles.holders_of(roles.MANAGE_STAFF)) & set(member.roles):
        roles.keep_a_manager(without_user=user_id)
    _leave(user_id, list(member.roles))
    _end_sessions(user_id)
    audit.record(
        "staff.removed",
        detail={"user_id": str(user_id), "name": member.name, "roles": _in_words(member.roles)},
    )


def _leave(user_id: int, keys: list[str]) -> None:
    db.session().execute(
        delete(Membership)
        .where(Membership.practice_id == db.practice_id(), Membership.user_id == user_id)
        .where(Membership.role.in_(keys))
        .execution_options(synchronize_session="fetch")
    )


def _end_sessions(user_id: int) -> None:
    # Whoever changes their own role goes on working at this browser.
    sessions.end_all(user_id, but_this=audit.actor().id == str(user_id))


def _in_words(keys: Iterable[str]) -> str:
    known = roles.titles()
    return ", ".join(known.get(key, key) for key in keys)


def _place(key: str, order: list[str]) -> int:
    return order.index(key) if key in order else len(order)
