"""A channel for tests, sending by it, and another time of day."""

from __future__ import annotations

from datetime import datetime

import pytest

from core import db
from core.notifications import Postman
from core.notifications.channels import Outgoing, Receipt
from tests.peers.clinic import Clinic


class Way:
    """A channel that takes everything, or raises what it is told to."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.taken: list[str] = []
        self.fault = fault

    def deliver(self, message: Outgoing) -> Receipt:
        self.taken.append(message.channel)
        if self.fault is not None and message.channel == "sms":
            raise self.fault
        return Receipt("test", f"test:{message.id}")


def deliver(clinic: Clinic, fault: Exception | None = None) -> list[str]:
    way = Way(fault)
    Postman(clinic.settings, {"sms": way, "email": way}).deliver_due()
    return way.taken


def move_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(db, "utcnow", lambda: moment)
    monkeypatch.setattr("core.db.lease.utcnow", lambda: moment)
