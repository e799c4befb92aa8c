"""What a practice can set."""

from __future__ import annotations

from typing import cast

from core.sdk import _l, settings_of
from pydantic import BaseModel, Field


class SymptomDiarySettings(BaseModel):
    """Settings of symptom diaries in one practice."""

    days: int = Field(
        14, ge=3, le=60, title=_l("Days"), description=_l("How long a diary usually runs, 3 to 60 days.")
    )
    hour: int = Field(
        18,
        ge=6,
        le=22,
        title=_l("Hour of the reminder"),
        description=_l("When patients who have not written yet are reminded, 6 to 22 o’clock."),
    )


def here() -> SymptomDiarySettings:
    """The settings of the current practice."""
    return cast(SymptomDiarySettings, settings_of("symptom_diary"))
