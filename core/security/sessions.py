"""Who is signed in where: a row per browser, so that signing out ends a copied cookie as well."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import has_request_context, request, session
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import db, realtime, tenancy
from core.security.models import Account, SignInSession

LIFETIME: Final = timedelta(hours=12)
_KEY: Final = "sign_in"
_KEPT: Final = ("language", "patient_language", "theme")


def begin(user_id: int) -> None:
    """Make this browser a signed-in one, with a new session: whatever it held before is gone (no fixation)."""
    with db.scope() as opened:
        row = SignInSession(
            user_id=user_id,
            expires_at=db.utcnow() + LIFETIME,
            address=request.remote_addr,
            browser=(request.user_agent.string or "")[:200],
        )
        opened.add(row)
        opened.flush()
        made = row.id
    kept = {key: session[key] for key in _KEPT if key in session}
    session.clear()
    session.update(kept)
    session[_KEY] = made.hex
    session["_user_id"] = str(user_id)
    session["_fresh"] = True
    session.permanent = True


def end() -> None:
    """Sign this browser out: its row, its sockets in every practice, its cookie. Call it in no writing scope."""
    made = _session_id()
    if made is not None:
        with db.scope() as opened:
            user_id = opened.scalar(select(SignInSession.user_id).where(SignInSession.id == made))
            _end_rows(SignInSession.id == made)
            practices = tenancy.practices_of(user_id) if user_id is not None else []
        for practice in practices:
            with db.scope(practice.id):
                realtime.end_session(made.hex)
    kept = {key: session[key] for key in _KEPT if key in session}
    session.clear()
    session.update(kept)


def end_all(user_id: int) -> None:
    """Sign a user out everywhere, in the current scope: after a change of password, or when they leave."""
    _end_rows(SignInSession.user_id == user_id)


def _end_rows(which: object) -> None:
    db.session().execute(
        update(SignInSession)
        .where(which, SignInSession.ended_at.is_(None))  # type: ignore[arg-type]
        .values(ended_at=db.utcnow())
        .execution_options(synchronize_session=False)
    )


def session_id() -> str:
    """What this browser proves at a socket's connection; empty when nobody is signed in."""
    return str(session.get(_KEY, "")) if has_request_context() else ""


def proven_by(opened: Mapping[str, Any] | None) -> str:
    """The same for a session that was read from a socket's cookies."""
    return str(opened.get(_KEY, "")) if opened is not None else ""


def _session_id() -> UUID | None:
    try:
        return UUID(hex=session_id())
    except ValueError:
        return None


def load_user(user_id: str) -> User | None:
    """The user of this browser's session while it lives, their account loaded with it. One query."""
    made = _session_id()
    if made is None or not user_id.isdigit():
        return None
    query = (
        select(User, Account)
        .join(SignInSession, SignInSession.user_id == User.id)
        .outerjoin(Account, Account.user_id == User.id)
        .where(SignInSession.id == made, SignInSession.user_id == int(user_id))
        .where(
            SignInSession.ended_at.is_(None), SignInSession.expires_at > db.utcnow(), User.active.is_(True)
        )
    )
    with _any_scope() as opened:
        found = opened.execute(query).first()
        if found is None:
            return None
        user: User = found[0]
        user.careroom_account = found[1]
        return user


def _any_scope() -> AbstractContextManager[Session]:
    """The request's scope, or one of our own where the view opens its scopes itself."""
    return nullcontext(db.session()) if db.in_scope() else db.scope(write=False)


def language_of(user: User) -> str | None:
    """The language that this user chose, or None."""
    account: Account | None = getattr(user, "careroom_account", None)
    return account.language if account is not None else None


def theme_of(user: User) -> str:
    """The appearance that this user chose: "light", "dark" or "system"."""
    account: Account | None = getattr(user, "careroom_account", None)
    return account.theme if account is not None else "system"
