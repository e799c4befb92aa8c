"""What a practice can set."""

from __future__ import annotations

from typing import Final, Literal, cast

from pydantic import BaseModel, Field

from core.sdk import _l, settings_of, settings_section

_INVITING: Final = _l("Inviting")
_PATIENT: Final = _l("What patients see")
_CALL: Final = _l("In the call")
_RECORD: Final = _l("Recording and pictures")


class VideoCallSettings(BaseModel):
    """Settings of video consultations in one practice."""

    link_days: int = Field(
        1,
        ge=1,
        le=30,
        title=_l("Days that an invitation works"),
        description=_l("1 to 30, counted from the invitation, or from the time of a planned consultation."),
        json_schema_extra=settings_section(_INVITING),
    )
    reminder_minutes: int = Field(
        60,
        ge=0,
        le=2880,
        title=_l("Minutes before a planned consultation that the patient is reminded"),
        description=_l("0 to 2880, which is two days. 0: no reminder."),
        json_schema_extra=settings_section(_INVITING),
    )
    documents_days: int = Field(
        30,
        ge=1,
        le=90,
        title=_l("Days that documents can be fetched"),
        description=_l(
            "1 to 90, counted from the end of the call. The patient gets a link when there is something."
        ),
        json_schema_extra=settings_section(_PATIENT),
    )
    default_channel: Literal["email", "sms"] = Field(
        "email",
        title=_l("Preferred way to send"),
        description=_l("Chosen beforehand when the patient has both a mobile number and an e-mail address."),
        json_schema_extra=settings_section(_INVITING),
    )
    guidance: str = Field(
        "",
        max_length=1000,
        title=_l("Your own guidance for patients"),
        description=_l("Shown before the check of camera and microphone, below the general guidance."),
        json_schema_extra=settings_section(_PATIENT),
    )
    after_call: str = Field(
        "",
        max_length=1000,
        title=_l("What happens after the call"),
        description=_l("Shown to patients when the consultation has ended."),
        json_schema_extra=settings_section(_PATIENT),
    )
    patient_may_draw: bool = Field(
        True,
        title=_l("Patients may draw, too"),
        description=_l(
            "On the blank page and over the shared screen. Off: they see what the clinician draws."
        ),
        json_schema_extra=settings_section(_CALL),
    )
    max_video_height: Literal["360", "480", "720", "1080"] = Field(
        "720",
        title=_l("Largest picture, in lines"),
        description=_l("Fewer lines need less of the patient's data volume."),
        json_schema_extra=settings_section(_CALL),
    )
    recording: Literal["off", "audio", "video"] = Field(
        "off",
        title=_l("Recording"),
        description=_l(
            "Recording needs the patient's consent in each call. Look up what the law of your country allows."
        ),
        json_schema_extra=settings_section(_RECORD),
    )
    record_years: int = Field(
        0,
        ge=0,
        le=50,
        title=_l("Years that consultations must stay"),
        description=_l(
            "Where the law obliges you to keep the medical record: when a patient's data is erased, notes, documents "
            "and kept pictures of consultations stay for so many years. 0: they go with the rest."
        ),
        json_schema_extra=settings_section(_RECORD),
    )


def here() -> VideoCallSettings:
    """The settings of the current practice."""
    return cast(VideoCallSettings, settings_of("video_call"))
