"""The core's own panels of the patient workspace: contact, messages, timeline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from core.i18n import _l
from core.plugin_system import Panel, PatientContext
from core.web import communication, contact, timeline

PERMISSION: Final = "core.view_patients"


def panels(ctx: PatientContext, offered: Iterable[Panel]) -> list[Panel]:
    """Contact, messages and timeline. The timeline listens to whatever the plugins' panels listen to."""
    own_topic = ctx.topic("core.patient", ctx.patient.id)
    heard = {topic: None for panel in offered if ctx.can(panel.permission) for topic in panel.topics}
    messages = ctx.topic("core.notification", ctx.patient.id)
    return [
        Panel("patient.side", "contact", _l("Contact"), contact.panel, PERMISSION, [own_topic], order=10),
        Panel(
            "patient.side",
            "communication",
            _l("Messages to the patient"),
            communication.panel,
            PERMISSION,
            [own_topic, messages, *heard],
            order=800,
        ),
        Panel(
            "patient.main",
            "timeline",
            _l("Timeline"),
            timeline.panel,
            PERMISSION,
            [own_topic, messages, *heard],
            order=900,
            lazy=True,
            skeleton=8,
        ),
    ]
