"""Messages: those that did not arrive and those that wait, with why and what can be done.

Who the patient is, is shown to those who may find patients anyway; an administrator sees the number or address in part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, get_args
from uuid import UUID

from flask import abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from core import audit, db, notifications
from core.i18n import _, _l, format_phone, ngettext
from core.notifications import CHANNELS, Notification, admission, undelivered
from core.notifications.errors import NotificationError
from core.notifications.rules import PERMISSION
from core.notifications.undelivered import Which
from core.patients import Patient
from core.web import listing, sent
from core.web.communication import STATES, titles_here
from core.web.pages import live, render
from core.web.routes import StaffRoutes

PAGE: Final = 25
_MOST_PAGES: Final = 10_000
_COLUMNS: Final = (
    _l("Created"), _l("Sent as"), _l("Message"), _l("Patient"), _l("Recipient"), _l("State"), _l("Reason"),
)  # fmt: skip
_CHANNELS: Final = {"sms": _l("Text message"), "email": _l("E-mail")}

routes = StaffRoutes("core", __name__, name="messages", prefix="/messages")


@dataclass(frozen=True, slots=True)
class Line:
    """A message as the list shows it. ``due_at``: of one that waits, when it is looked at again."""

    id: UUID
    channel: str
    title: str
    recipient: str
    patient: str
    patient_url: str | None
    state: str
    reason: str
    detail: str | None
    at: datetime
    due_at: datetime | None
    is_instead: bool
    can_retry: bool
    can_dismiss: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the address asks for."""

    which: Which
    channel: str | None
    page: int

    def url(self, endpoint: str = "messages.index", **changes: Any) -> str:
        """An address with the same choice, some of it changed."""
        page = self.page if self.page > 1 else None
        values: dict[str, Any] = {"show": self.which, "channel": self.channel, "page": page}
        return url_for(endpoint, **{**values, **changes})


