"""The idle lock: locking, unlocking, and the page for whoever comes back to a locked browser."""

from __future__ import annotations

from typing import Any

from flask import jsonify, make_response, redirect, request
from flask_login import current_user

from core import audit, db, security
from core.errors import Refused
from core.i18n import _
from core.security import limits, passkeys, sessions, sign_in
from core.web.pages import render
from core.web.routes import CoreRoutes
from core.web.sent import json_object

routes = CoreRoutes("lock", __name__, prefix="/session")


@routes.get("/state", access="signed_in")
def state() -> Any:
    """Is it locked? Asked by pages that come to the front."""
    return jsonify(locked=sessions.is_locked())


@routes.post("/active", access="signed_in")
def active() -> Any:
    """Somebody is there: typing, or reading. Who was away for too long finds it locked: see core.web.locking."""
    sessions.touch()
    return "", 204


@routes.post("/lock", access="signed_in")
def lock() -> Any:
    """Lock this browser's session: nothing is answered until it is unlocked."""
    sessions.set_here(locked_at=db.utcnow())
    audit.record_platform("session.locked", subject=sign_in.subject_of(current_user.id))
    return "", 204


@routes.get("/locked", access="signed_in")
def page() -> Any:
    """The page to unlock, for a browser without the overlay."""
    if not sessions.is_locked():
        return redirect(security.safe_next(request.args.get("next")))
    return _page(security.safe_next(request.args.get("next")))


@routes.get("/unlocked", access="signed_in")
def unlocked() -> Any:
    """Where a browser tab ends that was opened to unlock the others: it tells them, and can be closed."""
    return render("account/unlocked.html")


@routes.post("/unlock", access="signed_in", scope="none")
def unlock() -> Any:
    """Unlock with the password or a passkey of the person who is signed in."""
    by_script = request.is_json
    sent: dict[str, Any] = json_object() if by_script else dict(request.form)
    target = security.safe_next(str(sent.get("next") or ""))
    wait = limits.is_exhausted(limits.SIGN_IN_BY_ADDRESS, limits.origin(request.remote_addr))
    if wait or not _is_it_you(sent):
        if not wait:
            limits.count(limits.SIGN_IN_BY_ADDRESS, limits.origin(request.remote_addr))
        words = (
            _("There were too many attempts from your network. Please wait ten minutes and try again.")
            if wait
            else _("That is not right. After several wrong attempts an account is paused for 15 minutes.")
        )
        if by_script:
            raise Refused(words, "wrong", status=422)
        return _page(target, words, status=422)
    with db.scope():
        sessions.unlock()
    return jsonify(unlocked=True) if by_script else redirect(target, 303)


def _is_it_you(sent: dict[str, Any]) -> bool:
    if (credential := sent.get("credential")) is None:
        return sign_in.confirms(current_user.id, str(sent.get("password") or ""))
    try:
        with db.scope():
            return passkeys.answer(credential) == current_user.id and sign_in.forgive(current_user.id)
    except passkeys.PasskeyRefused:
        return False


def _page(target: str, error: str | None = None, *, status: int = 200) -> Any:
    return make_response(render("account/locked.html", target=target, error=error), status)
