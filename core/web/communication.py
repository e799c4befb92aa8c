"""The messages to a patient, each with what became of it; what did not arrive can be sent again from here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from core import audit, notifications, patients, tenancy
from core.i18n import _, _l, format_phone
from core.notifications import Notification
from core.notifications.errors import NotificationError
from core.plugin_system import PatientContext
from core.web import alerts, record, sent
from core.web.pages import render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="communication", prefix="/patients")

PAGE: Final = 25
_IN_PANEL: Final = 4
_SEND_AGAIN: Final = "core.edit_patients"

STATES: Final = {
    "queued": _l("Waiting to be sent"),
    "sending": _l("On its way"),
    "sent": _l("Sent; nothing heard of its arrival yet"),
    "delivered": _l("Delivered"),
    "failed": _l("Did not arrive"),
    "dead": _l("Could not be sent"),
    "cancelled": _l("Cancelled before it was sent"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A message as the log shows it. text: what was written; links in it are hidden once nobody sends it again."""

    id: UUID
    channel: str
    title: str
    recipient: str
    at: datetime
    state: str
    state_words: str
    reason: str
    subject: str | None
    text: str
    is_instead: bool
    can_retry: bool


def lines(patient_id: UUID, limit: int, offset: int = 0) -> list[Line]:
    """The latest messages to a patient, newest first."""
    titles = titles_here()
    found = notifications.for_patient(patient_id, limit=limit, offset=offset)
    return [_line(one, titles) for one in found]


def titles_here() -> dict[str, str]:
    """What templates are called, by name. A plugin that is off here is not named: its messages are just messages."""
    return {
        template.name: str(template.title)
        for template in notifications.templates.registered()
        if tenancy.switches.is_on(tenancy.switches.owner_of(template.name))
    }


def panel(ctx: PatientContext) -> Markup:
    """The newest, in the workspace."""
    found = lines(ctx.patient.id, _IN_PANEL + 1)
    return render(
        "patients/communication_panel.html",
        patient_id=ctx.patient.id,
        lines=found[:_IN_PANEL],
        more=len(found) > _IN_PANEL,
        may_retry=ctx.can(_SEND_AGAIN),
    )


@routes.get("/<uuid:patient_id>/messages", permission="core.view_patients")
def index(patient_id: UUID) -> Markup:
    """All of them, page by page."""
    patient = patients.get(patient_id)
    audit.concerns(patient_id)
    total = notifications.count_for_patient(patient_id)
    pages = max(1, -(-total // PAGE))
    page = sent.page(pages)
    return render(
        "patients/communication.html",
        patient_id=patient_id,
        identity=record.identity(patient),
        alerts=alerts.shown(patient_id),
        lines=lines(patient_id, PAGE, (page - 1) * PAGE),
        total=total,
        page=page,
        pages=pages,
        page_url=lambda number: url_for(".index", patient_id=patient_id, page=number if number > 1 else None),
        may_retry=True,
    )


@routes.post("/<uuid:patient_id>/messages/<uuid:notification_id>/retry", permission=_SEND_AGAIN)
def retry(patient_id: UUID, notification_id: UUID) -> ResponseReturnValue:
    """Send one again, to the number or address that it went to."""
    found = notifications.get(notification_id)
    if found is None or found.patient_id != patient_id:
        abort(404)
    try:
        notifications.retry(notification_id)
    except NotificationError as error:
        flash(error.message, "warning")
    else:
        flash(_("The message is on its way again."), "success")
    back = "communication.index" if request.form.get("back") == "log" else "patients.show"
    return redirect(url_for(back, patient_id=patient_id), 303)


def _line(row: Notification, titles: dict[str, str]) -> Line:
    by_text = row.channel == "sms"
    return Line(
        id=row.id,
        channel=row.channel,
        title=titles.get(row.template, _("Message")),
        recipient=format_phone(row.recipient) if by_text else row.recipient,
        at=row.created_at,
        state=row.state,
        state_words=str(STATES.get(row.state, row.state)),
        reason=notifications.reason(row.last_error),
        subject=row.subject,
        text=row.body,
        is_instead=row.failover_of is not None,
        can_retry=row.can_be_retried and row.state in ("failed", "dead"),
    )
