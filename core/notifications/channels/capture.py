"""Sends nothing: the message stays in its row, where /dev/outbox shows it."""

from __future__ import annotations

from typing import Final

from core.notifications.channels.base import Outgoing, Receipt

NAME: Final = "capture"


class Capture:
    """For demo, development and tests: every message counts as delivered at once."""

    def deliver(self, message: Outgoing) -> Receipt:
        return Receipt(NAME, f"{NAME}:{message.id}", "delivered")
