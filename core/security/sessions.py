"""Who is signed in where: a row per browser, so that signing out ends a copied cookie as well."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from flask import has_request_context, request, session
from flask_appbuilder.security.sqla.models import Role, User
from flask_login import current_user
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from core import audit, db, realtime, tenancy
from core.security import devices
from core.security.models import Account, SignInSession
from core.security.sign_in import subject_of

LIFETIME: Final = timedelta(hours=12)
PROVEN_FOR: Final = timedelta(minutes=15)
NO_FACTOR: Final = ("password", "recovery")
"""Ways of signing in that showed no factor that the person has today: a recovery code counts while there are codes."""
_TOUCH: Final = timedelta(minutes=1)
_KEY: Final = "sign_in"
_KEPT: Final = ("language", "patient_language", "theme")


@dataclass(frozen=True, slots=True)
class Seen:
    """A session as its owner sees it in the list. device: in words; is_here: the one that asks."""

    id: UUID
    device: str
    started_at: datetime
    seen_at: datetime
    is_here: bool
    is_locked: bool


def begin(user_id: int, method: str = "password", *, only_practice: UUID | None = None) -> None:
    """Make this browser a signed-in one, with a new session: whatever it held before is gone (no fixation).

    method, only_practice: see SignInSession. Call it in no writing scope.
    """
    with db.scope() as opened:
        if (before := _session_id()) is not None:
            _end_rows(SignInSession.id == before)
        row = SignInSession(
            user_id=user_id,
            expires_at=db.utcnow() + LIFETIME,
            address=request.remote_addr,
            browser=(request.user_agent.string or "")[:200],
            method=method,
            only_practice=only_practice,
            # That somebody is signed in at a practice's provider is not yet that they were asked again: see unlock.
            proven_at=None if only_practice is not None else db.utcnow(),
        )
        opened.add(row)
        opened.flush()
        made = row.id
        devices.recognise(user_id)
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
        with db.scope():
            _end_rows(SignInSession.id == made)
    kept = {key: session[key] for key in _KEPT if key in session}
    session.clear()
    session.update(kept)


def end_all(user_id: int, *, but_this: bool = False) -> int:
    """Sign a user out everywhere, sockets too, in the current scope: after a change of password, or when they leave.

    but_this: the browser that asks stays in. Answers how many were ended.
    """
    which = (SignInSession.user_id == user_id) & (SignInSession.expires_at > db.utcnow())
    here = _session_id()
    if but_this and here is not None:
        which &= SignInSession.id != here
    return _end_rows(which)


def end_one(user_id: int, session_id: UUID) -> bool:
    """Sign one browser of a user out, in the current scope; False when it is not theirs or is out already."""
    return bool(_end_rows((SignInSession.id == session_id) & (SignInSession.user_id == user_id)))


def end_without_factor(user_id: int) -> int:
    """End a user's other sessions that showed no second factor, in the current scope: they have one from now on."""
    which = (SignInSession.user_id == user_id) & (SignInSession.expires_at > db.utcnow())
    return _end_rows(which & SignInSession.method.in_(NO_FACTOR) & (SignInSession.id != _session_id()))


def end_of_provider(practice_id: UUID, user_id: int | None = None) -> int:
    """End what a practice's provider has opened, of one user or of all, in the current scope; not this browser, whose
    person does it. Answers how many were ended.
    """
    which = (SignInSession.only_practice == practice_id) & (SignInSession.expires_at > db.utcnow())
    if user_id is not None:
        which &= SignInSession.user_id == user_id
    here = _session_id()
    if here is not None:
        which &= SignInSession.id != here
    return _end_rows(which)


def of_user(user_id: int) -> list[Seen]:
    """Where a user is signed in, this browser first, then by when they were last seen."""
    here = _session_id()
    rows = db.session().scalars(
        select(SignInSession)
        .where(SignInSession.user_id == user_id, SignInSession.ended_at.is_(None))
        .where(SignInSession.expires_at > db.utcnow())
    )
    seen = [
        Seen(
            id=row.id,
            device=str(devices.in_words(row.browser)),
            started_at=row.started_at,
            seen_at=row.last_seen_at or row.started_at,
            is_here=row.id == here,
            is_locked=row.locked_at is not None,
        )
        for row in rows
    ]
    return sorted(seen, key=lambda one: (one.is_here, one.seen_at), reverse=True)


