"""Signing in by password: one answer for every failure, and a pause after many of them.

The password is checked outside every scope: hashing takes a tenth of a second, and no transaction waits for it.
Whoever has a second factor is not in yet after it, and gets their tries back only when both were right: else the
password would buy ten guesses at the code again and again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal
from uuid import NAMESPACE_OID, UUID, uuid5

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Select, func, or_, select, update

from core import audit, db
from core.audit import Actor
from core.notifications import staff
from core.security import letters, passwords
from core.security.models import Account, Passkey
from core.security.passwords import MAX_PASSWORD
from core.security.users import account_of

MAX_TRIES: Final = 10
PAUSE: Final = timedelta(minutes=15)

# Checked when there is no account to check against, so that both take the same time.
_NOBODYS_HASH: Final = passwords.hash_of(secrets.token_urlsafe())

Step = Literal["password", "totp", "recovery", "passkey", "oidc"]


@dataclass(frozen=True, slots=True)
class Recognised:
    """Whose password it was. ``needs``: what else they show before they are in ("totp", "passkey"); none: they are."""

    user_id: int
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Candidate:
    user_id: int
    name: str
    password_hash: str
    may_try: bool
    needs: frozenset[str]


def recognise(username: str, password: str) -> Recognised | None:
    """The user with this user name (or e-mail) and password; None for every kind of failure.

    Opens scopes of its own; call it in none that writes. Ten failures in a row pause the account for a quarter of
    an hour, during which the right password fails too. Every outcome is on the platform's audit trail. A hash that is
    kept in an old way is replaced.
    """
    candidate = _find(username.strip().lower())
    usable = candidate is not None and candidate.may_try
    stored = candidate.password_hash if candidate is not None and usable else _NOBODYS_HASH
    matches = passwords.matches(stored, password[: MAX_PASSWORD + 1]) and len(password) <= MAX_PASSWORD
    right = candidate is not None and usable and matches
    renewed = passwords.hash_of(password) if right and passwords.is_outdated(stored) else None
    with db.scope():
        if candidate is None:
            audit.record_platform("sign_in.failed", detail={"account": "unknown"})
            return None
        if not right or not _let_through(candidate):
            _count_failure(candidate.user_id, "password")
            return None
        if renewed is not None:
            _renew(candidate.user_id, stored, renewed)
        with audit.use_actor(Actor("staff", str(candidate.user_id), candidate.name)):
            audit.record_platform(
                "sign_in.password_right" if candidate.needs else "sign_in.succeeded",
                subject=subject_of(candidate.user_id),
            )
        return Recognised(candidate.user_id, candidate.needs)


def authenticate(username: str, password: str) -> int | None:
    """The id of the user whom this password alone lets in; None also for those who have a second factor."""
    found = recognise(username, password)
    return found.user_id if found is not None and not found.needs else None


def confirms(user_id: int, password: str) -> bool:
    """Is this the password of somebody who is signed in? Failures count as at the sign-in. Opens scopes of its own."""
    candidate = _of(user_id)
    if candidate is None:
        return False
    matches = passwords.matches(candidate.password_hash, password[: MAX_PASSWORD + 1])
    if candidate.may_try and matches and len(password) <= MAX_PASSWORD:
        return True
    with db.scope():
        _count_failure(user_id, "password")
    return False


def may_try(user_id: int) -> bool:
    """Is this account there, active, and not paused?"""
    candidate = _of(user_id)
    return candidate is not None and candidate.may_try


def succeeded(user_id: int, step: Step) -> bool:
    """Note, in the current scope, that a second step or a passkey was right; False when the account is paused."""
    user = db.session().get(User, user_id)
    if user is None or not user.active or not forgive(user_id):
        return False
    with audit.use_actor(Actor("staff", str(user_id), user.get_full_name())):
        audit.record_platform("sign_in.succeeded", subject=subject_of(user_id), detail={"by": step})
    return True


def note(user: User, action: str) -> None:
    """Put what became of a session ("session.locked", "session.signed_out") on the trail, as this user's doing."""
    with audit.use_actor(Actor("staff", str(user.id), user.get_full_name())):
        audit.record_platform(action, subject=subject_of(user.id))


