"""Symptom diary: a practice asks how a patient is, each day for some time, and sees it as a line."""

from core.sdk import Capability, Job, LinkPurpose, Permission, Plugin, _l

from careroom_symptom_diary import hooks, messages, patient, reminders, service, staff
from careroom_symptom_diary.settings import SymptomDiarySettings

plugin = Plugin(
    name="symptom_diary",
    title=_l("Symptom diary"),
    summary=_l("A patient fills in a short form by link each day; the practice sees how it goes, as a line."),
    version="1.0.0",
    api=">=1,<2",
    package=__name__,
    icon="notebook",
    locales=("en", "fr"),
    quality="gold",
    capabilities=(Capability.READS_PATIENTS, Capability.SENDS_SMS, Capability.SENDS_EMAIL),
    settings=SymptomDiarySettings,
    permissions=(
        Permission("symptom_diary.start", _l("Start and stop symptom diaries"), roles=("clinician",)),
        Permission(service.READ, _l("Read symptom diaries"), roles=("clinician",)),
    ),
    routes=(staff.routes, patient.routes),
    link_purposes=(
        LinkPurpose(service.PURPOSE, _l("Keep a symptom diary"), endpoint="symptom_diary_patient.show"),
    ),
    templates=messages.TEMPLATES,
    jobs=(Job(reminders.JOB, reminders.remind),),
    hooks=hooks,
)
