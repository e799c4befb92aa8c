"""How a patient is reached about a call: by which ways, and with which link."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from core.sdk import Patient, links, notifications, utcnow
from plugins.video_call.models import PURPOSE, Call

_LONGEST: Final = 90


def own_channels(patient: Patient, call: Call) -> list[notifications.Channel]:
    """As they were invited, where that still works; else by any way that does. [] where there is none.

    To the patient's own addresses alone: a number that was given for the invitation may be somebody else's.
    """
    usable = [channel for channel, way in notifications.ways.to(patient).items() if way.usable]
    return [channel for channel in usable if channel in call.channels] or usable[:1]


def issue_link(patient: Patient, call: Call) -> links.IssuedLink:
    """A link to the call that works as long as the call may begin. It is the one that lists show from now on."""
    days = -(-(call.expires_at - utcnow()) // timedelta(days=1))
    issued = links.issue(PURPOSE, patient.id, call.id, days=min(max(1, days), _LONGEST))
    call.link_id = issued.link.id
    return issued
