"""The ways out of the house, chosen by the settings."""

from __future__ import annotations

from core.notifications.channels.base import Channel, DeliveryFailed, NotNow, Outgoing, Receipt, Rejected
from core.notifications.channels.capture import Capture
from core.notifications.channels.smtp import Smtp
from core.notifications.channels.twilio import Twilio
from core.settings import Settings

__all__ = ["Channel", "DeliveryFailed", "NotNow", "Outgoing", "Receipt", "Rejected", "for_settings"]


def for_settings(settings: Settings) -> dict[str, Channel]:
    """The channel for "sms" and the one for "email", as these settings ask."""
    return {
        "sms": Twilio(settings) if settings.sms_backend == "twilio" else Capture(),
        "email": Smtp(settings) if settings.email_backend == "smtp" else Capture(),
    }
