"""What every answer tells the browser: run only our code, be framed by nobody, keep no copy."""

from __future__ import annotations

import re
import secrets

from flask import Flask, Response, current_app, g, request

from core import settings
from core.web import csrf
from core.web.routes import table

# Host names, IPv4, bracketed IPv6, a port: whatever else a client sends as Host does not enter the policy.
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?")
_DEVICES = ("camera", "microphone", "display-capture", "autoplay", "picture-in-picture", "speaker-selection")
_FEATURES = (
    "fullscreen=(self), screen-wake-lock=(self), clipboard-write=(self), "
    "publickey-credentials-get=(self), publickey-credentials-create=(self), geolocation=(), payment=(), usb=(), "
    "serial=(), midi=(), hid=(), accelerometer=(), gyroscope=(), magnetometer=(), "
    "browsing-topics=()"
)
_WITH_DEVICES = ", ".join([*(f"{name}=(self)" for name in _DEVICES), _FEATURES])
_WITHOUT_DEVICES = ", ".join([*(f"{name}=()" for name in _DEVICES), _FEATURES])
_TWO_YEARS = 63_072_000
# Nothing else sets these: they go on the answer as they are, without a search among what is there.
_ALWAYS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Robots-Tag", "noindex, nofollow"),
)
_BEFORE_NONCE = "default-src 'none'; script-src 'self' 'nonce-"
_AFTER_NONCE = (
    "; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
    "object-src 'none'"
)


def install(app: Flask) -> None:
    """Set the headers on every answer of this app, and check every form's token."""
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.after_request(_set)
    csrf.install(app)


def csp_nonce() -> str:
    """This answer's nonce: what an inline script must carry to run."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    return str(g.csp_nonce)


def policy() -> str:
    """The Content-Security-Policy of a page."""
    own_sockets = ""
    if _HOST.fullmatch(request.host):
        # Browsers that take 'self' for HTTP only need the sockets' own address.
        own_sockets = f" {'wss' if request.is_secure else 'ws'}://{request.host}"
    upgrade = "; upgrade-insecure-requests" if settings.current().is_https else ""
    return f"{_BEFORE_NONCE}{csp_nonce()}'; connect-src 'self'{own_sockets}{_AFTER_NONCE}{upgrade}"


def is_static(endpoint: str | None) -> bool:
    """Is this the endpoint of files that are the same for everybody?"""
    return endpoint is not None and (endpoint == "static" or endpoint.endswith((".static", ".asset")))


def _set(response: Response) -> Response:
    headers = response.headers
    # A view that frames something hostile (the preview of a message) gives its own, stricter policy.
    if "Content-Security-Policy" not in headers:
        headers["Content-Security-Policy"] = policy()
        headers["X-Frame-Options"] = "DENY"
    headers.setdefault("Referrer-Policy", "same-origin")
    asked = table(current_app).get(request.endpoint or "")
    headers["Permissions-Policy"] = _WITH_DEVICES if asked and asked.devices else _WITHOUT_DEVICES
    headers.extend(_ALWAYS)
    if settings.current().is_https:
        headers["Strict-Transport-Security"] = f"max-age={_TWO_YEARS}; includeSubDomains"
    if not is_static(request.endpoint) or response.status_code >= 400:
        headers["Cache-Control"] = "no-store"
    return response
