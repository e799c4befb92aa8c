"""What hangs under the bell of those who hold consultations, for as long as there is something to do about it."""

from __future__ import annotations

from typing import Final

from core.sdk import LazyString, Patient, _l, audit, notifications
from plugins.video_call.models import SUBJECT, Call

_CONDUCT: Final = "video_call.conduct"
_READY: Final = "video_call.ready:%s"
_HANDED: Final = "video_call.handed_over:%s"

QUIETED_BY: Final = frozenset({"admit", "unready", "end", "miss", "decline", "cancel", "transfer"})
"""The changes of a call after which nobody need be rung for it any more."""


def ready(call: Call, patient: Patient) -> None:
    """The patient is in the waiting room."""
    _ring(
        call,
        _READY,
        "video",
        _l("%(patient)s is ready for the video consultation", patient=patient.display_name),
    )


def handed_over(call: Call, patient: Patient) -> None:
    """Another clinician holds the call from now on. Who handed it over knows."""
    item = _ring(
        call,
        _HANDED,
        "arrows-exchange",
        _l(
            "%(by)s has handed the video consultation with %(patient)s over to %(to)s",
            by=audit.actor().name,
            patient=patient.display_name,
            to=call.clinician_name,
        ),
    )
    actor = audit.actor()
    if actor.kind == "staff":
        notifications.inbox.mark_read(int(actor.id), [item.id], permissions={_CONDUCT})


def quiet(call: Call) -> None:
    """Nothing waits for anybody here any more."""
    for key in (_READY, _HANDED):
        notifications.inbox.withdraw(key % call.id)


def _ring(call: Call, key: str, icon: str, title: LazyString) -> notifications.InboxItem:
    return notifications.inbox.notify(
        title,
        url=f"/video_call/calls/{call.id}",
        permission=_CONDUCT,
        icon=icon,
        subject=(SUBJECT, call.id),
        key=key % call.id,
        patient_id=call.patient_id,
    )
