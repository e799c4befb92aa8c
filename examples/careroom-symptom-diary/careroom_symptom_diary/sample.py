"""One of everything, for `careroom plugin check`: a diary with some days behind it and a high value today."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from core.sdk import db, patients, tenancy

from careroom_symptom_diary import calendar, service
from careroom_symptom_diary.models import Diary
from careroom_symptom_diary.scales import NOTE, SCALES

_PAIN: Final = (3, 4, 4, 6, None, 5, 4, 8)
_BREATH: Final = (2, 2, 3, 3, None, 4, 3, 3)
_TEMPERATURE: Final = ("36.8", "37.1", "37.4", "38.2", None, "37.9", "37.6", "38.7")


def make(practice_id: UUID, patient_id: UUID) -> dict[str, UUID]:
    """Ask a patient, and write a week; the ids by the names that routes use. Opens its own scopes."""
    with tenancy.practice_scope(practice_id):
        if (known := service.running(patient_id)) is not None:
            service.stop(known)
        diary = service.start(
            patients.get(patient_id),
            scales=[*SCALES, NOTE],
            thresholds={name: scale.threshold for name, scale in SCALES.items()},
            days=14,
            hour=18,
            channel="sms",
            note="Please measure the temperature in the evening.",
        )
        diary_id = diary.id
    with tenancy.practice_scope(practice_id):
        diary = db.session().get_one(Diary, (practice_id, diary_id))
        diary.first_day = calendar.today() - timedelta(days=len(_PAIN) - 1)
        diary.last_day = diary.first_day + timedelta(days=13)
        for n, (pain, breath, warmth) in enumerate(zip(_PAIN, _BREATH, _TEMPERATURE, strict=True)):
            if pain is not None and breath is not None and warmth is not None:
                readings = {"pain": Decimal(pain), "breath": Decimal(breath), "temperature": Decimal(warmth)}
                words = "The cough is worse at night." if n == len(_PAIN) - 1 else ""
                service.write(diary, readings, words, day=diary.first_day + timedelta(days=n))
    return {"diary_id": diary_id}
