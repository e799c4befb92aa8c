"""Protection against forged requests: a token in every form, and the browser's own word on where it came from.

A form whose token has gone stale (the session ended, or somebody signed in meanwhile in another tab) is not thrown
away: the page that answers holds everything that was typed, ready to be sent again. It does so only when the
browser says that the form came from this site; a forged one gets nothing to press.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from markupsafe import Markup

from core import db
from core.i18n import _
from core.security import safe_next

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
# Never shown again, whatever form they were in.
_SECRET_FIELDS = frozenset({"csrf_token", "password", "new_password", "code"})
_MOST_KEPT = 100_000  # characters

csrf = CSRFProtect()


def install(app: Flask) -> None:
    """Check every unsafe request of this app, and give templates ``csrf_field`` and ``csrf_token``."""
    app.before_request(_refuse_other_sites)
    csrf.init_app(app)
    # Signed by the provider, who has neither session nor cookie.
    csrf.exempt("core.web.providers.twilio_status")
    csrf.exempt("core.web.providers.twilio_inbound")
    # A clinical system's form comes from its own site: see there why it may.
    csrf.exempt("core.web.launch.hand_over")
    app.jinja_env.globals["csrf_field"] = csrf_field
    app.register_error_handler(CSRFError, _stale)


def csrf_field() -> Markup:
    """The hidden field that every form posts."""
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def _came_from_here() -> bool | None:
    """Did a page of this site send the request? None when the browser does not say."""
    said = request.headers.get("Sec-Fetch-Site")
    if said is not None:
        return said in ("same-origin", "none")
    origin = request.headers.get("Origin")
    if origin is None or origin == "null":  # pages that send no referrer send "null" as well
        return None
    return urlsplit(origin).netloc == request.host


def _refuse_other_sites() -> None:
    if request.method in SAFE_METHODS or _came_from_here() is not False or csrf._is_exempt():
        return
    raise CSRFError("The request came from another site.")


def _stale(error: CSRFError) -> Response:
    g.refused = True
    if db.in_scope():
        db.rollback()
    if request.headers.get("X-Requested-With") or "X-CSRFToken" in request.headers or not _is_form():
        message = _("This page was open for too long. Please load it again.")
        response = jsonify(error={"code": "stale_page", "message": message})
    else:
        # Asked for afresh: the one that was checked is spoilt.
        for key in ("csrf_token", "csrf_valid"):
            g.pop(key, None)
        kept = typed() if _came_from_here() else None
        action = request.full_path.rstrip("?") if kept is not None else page_of_the_form()
        patient = request.path.startswith(("/l/", "/v/"))
        response = make_response(
            render_template("errors/stale_form.html", kept=kept, action=action, patient=patient)
        )
    response.status_code = error.code or 400
    return response


def page_of_the_form() -> str:
    """Where the form was, to load it again: an address that only takes forms could not be opened."""
    referrer = urlsplit(request.referrer or "")
    asked = f"?{referrer.query}" if referrer.query else ""
    return safe_next(referrer.path + asked) if referrer.netloc == request.host else "/"


def is_by_script() -> bool:
    """Did a script or a program send this request, which reads a short answer, and not a person's link or form?"""
    said = ("X-Panel", "X-Fragment", "X-CSRFToken", "X-Requested-With")
    wanted = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return any(name in request.headers for name in said) or wanted == "application/json"


def _is_form() -> bool:
    return request.mimetype in ("application/x-www-form-urlencoded", "multipart/form-data")


def typed() -> list[tuple[str, str]] | None:
    """The fields to send again; None when they cannot all be kept (files, or too much)."""
    if request.files:
        return None
    fields: list[tuple[str, str]] = [
        (name, value)
        for name, values in request.form.lists()
        for value in values
        if name not in _SECRET_FIELDS
    ]
    return fields if sum(len(name) + len(value) for name, value in fields) <= _MOST_KEPT else None
