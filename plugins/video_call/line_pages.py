"""How the line of a call was, for the clinician: a few words and figures for each side, and the whole log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from core.sdk import LazyString, _l
from plugins.video_call import line_log, service
from plugins.video_call.pages import page
from plugins.video_call.steps import CONDUCT, find, routes

__all__ = ["routes"]

KINDS: Final[Mapping[str, LazyString]] = {
    "connected": _l("Connected"),
    "stalled": _l("Nothing arrived any more"),
    "restarted": _l("Another way was looked for"),
    "rebuilt": _l("A new connection was made"),
    "relayed": _l("The relay alone was tried"),
    "lost": _l("Lost for so long that the phone was offered"),
    "recovered": _l("It went on"),
    "quality": _l("Measured"),
}
ROLES: Final[Mapping[str, LazyString]] = {
    "clinician": _l("At the clinician’s"),
    "patient": _l("At the patient’s"),
    "guest": _l("At a guest’s"),
}


@routes.get("/calls/<uuid:call_id>/line", permission=CONDUCT)
def line(call_id: UUID) -> Any:
    """The quality of the line of one call."""
    call = find(call_id)
    return page(
        "line.html",
        call=call,
        patient=service.patient_of(call),
        summaries=line_log.summaries(call.id),
        entries=line_log.entries(call.id),
        kinds=KINDS,
        roles=ROLES,
    )