def _end_rows(which: ColumnElement[bool]) -> int:
    ended = db.session().execute(
        update(SignInSession)
        .where(which, SignInSession.ended_at.is_(None))
        .values(ended_at=db.utcnow())
        .returning(SignInSession.id, SignInSession.user_id)
        .execution_options(synchronize_session=False)
    )
    rows = ended.all()
    names: dict[int, list[str]] = {}
    for made, user_id in rows:
        names.setdefault(user_id, []).append(made.hex)
    for user_id, ids in names.items():
        _close_sockets(user_id, ids)
    return len(rows)


def _close_sockets(user_id: int, names: list[str]) -> None:
    """Whoever is signed out hears nothing more, in no practice: here with this transaction, elsewhere after it."""
    # Somebody who was removed from this practice belongs to it no longer, and their sockets are open still.
    here = db.practice_id() if db.has_practice() else None
    if here is not None:
        for name in names:
            realtime.end_session(name)
    for practice in tenancy.practices_of(user_id):
        if practice.id != here:
            db.after_commit(partial(_close_sockets_in, practice.id, names))


def _close_sockets_in(practice_id: UUID, names: list[str]) -> None:
    with db.scope(practice_id):
        for name in names:
            realtime.end_session(name)


# --- this browser's session ------------------------------------------------------------------------------------------


def current() -> SignInSession | None:
    """The row of this browser's session, as it was read with the user."""
    return getattr(current_user, "careroom_session", None) if has_request_context() else None


def set_here(**values: object) -> None:
    """Change this browser's session row, in the current writing scope."""
    made = _session_id()
    db.session().execute(
        update(SignInSession)
        .where(SignInSession.id == made)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if (row := current()) is not None:
        for name, value in values.items():
            set_committed_value(row, name, value)


def is_proven(practice_id: UUID | None = None) -> bool:
    """Has this person shown within the last quarter of an hour who they are? What changes the sign-in asks for it.

    practice_id: where it is asked; what they showed to a practice's provider counts in that practice alone.
    """
    row = current()
    if row is None or row.only_practice not in (None, practice_id):
        return False
    return row.proven_at is not None and row.proven_at > db.utcnow() - PROVEN_FOR


def is_idle(minutes: int) -> bool:
    """Has nothing been done in this browser for so long? 0: never."""
    row = current()
    seen = row.last_seen_at if row is not None else None
    return minutes > 0 and seen is not None and seen < db.utcnow() - timedelta(minutes=minutes)


def opens(practice_id: UUID) -> bool:
    """Is this browser's session good for a practice? One that a practice's provider made is for that one alone."""
    row = current()
    return row is None or row.only_practice in (None, practice_id)


def is_partial() -> bool:
    """Did a practice's provider make this browser's session? It opens that practice: no account, no platform."""
    row = current()
    return row is not None and row.only_practice is not None


def is_operator() -> bool:
    """Is this person the platform's operator, in a session that opens the console? Asks the database nothing."""
    return not is_partial() and bool(getattr(current_user, "careroom_operator", False))


def is_locked() -> bool:
    """Is this browser's session locked, so that nothing is answered?"""
    row = current()
    return row is not None and row.locked_at is not None


def unlock() -> None:
    """Somebody has shown again who they are: this browser answers again. In the current writing scope, on the trail."""
    now = db.utcnow()
    row = current()
    was_locked = is_locked()
    set_here(locked_at=None, last_seen_at=now, proven_at=now)
    if row is not None and was_locked:
        audit.record_platform("session.unlocked", subject=subject_of(row.user_id))


def touch() -> None:
    """Note that the person does something here, once a minute at most. In any scope but one that wrote already."""
    row = current()
    if row is None or (row.last_seen_at is not None and row.last_seen_at > db.utcnow() - _TOUCH):
        return
    with nullcontext() if db.in_scope() and db.is_write() else db.scope():
        set_here(last_seen_at=db.utcnow())


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
        select(User, Account, SignInSession, User.roles.any(Role.name == tenancy.OPERATOR))
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
        user.careroom_session = found[2]
        user.careroom_operator = found[3]
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