@routes.get("", permission=PERMISSION)
def index() -> str:
    """The page, or (for the page that heard of a change) the list alone."""
    chosen = _chosen()
    rows, total = _page(chosen)
    pages = max(1, -(-total // PAGE))
    if chosen.page > pages:
        chosen = Chosen(chosen.which, chosen.channel, pages)
        rows, total = _page(chosen)
    live(notifications.TROUBLE_TOPIC)
    lines = _lines(rows)
    template = "messages/list.html" if "X-Panel" in request.headers else "messages/index.html"
    return render(
        template,
        lines=lines,
        total=total,
        pages=pages,
        chosen=chosen,
        topic=notifications.TROUBLE_TOPIC,
        failed=undelivered.count_failed(),
        usage=(usage := admission.usage()),
        used=usage.in_words,
        page_url=_page_url(chosen),
        may_export=listing.may_export(),
    )


@routes.get("/export.csv", permission=PERMISSION)
def export() -> ResponseReturnValue:
    """The chosen ones as a table, of patients as much as the list says."""
    chosen = _chosen()
    rows, total = undelivered.page(chosen.which, channel=chosen.channel, limit=listing.MOST_ROWS)
    if listing.is_too_long(total):
        return redirect(chosen.url(), 303)
    lines = _lines(rows)
    cells = [(row.patient_id, _cells(line)) for row, line in zip(rows, lines, strict=True)]
    return listing.spreadsheet(_("messages.csv"), _COLUMNS, cells) or redirect(chosen.url(), 303)


@routes.post("/<uuid:notification_id>/retry", permission=PERMISSION)
def retry(notification_id: UUID) -> ResponseReturnValue:
    """Send one again."""
    try:
        notifications.retry(notification_id)
    except LookupError:
        abort(404)
    except NotificationError as error:
        flash(error.message, "warning")
    else:
        flash(_("The message is on its way again."), "success")
    return redirect(_chosen().url(), 303)


@routes.post("/retry", permission=PERMISSION)
def retry_all() -> ResponseReturnValue:
    """Send all again that can be."""
    done = undelivered.retry_all(_chosen().channel)
    if done.sent:
        words = ngettext(
            "%(num)d message is on its way again.", "%(num)d messages are on their way again.", done.sent
        )
        flash(words, "success")
    if done.left:
        words = ngettext(
            "%(num)d message cannot be sent again for now: see what is said beside it.",
            "%(num)d messages cannot be sent again for now: see what is said beside them.",
            done.left,
        )
        flash(words, "warning")
    if done.unwanted:
        words = ngettext(
            "%(num)d message stays out: the patient does not want it, or nobody has asked them yet.",
            "%(num)d messages stay out: the patients do not want them, or nobody has asked them yet.",
            done.unwanted,
        )
        flash(words, "warning")
    return redirect(_chosen().url(page=None), 303)


@routes.post("/<uuid:notification_id>/dismiss", permission=PERMISSION)
def dismiss(notification_id: UUID) -> ResponseReturnValue:
    """Take one off the list."""
    try:
        undelivered.dismiss(notification_id)
    except LookupError:
        abort(404)
    return redirect(_chosen().url(), 303)


@routes.post("/<uuid:notification_id>/dealt-with", permission="core.work")
def dismiss_own(notification_id: UUID) -> ResponseReturnValue:
    """Whoever asked for a message that did not arrive has dealt with it: it leaves Today, and the list."""
    found = notifications.get(notification_id)
    if found is None or found.requested_by != str(g.user.id):
        abort(404)
    undelivered.dismiss(notification_id)
    return redirect(url_for("today.index"), 303)


def _chosen() -> Chosen:
    which = request.args.get("show", "failed")
    channel = request.args.get("channel")
    return Chosen(
        which=which if which in get_args(Which) else "failed",  # type: ignore[arg-type]
        channel=channel if channel in CHANNELS else None,
        page=min(max(sent.number(request.args.get("page")) or 1, 1), _MOST_PAGES),
    )


def _page(chosen: Chosen) -> tuple[list[Notification], int]:
    return undelivered.page(chosen.which, channel=chosen.channel, limit=PAGE, offset=(chosen.page - 1) * PAGE)


def _page_url(chosen: Chosen) -> Callable[[int], str]:
    return lambda number: chosen.url(page=number if number > 1 else None)


def _lines(rows: list[Notification]) -> list[Line]:
    may_see = "core.view_patients" in g.permissions
    names: dict[UUID, str] = {}
    if may_see:
        wanted = {row.patient_id for row in rows if row.patient_id is not None}
        found = db.session().scalars(select(Patient).where(Patient.id.in_(wanted)))
        names = {patient.id: patient.display_name for patient in found}
    # A number or an address says who it is, too, even in part.
    audit.lists(row.patient_id for row in rows if row.patient_id is not None)
    titles = titles_here()
    return [_line(row, names, titles, may_see=may_see) for row in rows]


def _line(row: Notification, names: dict[UUID, str], titles: dict[str, str], *, may_see: bool) -> Line:
    known = names.get(row.patient_id) if row.patient_id is not None else None
    ended = row.state in ("failed", "dead")
    return Line(
        id=row.id,
        channel=row.channel,
        title=titles.get(row.template, _("Message")),
        recipient=_recipient(row, in_full=may_see),
        patient=known or "",
        patient_url=url_for("patients.show", patient_id=row.patient_id) if known else None,
        state=row.state,
        reason=notifications.reason(row.last_error),
        detail=row.error_detail,
        at=row.created_at,
        due_at=row.due_at if row.state == "queued" and row.due_at > db.utcnow() else None,
        is_instead=row.failover_of is not None,
        can_retry=ended and row.can_be_retried,
        can_dismiss=ended,
    )


def _cells(line: Line) -> tuple[object, ...]:
    """What the columns of the table say of a message."""
    state = STATES.get(line.state, line.state)
    return line.at, _CHANNELS[line.channel], line.title, line.patient, line.recipient, state, line.reason


def _recipient(row: Notification, *, in_full: bool) -> str:
    """Enough to tell one from another; the whole of it only for those who may see patients' contact data."""
    if row.channel == "sms":
        shown = format_phone(row.recipient)
        return shown if in_full else "…" + row.recipient[-3:]
    if in_full:
        return row.recipient
    name, _at, domain = row.recipient.rpartition("@")
    return f"{name[:1]}…@{domain}"
