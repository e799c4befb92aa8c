"""What this plugin's hooks and slots are called with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.sdk import Patient, StaffContext
from plugins.video_call.models import Call

Outcome = Literal["completed", "unsuccessful"]
NotHeld = Literal["cancelled", "missed", "declined"]


@dataclass(frozen=True, slots=True)
class CallContext:
    """Something happened to a call."""

    call: Call


@dataclass(frozen=True, slots=True)
class OutcomeContext:
    """A consultation ended and the clinician said how. reason: a code where it was unsuccessful."""

    call: Call
    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class NotHeldContext:
    """A consultation will not take place. why: "cancelled" (by the practice), "missed" or "declined"."""

    call: Call
    why: NotHeld


@dataclass(frozen=True, slots=True)
class CallPageContext(StaffContext):
    """A page of a call, seen by staff."""

    call: Call
    patient: Patient


@dataclass(frozen=True, slots=True)
class PatientPageContext:
    """A page of a call, seen by its patient, who has no permissions: the link let them in."""

    call: Call
    patient: Patient
