"""What this plugin adds to pages, and what it hears. Thin: the work is in the modules named here."""

from __future__ import annotations

from datetime import timedelta

from core.sdk import (
    Action,
    Erased,
    ExportPart,
    Panel,
    PatientContext,
    PatientDataContext,
    TimelineEntry,
    _,
    _l,
    hookimpl,
    url_for,
)

from careroom_symptom_diary import pages, panels, patient_data, service


@hookimpl
def patient_actions(ctx: PatientContext) -> list[Action]:
    if not ctx.patient.active:
        return []
    return [
        Action(
            name="start",
            title=_l("Start symptom diary"),
            icon="notebook",
            url=url_for("symptom_diary.new", patient_id=ctx.patient.id),
            permission="symptom_diary.start",
            order=40,
        )
    ]


@hookimpl
def patient_panels(ctx: PatientContext) -> list[Panel]:
    return [
        Panel(
            "patient.main",
            name="diary",
            title=_l("Symptom diary"),
            view=panels.of_patient,
            topics=[service.topic_of(ctx.patient.id)],
            permission=service.READ,
            order=40,
        )
    ]


@hookimpl
def timeline_entries(ctx: PatientContext) -> list[TimelineEntry]:
    if not ctx.can(service.READ):
        return []
    found = [
        TimelineEntry(
            at=entry.updated_at,
            title=_("Symptom diary: entry"),
            detail=pages.summary(entry.readings),
            icon="alert-triangle" if entry.alerts else "notebook",
            url=url_for("symptom_diary.show", diary_id=diary.id),
            owner="symptom_diary",
        )
        for diary, entry in service.entries_of_patient(ctx.patient.id)
    ]
    found += [
        TimelineEntry(
            at=diary.created_at - timedelta(microseconds=1),
            title=_("Symptom diary started"),
            detail=_("By %(name)s", name=diary.started_by_name),
            icon="send",
            url=url_for("symptom_diary.show", diary_id=diary.id),
            owner="symptom_diary",
        )
        for diary in service.of_patient(ctx.patient.id)
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)[:50]


@hookimpl
def export_patient(ctx: PatientDataContext) -> list[ExportPart]:
    return patient_data.export(ctx)


@hookimpl
def erase_patient(ctx: PatientDataContext) -> list[Erased]:
    return patient_data.erase(ctx)
