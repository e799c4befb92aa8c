"""A forgotten password: a link by e-mail, good once and for an hour. Whether the address is known, nobody learns."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update

from core import audit, db, settings
from core.links import tokens
from core.notifications import staff
from core.security import credentials, letters, limits, passwords, sign_in
from core.security.models import PasswordReset

MINUTES: Final = 60


class LinkIsOver(LookupError):
    """The link was used, is too old, or never was."""


def ask(name: str) -> None:
    """Write to the person with this user name or e-mail address, if there is one. Opens a scope of its own."""
    with db.scope() as session:
        user_id = sign_in.find_user_id(name)
        user = session.get(User, user_id) if user_id is not None else None
        if user is None or not user.active:
            audit.record_platform("password.reset_asked", detail={"account": "unknown"})
            return
        if not limits.count(limits.RESET_BY_ACCOUNT, str(user.id)):
            return
        token = tokens.new_token()
        session.add(
            PasswordReset(
                user_id=user.id,
                token_hash=tokens.digest(token),
                expires_at=db.utcnow() + timedelta(minutes=MINUTES),
            )
        )
        audit.record_platform("password.reset_asked", subject=sign_in.subject_of(user.id))
        link = f"{settings.current().base_url}/new-password/{token}"
        letters.write(user.id, staff.PASSWORD_RESET, link=link, minutes=MINUTES)


def owner_of(token: str) -> int | None:
    """Whose open link this is; None when it is over. In a read-only scope of its own; changes nothing."""
    if not tokens.is_token(token):
        return None
    with db.scope(write=False) as session:
        return session.scalar(
            select(PasswordReset.user_id)
            .join(User, User.id == PasswordReset.user_id)
            .where(PasswordReset.token_hash == tokens.digest(token), PasswordReset.used_at.is_(None))
            .where(PasswordReset.expires_at > db.utcnow(), User.active.is_(True))
        )


def use(token: str, password: str) -> int:
    """Set the new password; whose it is. Opens scopes of its own. Raises LinkIsOver, passwords.WeakPassword."""
    user_id = owner_of(token)
    if user_id is None:
        raise LinkIsOver
    credentials.judge(user_id, password)
    hashed = passwords.hash_of(password)
    with db.scope() as session:
        taken = session.execute(
            update(PasswordReset)
            .where(PasswordReset.token_hash == tokens.digest(token), PasswordReset.used_at.is_(None))
            .where(PasswordReset.expires_at > db.utcnow())
            .values(used_at=db.utcnow())
            .execution_options(synchronize_session=False)
        )
        if not taken.rowcount:  # type: ignore[attr-defined]
            raise LinkIsOver  # another window was quicker
        credentials.put(user_id, hashed, by="reset")
        # Whoever reads the mail is the person: a pause that somebody else caused need not keep them out.
        sign_in.forgive_pause(user_id)
    return user_id
