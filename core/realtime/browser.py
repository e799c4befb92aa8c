"""The browser's side of tickets in Flask: the session's id, what a socket's cookies prove, and renewal."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from flask import Flask, request, session
from flask.typing import ResponseReturnValue

from core.realtime import tickets

_KEY = "bus"


def session_id() -> str:
    """The random id of this browser's session, made at first use. Sign-out clears it with the session."""
    if _KEY not in session:
        session[_KEY] = secrets.token_urlsafe(18)
    return str(session[_KEY])


def known_session_id() -> str | None:
    """The same without making one: to end the sockets at sign-out (``realtime.end_session``)."""
    found = session.get(_KEY)
    return str(found) if found else None


def session_credentials(app: Flask) -> Callable[[dict[str, Any]], frozenset[str]]:
    """Credentials for ``create_socketio``: the id in the signed session cookie, if there is one."""

    def credentials(environ: dict[str, Any]) -> frozenset[str]:
        opened = app.session_interface.open_session(app, app.request_class(environ))
        found = opened.get(_KEY) if opened is not None else None
        return frozenset([str(found)]) if found else frozenset()

    return credentials


def renewed(
    *,
    actor_kind: str,
    actor_id: str,
    session_id: str,
    grant: str = "",
    may_hear: Callable[[str], bool] = tickets.every_owner,
) -> ResponseReturnValue:
    """The answer to a page that posts ``{"ticket": old}``: ``{"ticket": new}``, or 403 and a reason."""
    said = request.get_json(silent=True)
    token = said.get("ticket") if isinstance(said, dict) else None
    try:
        if not isinstance(token, str):
            raise tickets.TicketForged
        new = tickets.renew(
            token, actor_kind=actor_kind, actor_id=actor_id, session_id=session_id, grant=grant,
            may_hear=may_hear,
        )  # fmt: skip
    except tickets.TicketRefused as refusal:
        return {"reason": refusal.reason}, 403
    return {"ticket": new}
