"""The state machine of a call: which step leads from where to where. Nothing else writes ``Call.state``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SCHEDULED: Final = "scheduled"
INVITED: Final = "invited"
WAITING: Final = "waiting"  # the patient is here and looks at guidance or checks the devices
READY: Final = "ready"  # the patient is in the waiting room and can be admitted
ADMITTED: Final = "admitted"  # both may connect; no media has flowed yet
IN_CALL: Final = "in_call"
ON_HOLD: Final = "on_hold"
ENDED: Final = "ended"
MISSED: Final = "missed"
DECLINED: Final = "declined"

ALL: Final = (SCHEDULED, INVITED, WAITING, READY, ADMITTED, IN_CALL, ON_HOLD, ENDED, MISSED, DECLINED)
BEFORE: Final = (SCHEDULED, INVITED, WAITING, READY)
HERE: Final = (WAITING, READY, ADMITTED, IN_CALL, ON_HOLD)
TALKING: Final = (ADMITTED, IN_CALL)
OPEN: Final = (*BEFORE, *TALKING, ON_HOLD)
OVER: Final = (ENDED, MISSED, DECLINED)


@dataclass(frozen=True, slots=True)
class Step:
    """A step: the states that it may be taken in, the state that it leads to, and who may ask for it."""

    sources: tuple[str, ...]
    target: str
    asked_by: tuple[str, ...]


_STAFF: Final = ("clinician",)
_PATIENT: Final = ("patient",)
_SYSTEM: Final = ("system",)

STEPS: Final[Mapping[str, Step]] = {
    "invite": Step((SCHEDULED,), INVITED, _STAFF),
    "arrive": Step((SCHEDULED, INVITED), WAITING, _PATIENT),
    "ready": Step((WAITING,), READY, _PATIENT),
    "unready": Step((READY,), WAITING, (*_PATIENT, *_SYSTEM)),
    "leave_early": Step((WAITING, READY), SCHEDULED, _SYSTEM),
    "admit": Step((WAITING, READY), ADMITTED, _STAFF),
    "connect": Step((ADMITTED,), IN_CALL, (*_STAFF, *_PATIENT)),
    "hold": Step((WAITING, READY, ADMITTED, IN_CALL), ON_HOLD, _STAFF),
    "resume_checking": Step((ON_HOLD,), WAITING, _STAFF),
    "resume_waiting": Step((ON_HOLD,), READY, _STAFF),
    "resume": Step((ON_HOLD,), ADMITTED, _STAFF),
    "decline": Step((INVITED, WAITING, READY, ON_HOLD), DECLINED, _STAFF),
    "end": Step((ADMITTED, IN_CALL, ON_HOLD), ENDED, (*_STAFF, *_PATIENT, *_SYSTEM)),
    "cancel": Step((SCHEDULED, INVITED, WAITING, READY), ENDED, _STAFF),
    "miss": Step((SCHEDULED, INVITED, WAITING, READY), MISSED, _SYSTEM),
}


def may(step: str, state: str, role: str) -> bool:
    """May this role ask for this step in this state?"""
    known = STEPS[step]
    return state in known.sources and role in known.asked_by
