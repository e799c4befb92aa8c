"""/dev/outbox: the messages that were not sent because this is a demonstration, to read and to follow.

Registered only in an open house (development, demo, test), where every message is anybody's to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from flask import Response, abort, jsonify, request
from markupsafe import Markup, escape
from sqlalchemy import func, or_, select

from core import db, notifications
from core.i18n.languages import resolve
from core.notifications import CHANNELS, Notification
from core.notifications.channels.capture import NAME as CAPTURE
from core.notifications.html import URL
from core.notifications.sms import SmsSize, measure
from core.tenancy import Practice
from core.web.pages import render
from core.web.routes import CoreRoutes

_MOST = 200
# Popups, so that a link opens in a tab of its own, and nothing else: no script, no form, no fetch, no cookies.
_EMAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'self'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)

routes = CoreRoutes("outbox", __name__, prefix="/dev/outbox")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as the page shows it."""

    id: UUID
    row: Notification
    body: Markup
    size: SmsSize
    reason: str
    lang: str
    dir: str

    @property
    def version(self) -> str:
        return f"{self.row.state}-{self.row.updated_at.timestamp():.0f}"


@dataclass(frozen=True, slots=True)
class Group:
    """A practice's messages, newest first."""

    practice: Practice
    sms: list[Message] = field(default_factory=list)
    email: list[Message] = field(default_factory=list)


@routes.get("", access="public", scope="none")
def index() -> str:
    """All captured messages of all practices, newest first; ``?practice=<slug>&channel=sms`` narrows it down."""
    slug, channel = request.args.get("practice", ""), request.args.get("channel", "")
    with db.scope(write=False, across_practices=True) as session:
        practices = list(session.scalars(select(Practice).order_by(Practice.name)))
        found = _captured(
            select(Notification, Practice).join(Practice, Practice.id == Notification.practice_id)
        )
        if any(practice.slug == slug for practice in practices):
            found = found.where(Practice.slug == slug)
        if channel in CHANNELS:
            found = found.where(Notification.channel == channel)
        rows = session.execute(
            found.order_by(Notification.created_at.desc(), Notification.id.desc()).limit(_MOST)
        ).all()
        return render(
            "outbox/index.html",
            groups=_grouped((row.Notification, row.Practice) for row in rows),
            practices=practices,
            practice=slug,
            channel=channel,
            version=_version(),
        )


@routes.get("/version", access="public", scope="none")
def version() -> Response:
    """A word that changes whenever the list does; the page asks for it every two seconds."""
    with db.scope(write=False, across_practices=True):
        return jsonify(version=_version())


@routes.get("/<uuid:notification_id>/html", access="public", scope="none")
def email(notification_id: UUID) -> Response:
    """An e-mail's HTML as a mail client would show it, behind a policy under which it can do nothing."""
    with db.scope(write=False, across_practices=True) as session:
        html = session.scalar(_captured(select(Notification.html)).where(Notification.id == notification_id))
    if html is None:
        abort(404)
    page = html.replace("<head>", '<head>\n<base target="_blank">', 1)
    return Response(
        page,
        mimetype="text/html",
        headers={
            "Content-Security-Policy": _EMAIL_POLICY,
            "X-Frame-Options": "SAMEORIGIN",
            "Cache-Control": "no-store",
        },
    )


def _captured(query: Any) -> Any:
    return query.where(or_(Notification.provider == CAPTURE, Notification.provider.is_(None)))


def _version() -> str:
    count, latest = (
        db.session().execute(select(func.count(Notification.id), func.max(Notification.updated_at))).one()
    )
    return f"{count}-{latest.timestamp():.6f}" if count else "0"


def _grouped(rows: Iterable[tuple[Notification, Practice]]) -> list[Group]:
    groups: dict[UUID, Group] = {}
    for row, practice in rows:
        group = groups.setdefault(practice.id, Group(practice))
        (group.sms if row.channel == "sms" else group.email).append(_message(row))
    return list(groups.values())


def _message(row: Notification) -> Message:
    language = resolve(row.language)
    return Message(
        id=row.id,
        row=row,
        body=linked(row.body),
        size=measure(row.body),
        reason=notifications.reason(row.last_error),
        lang=language.tag,
        dir=language.direction,
    )


def linked(text: str) -> Markup:
    """Escaped text whose addresses can be clicked; each opens in a tab of its own."""
    parts, at = [], 0
    for match in URL.finditer(text):
        parts.append(escape(text[at : match.start()]))
        parts.append(Markup('<a href="{0}" target="_blank" rel="noopener">{0}</a>').format(match.group()))
        at = match.end()
    return Markup("").join([*parts, escape(text[at:])])
