"""What this plugin adds to pages, and what it hears. Thin: the work is in the modules that it hands over to."""

from __future__ import annotations

from core.sdk import (
    Action,
    Erased,
    ExportPart,
    FileContext,
    LinkContext,
    NavItem,
    NotificationContext,
    Panel,
    PatientContext,
    PatientDataContext,
    StaffContext,
    TimelineEntry,
    _l,
    db,
    hookimpl,
    url_for,
)
from plugins.photo_request import intake, lists, panels, patient_data, service, timeline
from plugins.photo_request.models import Request


@hookimpl
def patient_actions(ctx: PatientContext) -> list[Action]:
    if not ctx.patient.active:
        return []
    return [
        Action(
            name="photo_request.send",
            title=_l("Send photo request"),
            icon="camera",
            url=url_for("photo_request.new", patient_id=ctx.patient.id),
            permission="photo_request.send",
            order=10,
        )
    ]


@hookimpl
def patient_panels(ctx: PatientContext) -> list[Panel]:
    return [
        Panel(
            "patient.main",
            name="photos",
            title=_l("Photos"),
            view=panels.patient_photos,
            topics=[ctx.topic("photo_request.patient", ctx.patient.id)],
            permission="photo_request.send",
            order=20,
        )
    ]


@hookimpl
def today_panels(ctx: StaffContext) -> list[Panel]:
    return [
        Panel(
            "today.main",
            name="photos_today",
            title=_l("Photo requests"),
            view=panels.today_photos,
            topics=[ctx.topic(service.SUBJECT)],
            permission="photo_request.send",
            order=20,
        )
    ]


@hookimpl
def navigation(ctx: StaffContext) -> list[NavItem]:
    waiting = lists.count_to_review() if ctx.can("photo_request.view") else None
    return [
        NavItem(
            name="photo_requests",
            title=_l("Photo requests"),
            icon="camera",
            url=url_for("photo_request.index"),
            permission="photo_request.send",
            order=30,
            badge=waiting or None,
            topics=[ctx.topic(service.SUBJECT)],
        )
    ]


@hookimpl
def timeline_entries(ctx: PatientContext) -> list[TimelineEntry]:
    return timeline.entries(ctx.patient.id, ctx.before) if ctx.can("photo_request.send") else []


@hookimpl
def link_changed(ctx: LinkContext) -> None:
    request_id = ctx.link.subject_id
    if ctx.change == "opened":
        service.mark_opened(request_id)
    elif ctx.change == "cancelled":
        service.link_cancelled(request_id)
    elif (request := db.get(Request, request_id)) is not None:
        service.tell(request, ctx.change)


@hookimpl
def file_processed(ctx: FileContext) -> None:
    if ctx.file.state == "ready":
        intake.photo_ready(ctx.file.id)
    elif ctx.file.state == "rejected":
        intake.photo_unreadable(ctx.file.id, ctx.file.reject_reason or "damaged")


@hookimpl
def notification_changed(ctx: NotificationContext) -> None:
    subject = ctx.notification.subject_id
    if subject is not None and (request := db.get(Request, subject)) is not None:
        service.tell(request, "message")


@hookimpl
def export_patient(ctx: PatientDataContext) -> list[ExportPart]:
    return patient_data.export(ctx)


@hookimpl
def erase_patient(ctx: PatientDataContext) -> list[Erased]:
    return patient_data.erase(ctx)
