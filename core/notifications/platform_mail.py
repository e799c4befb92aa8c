"""E-mails that no practice writes: to an operator who works in none. A queue of its own, worked off by a sweep.

Only the texts of :mod:`core.notifications.staff` go this way, in their standard wording and as plain text.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete, select, update

from core import db, i18n, settings
from core.i18n import use_language
from core.jobs import backoff
from core.notifications import channels, templates
from core.notifications.channels import Channel, NotNow, Outgoing, Rejected
from core.notifications.masking import mask_links
from core.notifications.models import PlatformMail
from core.notifications.templates import Template

EVERY: Final = timedelta(seconds=15)
KEPT_FOR: Final = timedelta(days=30)
_SENDER: Final = "Careroom"
_AT_ONCE: Final = 20
_FIRST_RETRY: Final = timedelta(seconds=15)
_LONGEST_RETRY: Final = timedelta(minutes=10)

log = structlog.get_logger(__name__)


def write(
    email: str,
    template: Template,
    variables: Mapping[str, object],
    *,
    language: str | None = None,
    give_up_after: timedelta = timedelta(hours=12),
) -> PlatformMail:
    """Write one into the current transaction. language: the reader's; None: the one that is spoken here."""
    spoken = language or i18n.language()
    wording = templates.reworded(template, spoken, {})
    with use_language(spoken):
        values = {name: str(value) for name, value in variables.items()}
    row = PlatformMail(
        recipient=email,
        template=template.name,
        language=spoken,
        subject=" ".join(templates.fill(wording.subject, values, template.variables).split())[:300],
        body=templates.fill(wording.text, values, template.variables).strip() + "\n",
        expires_at=db.utcnow() + give_up_after,
    )
    db.session().add(row)
    db.session().flush()
    return row


def sweep(_payload: dict[str, object]) -> None:
    """Sweep core.platform_mail: hand over what is due."""
    deliver_due(channels.for_settings(settings.current())["email"])


def deliver_due(channel: Channel) -> int:
    """Hand over what is due, one by one; how many there were."""
    with db.scope(write=False) as session:
        due = (
            select(PlatformMail.id)
            .where(PlatformMail.state == "queued", PlatformMail.due_at <= db.utcnow())
            .order_by(PlatformMail.due_at)
            .limit(_AT_ONCE)
        )
        ids = list(session.scalars(due))
    for mail_id in ids:
        _deliver(mail_id, channel)
    return len(ids)


def forget_old() -> None:
    """Drop what was finished long ago, in a scope across practices."""
    db.session().execute(delete(PlatformMail).where(PlatformMail.finished_at < db.utcnow() - KEPT_FOR))


def _deliver(mail_id: UUID, channel: Channel) -> None:
    with db.scope() as session:
        # Whoever counts the attempt has the row for a while: a worker that dies leaves it due again.
        taken = session.execute(
            update(PlatformMail)
            .where(
                PlatformMail.id == mail_id, PlatformMail.state == "queued", PlatformMail.due_at <= db.utcnow()
            )
            .values(attempts=PlatformMail.attempts + 1, due_at=db.utcnow() + timedelta(minutes=5))
            .execution_options(synchronize_session=False)
        )
        if not taken.rowcount:  # type: ignore[attr-defined] # what an UPDATE answers has one
            return
        row = session.get_one(PlatformMail, mail_id)
        if row.expires_at <= db.utcnow():
            _finish(row, "dead", row.last_error or "message_expired")
            return
        message = _outgoing(row)
    state, code = "sent", None
    try:
        channel.deliver(message)
    except Rejected as end:
        state, code = "dead", end.code
    except NotNow as fault:
        state, code = "queued", fault.code
    if code is not None:
        log.warning("platform_mail.failed", mail=str(mail_id), code=code, attempt=message.attempt)
    with db.scope() as session:
        row = session.get_one(PlatformMail, mail_id)
        if state == "queued":
            wait = backoff.delay(row.attempts, first=_FIRST_RETRY, longest=_LONGEST_RETRY)
            row.due_at, row.last_error = db.utcnow() + wait, code
        else:
            _finish(row, state, code)


def _finish(row: PlatformMail, state: str, code: str | None) -> None:
    row.state, row.last_error, row.finished_at = state, code, db.utcnow()
    row.body = mask_links(row.body)


def _outgoing(row: PlatformMail) -> Outgoing:
    return Outgoing(
        id=row.id,
        attempt=row.attempts,
        channel="email",
        recipient=row.recipient,
        subject=row.subject,
        body=row.body,
        html=None,
        language=row.language,
        sender_name=_SENDER,
        reply_to=None,
        written_at=row.created_at,
        request_id=None,
    )
