"""What a practice can set."""

from __future__ import annotations

from typing import Final, Literal, cast

from pydantic import BaseModel, Field

from core.sdk import _l, settings_of, settings_section

MAX_BYTES: Final = 15 * 1024 * 1024
"""All photos of one request together. Fixed: the phone pages, the web server and the texts rely on it."""

MAX_PHOTOS: Final = 10


_ASKING: Final = _l("Asking for photos")
_PATIENT: Final = _l("What patients see")
_RECORD: Final = _l("The medical record")


class PhotoRequestSettings(BaseModel):
    """Settings of photo requests in one practice."""

    link_days: int | None = Field(
        None,
        ge=1,
        le=30,
        title=_l("Days that a link works"),
        description=_l("1 to 30. Leave it empty to use the practice's usual time."),
        json_schema_extra=settings_section(_ASKING),
    )
    max_photos: int = Field(
        MAX_PHOTOS,
        ge=1,
        le=MAX_PHOTOS,
        title=_l("Photos per request"),
        description=_l("How many photos a patient may send for one request, 1 to 10."),
        json_schema_extra=settings_section(_ASKING),
    )
    default_channel: Literal["sms", "email"] = Field(
        "sms",
        title=_l("Preferred way to send"),
        description=_l("Chosen beforehand when the patient has both a mobile number and an e-mail address."),
        json_schema_extra=settings_section(_ASKING),
    )
    guidance: str = Field(
        "",
        max_length=1000,
        title=_l("Your own guidance for patients"),
        description=_l("Shown before the patient chooses photos, below the general guidance."),
        json_schema_extra=settings_section(_PATIENT),
    )
    record_years: int = Field(
        0,
        ge=0,
        le=50,
        title=_l("Years that kept photos must stay"),
        description=_l(
            "Where the law obliges you to keep the medical record: when a patient's data is erased, photos that were "
            "kept in the record stay for so many years. 0: they go with the rest."
        ),
        json_schema_extra=settings_section(_RECORD),
    )


def here() -> PhotoRequestSettings:
    """The settings of the current practice."""
    return cast(PhotoRequestSettings, settings_of("photo_request"))
