"""Everything that happened with a patient: from plugins, messages, and the core's own doings, page by page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import request
from markupsafe import Markup
from sqlalchemy import select

from core import audit, db, patients, plugin_system
from core.audit import AuditEntry
from core.i18n import _, _l
from core.notifications import Notification
from core.patients import Patient, TimelineEntry, alerts
from core.plugin_system import PatientContext
from core.web import alerts as alert_pages
from core.web import panels, record
from core.web.communication import STATES, titles_here
from core.web.pages import render
from core.web.routes import StaffRoutes

routes = StaffRoutes("core", __name__, name="timeline", prefix="/patients")

PAGE: Final = 30
_IN_PANEL: Final = 8

# What of the audit trail belongs to a patient's story; who only looked is on the trail alone.
TOLD: Final = {
    "patient.created": (_l("Record created"), "user-plus"),
    "patient.changed": (_l("Details changed"), "pencil"),
    "patient.deactivated": (_l("Taken off the list"), "user-off"),
    "patient.reactivated": (_l("Put back on the list"), "user-check"),
    "patient.launched": (_l("Opened from the clinical system"), "device-desktop"),
    "patient.alert_raised": (_l("Alert made a warning"), "alert-circle"),
    "patient.consent_changed": (_l("Consent to messages changed"), "message-check"),
    "patient.contact_verified": (_l("Contact data confirmed"), "circle-check"),
    "patient.contact_doubted": (_l("Contact data no longer confirmed"), "help-circle"),
    "patient.restricted": (_l("Record restricted"), "lock"),
    "patient.unrestricted": (_l("Restriction of a record lifted"), "lock-open"),
    "emergency.opened": (_l("Record opened in an emergency"), "shield-exclamation"),
    "patient.export_requested": (_l("Export of all data asked for"), "download"),
    "patient.exported": (_l("Export of all data made"), "download"),
    "patient.export_downloaded": (_l("Export of all data downloaded"), "download"),
    "patient.erasure_requested": (_l("Erasure of all data asked for"), "trash"),
    "patient.erasure_withdrawn": (_l("Erasure of all data called off"), "trash-off"),
    "patient.erasure_failed": (_l("Erasure of all data not finished"), "alert-triangle"),
    "patient.erased": (_l("All data erased"), "trash"),
    "link.locked": (_l("Link locked after wrong dates of birth"), "lock"),
    "link.unlocked": (_l("Link unlocked"), "lock-open"),
}
NOT_TOLD: Final = frozenset(
    {
        # Somebody looked, or looked at who had looked.
        *("patient.viewed", "patient.searched", "link.used", "emergency.reviewed", "audit.read"),
        *("audit.exported", "audit.verified"),
        # Told from what it is about: the alert, the message, and by the plugin whose link it is.
        *("patient.alert_added", "patient.alert_resolved"),
        *("notification.queued", "notification.retried", "notification.cancelled", "notification.dismissed"),
        *("link.issued", "link.opened", "link.opened_again", "link.completed", "link.cancelled"),
        "link.birth_date_wrong",  # the last of them locks the link
        "patient.export_removed",  # its days are over
    }
)
"""Of what the trail has about patients: what their timeline leaves to others, and why."""


def panel(ctx: PatientContext) -> Markup:
    """The newest, in the workspace."""
    entries = collect(ctx, None, _IN_PANEL + 1)
    return render(
        "patients/timeline_panel.html",
        patient_id=ctx.patient.id,
        entries=entries[:_IN_PANEL],
        more=len(entries) > _IN_PANEL,
    )


@routes.get("/<uuid:patient_id>/timeline", permission="core.view_patients")
def index(patient_id: UUID) -> Markup:
    """All of it. The next page begins before the last entry of this one, so nothing is shown twice or left out."""
    patient = patients.get(patient_id)
    audit.concerns(patient_id)
    before = _moment(request.args.get("before", ""))
    entries = collect(panels.patient_context(patient), before, PAGE + 1)
    shown = entries[:PAGE]
    return render(
        "patients/timeline.html",
        patient_id=patient_id,
        identity=record.identity(patient),
        alerts=alert_pages.shown(patient_id),
        entries=shown,
        before=before,
        older=shown[-1].at.isoformat() if len(entries) > PAGE else None,
    )


def collect(ctx: PatientContext, before: datetime | None, limit: int) -> list[TimelineEntry]:
    """The newest entries of all sources, or the newest before a moment."""
    asked = replace(ctx, before=before)
    contributed: list[TimelineEntry] = plugin_system.call("timeline_entries", asked)
    own = (_messages(ctx.patient.id, before, limit), _doings(ctx.patient, before, limit))
    entries = patients.collect(contributed, *own, _alerts(ctx.patient))
    return [one for one in entries if before is None or one.at < before][:limit]


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and 1900 <= found.year <= 2200 else None


def _messages(patient_id: UUID, before: datetime | None, limit: int) -> list[TimelineEntry]:
    query = select(Notification).where(Notification.patient_id == patient_id)
    if before is not None:
        query = query.where(Notification.created_at < before)
    rows = db.session().scalars(query.order_by(Notification.created_at.desc()).limit(limit))
    titles = titles_here()
    return [_message(one, titles) for one in rows]


def _message(message: Notification, titles: dict[str, str]) -> TimelineEntry:
    by_text = message.channel == "sms"
    failed = message.state in ("failed", "dead")
    way = (
        _("Text message")
        if by_text
        else _("E-mail instead of a text")
        if message.failover_of
        else _("E-mail")
    )
    title = titles.get(message.template)
    return TimelineEntry(
        at=message.created_at,
        title=_("%(way)s: %(title)s", way=way, title=title) if title else way,
        detail=str(STATES.get(message.state, message.state)),
        icon="alert-triangle" if failed else "message" if by_text else "mail",
    )


def _doings(patient: Patient, before: datetime | None, limit: int) -> list[TimelineEntry]:
    query = select(AuditEntry).where(AuditEntry.patient_id == patient.id, AuditEntry.action.in_(TOLD))
    if before is not None:
        query = query.where(AuditEntry.at < before)
    rows = db.session().scalars(query.order_by(AuditEntry.seq.desc()).limit(limit))
    told = [_doing(one, patient) for one in rows]
    began = any(one.at == patient.created_at for one in told)
    # Some records are older than their trail.
    return (
        told if began else [*told, TimelineEntry(patient.created_at, _("Record created"), icon="user-plus")]
    )


def _doing(entry: AuditEntry, patient: Patient) -> TimelineEntry:
    title, icon = TOLD[entry.action]
    at = patient.created_at if entry.action == "patient.created" else entry.at
    return TimelineEntry(at, str(title), _by(entry), icon)


def _by(entry: AuditEntry) -> str:
    by_patient = entry.actor_kind == "patient"
    said = _("By the patient") if by_patient else _("By %(name)s", name=entry.actor_name)
    told = _in_short(entry.detail or {})
    return f"{told} · {said}" if told else said


def _in_short(facts: dict[str, Any]) -> str:
    if facts.get("by") == "import":
        return _("Import of a list")
    ways = {"sms": _("Texts"), "email": _("E-mails"), "phone": _("Other phone")}
    what = ways.get(str(facts.get("channel", "")), "")
    consent = {"given": _("yes"), "refused": _("no"), "unknown": _("not asked")}.get(
        str(facts.get("consent", "")), ""
    )
    return ": ".join(part for part in (what, consent) if part) or str(facts.get("system", ""))


def _alerts(patient: Patient) -> list[TimelineEntry]:
    found = []
    for one in alerts.every(patient.id):
        added = _("By %(name)s", name=one.added_by)
        found.append(
            TimelineEntry(one.created_at, _("Alert: %(text)s", text=one.text), added, "alert-circle")
        )
        if one.resolved_at is not None:
            by = _("By %(name)s", name=one.resolved_by or "")
            resolved = _("Alert resolved: %(text)s", text=one.text)
            found.append(TimelineEntry(one.resolved_at, resolved, by, "circle-check"))
    return found
