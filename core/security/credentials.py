"""Changing a password, from wherever: judged, kept, told, and every other browser signed out."""

from __future__ import annotations

from typing import Literal

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import update

from core import audit, db, tenancy
from core.security import letters, passwords, sessions
from core.security.models import PasswordReset
from core.security.sign_in import subject_of
from core.security.users import account_of


def judge(user_id: int, password: str) -> None:
    """Is this a password for this user? In a read-only scope of its own. Raises passwords.WeakPassword."""
    with db.scope(write=False) as session:
        user = session.get_one(User, user_id)
        practices = [practice.name for practice in tenancy.practices_of(user_id)]
        about = (user.username, user.email, user.first_name, user.last_name, *practices)
    passwords.check(password, about=about)


def put(user_id: int, hashed: str, *, by: Literal["person", "reset"]) -> None:
    """Keep a new password's hash, in the current writing scope. Links for another one stop working."""
    session, now = db.session(), db.utcnow()
    session.get_one(User, user_id).password = hashed
    account_of(user_id).password_changed_at = now
    session.execute(
        update(PasswordReset)
        .where(PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None))
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    sessions.end_all(user_id, but_this=by == "person")
    audit.record_platform("password.changed", subject=subject_of(user_id), detail={"by": by})
    letters.tell_change(user_id, letters.PASSWORD_CHANGED)
