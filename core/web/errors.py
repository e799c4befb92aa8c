"""Errors become answers here, and only here: a page for people, JSON for programs, nothing written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError

from core import db
from core.errors import Refused
from core.i18n import _
from core.links import LinkClosed
from core.web import denial, gate
from core.web import links as link_pages

log = structlog.get_logger(__name__)
PAGES = {400, 401, 403, 404, 405, 413, 429, 500, 503}


def install(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(LinkClosed, _link_closed)
    app.register_error_handler(Exception, _unexpected)


def wants_json() -> bool:
    """Does the caller want JSON rather than a page?"""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _undo() -> None:
    g.refused = True
    if db.in_scope():
        db.rollback()


def _http(error: HTTPException) -> Any:
    if error.response is not None or (error.code or 500) < 400:
        return error
    _undo()
    # What goes wrong in the commit after the view comes wrapped by Flask.
    if db.is_out_of_space(getattr(error, "original_exception", None) or error):
        return _full()
    message = None
    if error.code == 413:  # for scripts, too: they have no page of ours to show
        message = _("What you sent is larger than we can take. Send less at a time, or smaller files.")
    return answer(error.code or 500, message=message, retry_after=getattr(error, "retry_after", None))


def _refused(error: Refused) -> Any:
    _undo()
    return answer(error.status, message=error.message, code=error.code)


def _link_closed(error: LinkClosed) -> Any:
    _undo()
    return link_pages.closed_page(error)


def _unexpected(error: Exception) -> Any:
    _undo()
    if db.is_out_of_space(error):
        return _full()
    # The message of an exception may quote data: only its type and place are logged.
    log.error("request_failed", endpoint=request.endpoint, error=type(error).__name__, exc_info=error)
    return answer(InternalServerError.code)


def _full() -> Response:
    """The disk of the database is full: nothing was kept, and the person can try again."""
    log.error("database_full", endpoint=request.endpoint)
    return answer(503, message=_("Nothing can be stored at the moment. Please try again in a few minutes."))


def _page(status: int, message: str | None, *, in_workplace: bool = False) -> str:
    name = str(status) if status in PAGES else "400"
    denied = denial.of(g.get("lacking")) if status == 403 else None
    return render_template(
        f"errors/{name}.html", message=message, status=status, denied=denied, in_workplace=in_workplace
    )


def _in_workplace(status: int, message: str | None) -> str | None:
    """What is not here or not allowed, among the menus of somebody who works here; None for everybody else.

    Whether a practice or a record exists cannot be told from it: strangers to a practice get the plain page for any
    address below it, and its members get this one for whatever they ask for in vain.
    """
    is_part = "X-Panel" in request.headers or "X-Fragment" in request.headers
    if status not in (403, 404) or is_part or request.path.startswith("/static/"):
        return None
    try:
        with _reading():
            return _page(status, message, in_workplace=True) if gate.is_at_work() else None
    except Exception as error:  # this page must never be the one that fails
        log.error("error_page_failed", endpoint=request.endpoint, error=type(error).__name__, exc_info=error)
        return None


@contextmanager
def _reading() -> Iterator[None]:
    """A scope to read in, of the practice that the person was let in to: the request's own, where it is open."""
    practice_id = g.get("practice_id")
    if db.in_scope() and (practice_id is None or db.has_practice()):
        yield
    else:
        with db.scope(practice_id, write=False):
            yield


def answer(
    status: int, message: str | None = None, code: str | None = None, retry_after: Any = None
) -> Response:
    """The error page (or JSON) for a status; ``message`` replaces the page's own words."""
    if wants_json():
        with _reading():
            denied = denial.of(g.get("lacking")) if status == 403 else None
        said = message or (denied.sentence if denied is not None else "")
        response = jsonify(error={"code": code or str(status), "message": said})
    else:
        response = make_response(_in_workplace(status, message) or _page(status, message))
    response.status_code = status
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
