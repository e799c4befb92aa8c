"""Video consultations: invite, wait, admit, talk and show, end with an outcome."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.sdk import Capability, Job, LinkPurpose, Permission, Plugin, SettingsPage, Slot, _l, jobs
from plugins.video_call import (
    backgrounds_pages,
    console,
    ended,
    guests,
    hooks,
    hookspecs,
    line_pages,
    messages,
    models,
    patient,
    recording,
    reminders,
    retention,
    service,
    signals,
    slots,
    staff,
    tools_patient,
    tools_staff,
)
from plugins.video_call.contexts import CallPageContext, PatientPageContext
from plugins.video_call.settings import VideoCallSettings


def _miss(payload: dict[str, Any]) -> None:
    with jobs.scope():
        service.miss_due()
        service.end_left()


def _finish_recordings(payload: dict[str, Any]) -> None:
    recording.finish_abandoned()


def _sweep(payload: dict[str, Any]) -> None:
    with jobs.scope():
        signals.sweep()


plugin = Plugin(
    name="video_call",
    title=_l("Video consultations"),
    summary=_l("See and talk to a patient, who follows a link and needs no app."),
    version="1.0.0",
    api=">=1,<2",
    package=__name__,
    icon="video",
    quality="gold",
    capabilities=(
        Capability.READS_PATIENTS,
        Capability.SENDS_SMS,
        Capability.SENDS_EMAIL,
        Capability.STORES_FILES,
    ),
    settings=VideoCallSettings,
    settings_pages=(
        SettingsPage(
            _l("Pictures behind clinicians"),
            "video_call.backgrounds",
            "video_call.look",
            _l("Clinicians choose one in the call, beside the blurred background."),
        ),
    ),
    locales=("en", "fr"),
    permissions=(
        Permission(
            "video_call.invite",
            _l("Invite to video consultations and see who waits"),
            roles=("clinician", "receptionist"),
        ),
        Permission("video_call.conduct", _l("Hold video consultations"), roles=("clinician",)),
        Permission(
            "video_call.look",
            _l("Choose the pictures behind clinicians in video consultations"),
            roles=("practice_admin",),
        ),
    ),
    # One set of routes for staff and one for patients, to which each of these modules adds its pages.
    routes=tuple(
        dict.fromkeys(
            module.routes
            for module in (
                staff,
                console,
                ended,
                backgrounds_pages,
                line_pages,
                tools_staff,
                patient,
                tools_patient,
            )
        )
    ),
    link_purposes=(
        LinkPurpose(models.PURPOSE, _l("Video consultation"), "video_call_patient.start", reusable=True),
        LinkPurpose(
            models.GUEST_PURPOSE,
            _l("Video consultation, as a guest"),
            "video_call_patient.start",
            reusable=True,
            welcome=guests.welcome,
        ),
    ),
    templates=messages.TEMPLATES,
    jobs=(
        Job("video_call.miss", _miss, every=timedelta(minutes=5)),
        Job(reminders.JOB, reminders.remind),
        Job("video_call.recordings", _finish_recordings, every=timedelta(minutes=10)),
        Job("video_call.sweep", _sweep, every=timedelta(seconds=20)),
    ),
    socket_events=signals.EVENTS,
    retention=retention.KINDS,
    hookspecs=hookspecs,
    slots=(
        Slot(
            "video_call.sidebar",
            _l("Beside a call"),
            CallPageContext,
            "What a clinician looks at during a call.",
            restore=slots.restore,
        ),
        Slot(
            "video_call.toolbar",
            _l("Toolbar of a call"),
            CallPageContext,
            "One button a plugin, in the call.",
            restore=slots.restore,
        ),
        Slot(
            "video_call.ended_staff",
            _l("After a call"),
            CallPageContext,
            "What a clinician does once a call has ended: invoice, code, follow up.",
            restore=slots.restore,
        ),
        Slot(
            "video_call.waiting_patient",
            _l("The patient's waiting room"),
            PatientPageContext,
            "What a patient can do while they wait. Large type, one thing.",
            hook="video_call_patient_parts",
        ),
        Slot(
            "video_call.ended_patient",
            _l("The patient's page after a call"),
            PatientPageContext,
            "What is left for the patient to do once the call has ended: pay, book again.",
            hook="video_call_patient_parts",
        ),
    ),
    hooks=hooks,
)
