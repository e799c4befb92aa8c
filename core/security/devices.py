"""The browsers in which somebody has signed in before, and what a browser is called in words."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Final

from flask import Response, after_this_request, request
from sqlalchemy import select

from core import db, settings
from core.i18n import LazyString, _l
from core.notifications import staff
from core.security import letters
from core.security.models import KnownDevice

_COOKIE_SECONDS: Final = 400 * 24 * 3600  # browsers keep none for longer
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{40,48}")
_MOST: Final = 30
_UNNAMED: Final = _l("A device that we cannot name")

_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Chrome/", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def in_words(browser: str) -> LazyString | str:
    """ "Firefox on Windows", of what a browser says about itself. Never where it is: an address tells that badly."""
    name = next((word for mark, word in _BROWSERS if mark in browser), None)
    system = next((word for mark, word in _SYSTEMS if mark in browser), None)
    if name and system:
        return _l("%(browser)s on %(system)s", browser=name, system=system)
    return name or system or _UNNAMED


def recognise(user_id: int) -> None:
    """Note that this browser signs this user in; write to them when it never did before and others did.

    In the current writing scope, within a request.
    """
    session, now = db.session(), db.utcnow()
    token = request.cookies.get(cookie_name(), "")
    token = token if _TOKEN.fullmatch(token) else ""
    digest = hashlib.sha256(token.encode()).hexdigest()
    known = list(
        session.scalars(
            select(KnownDevice).where(KnownDevice.user_id == user_id).order_by(KnownDevice.seen_at.desc())
        )
    )
    here = next((device for device in known if token and device.token_hash == digest), None)
    if here is not None:
        here.seen_at = now
        return
    if not token:
        token = secrets.token_urlsafe(32)
        digest = hashlib.sha256(token.encode()).hexdigest()
        _hand_out(token)
    for forgotten in known[_MOST - 1 :]:
        session.delete(forgotten)
    session.add(KnownDevice(user_id=user_id, token_hash=digest, seen_at=now))
    session.flush()
    if known:
        letters.write(user_id, staff.NEW_DEVICE, device=in_words(request.user_agent.string or ""))


def cookie_name() -> str:
    """The name of the cookie that tells one browser from another."""
    return "__Host-careroom_device" if settings.current().is_https else "careroom_device"


def _hand_out(token: str) -> None:
    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            cookie_name(),
            token,
            max_age=_COOKIE_SECONDS,
            secure=settings.current().is_https,
            httponly=True,
            samesite="Lax",
        )
        return response
