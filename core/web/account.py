"""What a person does outside a practice: choose one, choose a language and an appearance."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, request, session, url_for
from flask_login import current_user

from core import i18n, security, tenancy
from core.security import sessions
from core.security.configuration import LIBRARY_ENDPOINTS
from core.web import coming_back, locking
from core.web.pages import render
from core.web.routes import Access, CoreRoutes, declare

THEMES = ("light", "dark", "system")
_PATIENT_PATHS = ("/l/", "/v/")

routes = CoreRoutes("account", __name__)


def declare_library_routes(app: Flask) -> None:
    """State the access of the endpoints that Flask-AppBuilder registered. They open their own scopes."""
    for endpoint in LIBRARY_ENDPOINTS:
        declare(app, endpoint, Access("public", scope="none"))


@routes.get("/", access="public")
def index() -> Any:
    """To the sign-in, to the only practice, or the choice of practices."""
    if not current_user.is_authenticated:
        return redirect(url_for("AuthDBView.login"))
    if (answer := locking.admit_person()) is not None:
        return answer
    practices = [
        practice for practice in tenancy.practices_of(current_user.id) if sessions.opens(practice.id)
    ]
    if len(practices) == 1:
        return redirect(f"/p/{practices[0].slug}/")
    if not practices and security.can("core.operate"):
        return redirect(url_for("operator.index"))
    i18n.set_language(security.language_of(current_user) or i18n.language())
    return render("sign_in/practices.html", practices=practices)


@routes.post("/preferences", access="public")
def preferences() -> Any:
    """Keep the ``language`` or ``theme`` that was pressed, and go back to the page ``next``.

    On a patient's page it is kept apart from that of staff who use the same browser.
    """
    target = security.safe_next(request.form.get("next"))
    language, theme = request.form.get("language"), request.form.get("theme")
    is_patient = target.startswith(_PATIENT_PATHS)
    if language in i18n.offered_languages():
        session["patient_language" if is_patient else "language"] = language
    if theme in THEMES and not is_patient:
        session["theme"] = theme
    if current_user.is_authenticated and not is_patient:
        account = security.account_of(current_user.id)
        account.language = session.get("language", account.language)
        account.theme = session.get("theme", account.theme)
    return coming_back.answer()
