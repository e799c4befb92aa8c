"""Words that are more than labels: what the patient agrees to, and why a photo is rejected.

The consent is stored with each batch of photos, word for word in the patient's language. Whoever changes its
meaning raises CONSENT_VERSION, so that a record shows which wording a person saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.sdk import LazyString, _, _l, audit
from plugins.photo_request.models import CANCELLED, COMPLETED, EXPIRED, OPENED, RECEIVED, SENT

CONSENT_VERSION: Final = "2026-11"

STATES: Final = {
    SENT: _l("Sent, not opened"),
    OPENED: _l("Opened"),
    RECEIVED: _l("Photos received"),
    COMPLETED: _l("Completed"),
    CANCELLED: _l("Cancelled"),
    EXPIRED: _l("Expired"),
}
"""How a request stands, in tables and exports."""


def consent_wording(practice_name: str) -> str:
    """The wording that the patient agrees to, in the current language."""
    return f"{use_wording(practice_name)} {intimate_wording()}"


def use_wording(practice_name: str) -> str:
    """What the photos are used for."""
    return _(
        "I agree that %(practice)s receives these photos, uses them for my care and keeps them in my medical "
        "record.",
        practice=practice_name,
    )


def intimate_wording() -> str:
    """The statement that is ticked."""
    return _(
        "None of the photos shows an intimate area (genitals, buttocks or breasts). "
        "This matters above all for photos of a child."
    )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a photo is rejected: the clinician's label and the sentence that asks the patient again."""

    code: str
    label: LazyString
    ask: LazyString


REASONS: Final = {
    reason.code: reason
    for reason in (
        Reason(
            "blurred", _l("Blurred"), _l("The photo is blurred. Please hold the phone still and try again.")
        ),
        Reason(
            "dark", _l("Too dark"), _l("The photo is too dark. Please take it in daylight or a bright room.")
        ),
        Reason(
            "wrong_area",
            _l("Not the right area"),
            _l("The photo does not show the area that we need to see."),
        ),
        Reason(
            "intimate",
            _l("Shows an intimate area"),
            _l("We cannot take photos of intimate areas. Please call us if that is where the problem is."),
        ),
        Reason("other", _l("Another reason"), _l("We need a new photo.")),
    )
}


audit.describe(
    {
        "photo_request.sent": _l("Photo request sent"),
        "photo_request.opened": _l("Photo request opened by the patient"),
        "photo_request.agreed": _l("Patient agreed to how photos are used"),
        "photo_request.photo_received": _l("Photo received"),
        "photo_request.photo_viewed": _l("Photo seen in full size"),
        "photo_request.photo_kept": _l("Photo kept in the record"),
        "photo_request.photo_rejected": _l("Photo rejected"),
        "photo_request.photo_commented": _l("Comment on a photo"),
        "photo_request.taken": _l("Photo request taken on"),
        "photo_request.released": _l("Photo request open to everybody again"),
        "photo_request.completed": _l("Photo request completed"),
        "photo_request.cancelled": _l("Photo request cancelled"),
        "photo_request.expired": _l("Photo request expired"),
    }
)
