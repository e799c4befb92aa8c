"""Signing in by password: one answer for every failure, and a pause after many of them.

The password is checked outside every scope: hashing takes a tenth of a second, and no transaction waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import NAMESPACE_OID, UUID, uuid5

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, or_, select, update
from werkzeug.security import check_password_hash, generate_password_hash

from core import audit, db
from core.audit import Actor
from core.security.models import Account
from core.security.users import MAX_PASSWORD, account_of

MAX_TRIES: Final = 10
PAUSE: Final = timedelta(minutes=15)

# Checked when there is no account to check against, so that both take the same time.
_NOBODYS_HASH: Final = generate_password_hash("nobody's password")


@dataclass(frozen=True, slots=True)
class _Candidate:
    user_id: int
    name: str
    password_hash: str
    may_try: bool


def authenticate(username: str, password: str) -> int | None:
    """The id of the user with this user name (or e-mail) and password; None for every kind of failure.

    Opens scopes of its own; call it in none that writes. Ten failures in a row pause the account for a quarter of
    an hour, during which the right password fails too. Every outcome is on the platform's audit trail.
    """
    candidate = _find(username.strip().lower())
    usable = candidate is not None and candidate.may_try
    stored = candidate.password_hash if candidate is not None and usable else _NOBODYS_HASH
    matches = check_password_hash(stored, password[: MAX_PASSWORD + 1]) and len(password) <= MAX_PASSWORD
    with db.scope():
        if candidate is None:
            audit.record_platform("sign_in.failed", detail={"account": "unknown"})
            return None
        if usable and matches and _forgive(candidate.user_id):
            with audit.use_actor(Actor("staff", str(candidate.user_id), candidate.name)):
                audit.record_platform("sign_in.succeeded", subject=subject_of(candidate.user_id))
            return candidate.user_id
        _count_failure(candidate)
    return None


def subject_of(user_id: int) -> tuple[str, UUID]:
    """How the trail names a user: their number, in the shape of a key."""
    return ("ab_user", uuid5(NAMESPACE_OID, f"careroom.user:{user_id}"))


def _find(name: str) -> _Candidate | None:
    if not name:
        return None
    with db.scope(write=False) as session:
        query = (
            select(User, Account)
            .outerjoin(Account, Account.user_id == User.id)
            .where(or_(func.lower(User.username) == name, func.lower(User.email) == name))
            # Somebody whose user name is another one's e-mail address: the user name counts.
            .order_by((func.lower(User.username) == name).desc())
            .limit(1)
        )
        found = session.execute(query).first()
        if found is None:
            return None
        user, account = found
        paused = account is not None and _is_paused(account)
        return _Candidate(
            user.id, user.get_full_name(), user.password or _NOBODYS_HASH, bool(user.active) and not paused
        )


def _is_paused(account: Account) -> bool:
    return account.locked_until is not None and account.locked_until > db.utcnow()


def _forgive(user_id: int) -> bool:
    """Give all tries back; False when others failed so often meanwhile that the account is paused by now."""
    account_of(user_id)
    forgiven = db.session().execute(
        update(Account)
        .where(Account.user_id == user_id)
        .where(or_(Account.locked_until.is_(None), Account.locked_until <= db.utcnow()))
        .values(failed_tries=0, locked_until=None)
        .execution_options(synchronize_session=False)
    )
    return bool(forgiven.rowcount)  # type: ignore[attr-defined]


def _count_failure(candidate: _Candidate) -> None:
    account = account_of(candidate.user_id)
    db.session().refresh(account, with_for_update=True)
    if account.locked_until is not None and not _is_paused(account):
        account.failed_tries, account.locked_until = 0, None
    account.failed_tries += 1
    if account.failed_tries == MAX_TRIES:
        account.locked_until = db.utcnow() + PAUSE
        audit.record_platform("sign_in.paused", subject=subject_of(candidate.user_id))
    audit.record_platform(
        "sign_in.failed",
        subject=subject_of(candidate.user_id),
        detail={"user_id": candidate.user_id, "tries": account.failed_tries},
    )