def failed(user_id: int, step: Step) -> None:
    """Count, in the current scope, a second step that was wrong."""
    _count_failure(user_id, step)


def subject_of(user_id: int) -> tuple[str, UUID]:
    """How the trail names a user: their number, in the shape of a key."""
    return ("ab_user", uuid5(NAMESPACE_OID, f"careroom.user:{user_id}"))


def find_user_id(name: str) -> int | None:
    """The user with this user name or e-mail address, in the current scope."""
    wanted = name.strip().lower()
    return db.session().scalar(_named(wanted)) if wanted else None


def _named(name: str) -> Select[int]:
    return (
        select(User.id)
        .where(or_(func.lower(User.username) == name, func.lower(User.email) == name))
        # Somebody whose user name is another one's e-mail address: the user name counts.
        .order_by((func.lower(User.username) == name).desc())
        .limit(1)
    )


def _find(name: str) -> _Candidate | None:
    if not name:
        return None
    with db.scope(write=False) as session:
        user_id = session.scalar(_named(name))
    return None if user_id is None else _of(user_id)


def _of(user_id: int) -> _Candidate | None:
    has_passkey = select(Passkey.id).where(Passkey.user_id == User.id).exists()
    with db.scope(write=False) as session:
        found = session.execute(
            select(User, Account, has_passkey)
            .outerjoin(Account, Account.user_id == User.id)
            .where(User.id == user_id)
        ).first()
        if found is None:
            return None
        user, account, has_passkeys = found
        paused = account is not None and _is_paused(account)
        needs = set()
        if account is not None and account.totp_since is not None:
            needs.add("totp")
        if has_passkeys:
            needs.add("passkey")
        return _Candidate(
            user.id,
            user.get_full_name(),
            user.password or _NOBODYS_HASH,
            bool(user.active and user.password) and not paused,
            frozenset(needs),
        )


def _is_paused(account: Account) -> bool:
    return account.locked_until is not None and account.locked_until > db.utcnow()


def _let_through(candidate: _Candidate) -> bool:
    """Others may have failed so often meanwhile that the account is paused by now."""
    if not candidate.needs:
        return forgive(candidate.user_id)
    return not _is_paused(account_of(candidate.user_id))


def forgive(user_id: int) -> bool:
    """Give all tries back; False when the account is paused."""
    account_of(user_id)
    forgiven = db.session().execute(
        update(Account)
        .where(Account.user_id == user_id)
        .where(or_(Account.locked_until.is_(None), Account.locked_until <= db.utcnow()))
        .values(failed_tries=0, locked_until=None)
        .execution_options(synchronize_session=False)
    )
    return bool(forgiven.rowcount)  # type: ignore[attr-defined]


def forgive_pause(user_id: int) -> None:
    """End a pause, in the current scope: the person has shown by other means who they are."""
    account = account_of(user_id)
    account.failed_tries, account.locked_until = 0, None


def _renew(user_id: int, stored: str, renewed: str) -> None:
    """Keep the password in today's way, unless it was changed meanwhile."""
    db.session().execute(
        update(User)
        .where(User.id == user_id, User.password == stored)
        .values(password=renewed)
        .execution_options(synchronize_session=False)
    )


def _count_failure(user_id: int, step: Step) -> None:
    account = account_of(user_id)
    db.session().refresh(account, with_for_update=True)
    if account.locked_until is not None and not _is_paused(account):
        account.failed_tries, account.locked_until = 0, None
    account.failed_tries += 1
    tries = account.failed_tries
    detail: dict[str, object] = {"user_id": user_id, "tries": tries}
    if step != "password":
        detail["by"] = step
    if tries == MAX_TRIES:
        account.locked_until = db.utcnow() + PAUSE
        audit.record_platform("sign_in.paused", subject=subject_of(user_id))
        letters.write(user_id, staff.SIGN_IN_PAUSED)
    audit.record_platform("sign_in.failed", subject=subject_of(user_id), detail=detail)
