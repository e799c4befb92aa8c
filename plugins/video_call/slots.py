"""The places on the staff's pages of a call that other plugins fill: what their panels are called with."""

from __future__ import annotations

from uuid import UUID

from core.sdk import Patient, abort, audit, can, tenancy
from plugins.video_call import service
from plugins.video_call.contexts import CallPageContext
from plugins.video_call.models import Call
from plugins.video_call.steps import CONDUCT, INVITE, find


def context(call: Call, patient: Patient) -> CallPageContext:
    """Whoever looks at a call now."""
    allowed = frozenset(name for name in (INVITE, CONDUCT) if can(name))
    return CallPageContext(tenancy.current(), int(audit.actor().id), allowed, call=call, patient=patient)


def restore(call_id: UUID) -> CallPageContext:
    """The same for a panel that reloads itself; for those alone who may see the page that it is on."""
    if not can(CONDUCT):
        abort(403)
    call = find(call_id)
    return context(call, service.patient_of(call))
