"""Photo requests: a clinician asks, the patient sends photos from the phone, the practice decides what to keep."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from core.sdk import Capability, Job, LinkPurpose, Permission, Plugin, _l, jobs
from plugins.photo_request import hooks, intake, messages, patient, retention, service, trying, viewer
from plugins.photo_request.settings import PhotoRequestSettings


def _expire(payload: dict[str, Any]) -> None:
    with jobs.scope():
        service.expire_due()


def _announce_late(payload: dict[str, Any]) -> None:
    with jobs.scope():
        intake.announce_late(UUID(payload["consent_id"]))


plugin = Plugin(
    name="photo_request",
    title=_l("Photo requests"),
    summary=_l("Ask a patient for photos by text or e-mail, look at them and keep them in the record."),
    version="1.0.0",
    api=">=1,<2",
    package=__name__,
    icon="camera",
    quality="gold",
    capabilities=(
        Capability.READS_PATIENTS,
        Capability.SENDS_SMS,
        Capability.SENDS_EMAIL,
        Capability.STORES_FILES,
    ),
    settings=PhotoRequestSettings,
    settings_tests=trying.TESTS,
    locales=("en", "fr"),
    permissions=(
        Permission(
            "photo_request.send", _l("Ask for photos and see requests"), roles=("clinician", "receptionist")
        ),
        Permission("photo_request.view", _l("See patients' photos"), roles=("clinician",)),
        Permission("photo_request.review", _l("Keep or reject photos"), roles=("clinician",)),
    ),
    routes=(viewer.routes, patient.routes),  # the viewer adds its pages to the staff routes
    link_purposes=(LinkPurpose(service.PURPOSE, _l("Send photos"), endpoint="photo_request_patient.start"),),
    templates=messages.TEMPLATES,
    jobs=(
        Job("photo_request.expire", _expire, every=timedelta(minutes=10)),
        Job(intake.ANNOUNCE_LATE, _announce_late),
    ),
    retention=retention.KINDS,
    hooks=hooks,
)
