"""Flask's and its extensions' settings, and Flask-AppBuilder put in its place."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_appbuilder.const import AUTH_DB
from werkzeug.local import LocalProxy

from core import db
from core.security.manager import CareroomAppBuilder
from core.security.sessions import LIFETIME
from core.settings import Settings

# Endpoints that Flask-AppBuilder registers; the web room declares who may use them.
LIBRARY_ENDPOINTS = ("AuthDBView.login", "AuthDBView.logout")


def cookie_name(settings: Settings, name: str) -> str:
    """With HTTPS the browser itself refuses this cookie from another host or without Secure (__Host-)."""
    return f"__Host-careroom_{name}" if settings.is_https else f"careroom_{name}"


def flask_config(settings: Settings) -> dict[str, Any]:
    """The configuration of the Flask application."""
    return {
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "SESSION_COOKIE_NAME": cookie_name(settings, "session"),
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "PERMANENT_SESSION_LIFETIME": LIFETIME,
        "SESSION_REFRESH_EACH_REQUEST": False,
        # What comes at once, whatever it is; nginx has the same limit. A form's body is read before its view is asked.
        "MAX_CONTENT_LENGTH": 17 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 500_000,
        "MAX_FORM_PARTS": 1_000,
        "WTF_CSRF_TIME_LIMIT": None,  # as long as the session that it is bound to
        # Our pages send no referrer across origins, and on links none at all; Sec-Fetch-Site is checked instead.
        "WTF_CSRF_SSL_STRICT": False,
        "AUTH_TYPE": AUTH_DB,
        "AUTH_USER_REGISTRATION": False,
        "FAB_UPDATE_PERMS": False,
        "FAB_CREATE_DB": False,
        "FAB_SECURITY_SIGNALS_ENABLED": False,
        "RATELIMIT_ENABLED": False,
        "FAB_API_MAX_PAGE_SIZE": 100,
        "FAB_BASE_TEMPLATE": "bare/base.html",
        "APP_NAME": "Careroom",
        "LANGUAGES": {code: {"flag": "", "name": code} for code in settings.languages},
    }


def install(app: Flask) -> CareroomAppBuilder:
    """Put Flask-AppBuilder on this app: sign-in, users, roles. It works in the session of the current scope."""
    builder = CareroomAppBuilder()
    with app.app_context():
        builder.init_app(app, LocalProxy(db.session))
    return builder
