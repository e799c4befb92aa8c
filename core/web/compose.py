"""What the macros of ``compose.html`` show: a message that is being written, as its patient will receive it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from core import i18n, notifications
from core.errors import Refused
from core.notifications import Preview
from core.patients import Patient


def shown(patient: Patient, channels: Collection[str], make: Callable[[], Preview]) -> dict[str, Any]:
    """The template's ``preview`` or, where ``make`` refuses, ``problem``; and the ways to this patient.

    channels: those that are ticked. ``sent_by`` are the previews to show, e-mail first.
    """
    language = notifications.language_for(patient).partition("-")[0]
    preview, problem = None, None
    try:
        preview = make()
    except Refused as refusal:
        problem = refusal.message
    return {
        "preview": preview,
        "problem": problem,
        "language_name": i18n.LANGUAGES.get(language, language),
        "ways": notifications.ways.to(patient),
        "sent_by": [channel for channel in ("email", "sms") if channel in channels],
    }
