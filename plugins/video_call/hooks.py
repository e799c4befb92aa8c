"""What this plugin adds to pages, and what it hears. Thin: the work is in the modules that it hands over to."""

from __future__ import annotations

from core.sdk import (
    Action,
    Erased,
    ExportPart,
    FileContext,
    LineContext,
    LineDay,
    LinkContext,
    NavItem,
    NotificationContext,
    Panel,
    PatientContext,
    PatientDataContext,
    StaffContext,
    TimelineEntry,
    _l,
    hookimpl,
    url_for,
)
from plugins.video_call import (
    backgrounds,
    chat,
    documents,
    guests,
    line_log,
    lists,
    panels,
    patient_data,
    service,
    timeline,
)
from plugins.video_call.models import GUEST_PURPOSE


@hookimpl
def patient_actions(ctx: PatientContext) -> list[Action]:
    if not ctx.patient.active:
        return []
    return [
        Action(
            name="video_call.invite",
            title=_l("Video call"),
            icon="video",
            url=url_for("video_call.invite", patient_id=ctx.patient.id),
            permission="video_call.invite",
            order=5,
        )
    ]


@hookimpl
def patient_panels(ctx: PatientContext) -> list[Panel]:
    return [
        Panel(
            "patient.main",
            name="consultations",
            title=_l("Video consultations"),
            view=panels.patient_calls,
            topics=[ctx.topic("video_call.patient", ctx.patient.id)],
            permission="video_call.invite",
            order=15,
        )
    ]


@hookimpl
def today_panels(ctx: StaffContext) -> list[Panel]:
    return [
        Panel(
            "today.main",
            name="consultations_today",
            title=_l("Video consultations"),
            view=panels.today_calls,
            topics=[ctx.topic(service.SUBJECT)],
            permission="video_call.invite",
            order=10,
        )
    ]


@hookimpl
def navigation(ctx: StaffContext) -> list[NavItem]:
    waiting = lists.count_waiting() if ctx.can("video_call.invite") else None
    return [
        NavItem(
            name="consultations",
            title=_l("Consultations"),
            icon="video",
            url=url_for("video_call.index"),
            permission="video_call.invite",
            order=20,
            badge=waiting or None,
        )
    ]


@hookimpl
def link_changed(ctx: LinkContext) -> None:
    call = service.get(ctx.link.subject_id)
    if call is None:
        return
    if ctx.link.purpose == GUEST_PURPOSE:
        if ctx.change == "opened":
            guests.arrived(call, ctx.link.id)
    elif ctx.change == "opened":
        service.arrive(call)
    elif ctx.change == "cancelled" and call.link_id == ctx.link.id:
        service.link_cancelled(call)
    else:
        service.tell(call, ctx.change)


@hookimpl
def notification_changed(ctx: NotificationContext) -> None:
    subject = ctx.notification.subject_id
    if subject is not None and (call := service.get(subject)) is not None:
        service.tell(call, "message")


@hookimpl
def file_processed(ctx: FileContext) -> None:
    chat.file_changed(ctx.file.id)
    backgrounds.file_changed(ctx.file.id)
    documents.file_changed(ctx.file.id)


@hookimpl
def call_lines(ctx: LineContext) -> list[LineDay]:
    return line_log.days(ctx.since)


@hookimpl
def timeline_entries(ctx: PatientContext) -> list[TimelineEntry]:
    return timeline.entries(ctx) if ctx.can("video_call.invite") else []


@hookimpl
def export_patient(ctx: PatientDataContext) -> list[ExportPart]:
    return patient_data.export(ctx)


@hookimpl
def erase_patient(ctx: PatientDataContext) -> list[Erased]:
    return patient_data.erase(ctx)
