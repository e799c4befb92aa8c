"""What a channel is given, what it answers, and how it says no."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message on its way out, free of any database: channels run outside a transaction.

    attempt: the number of this handing over; the provider hands it back in its callbacks.
    request_id: of the request that asked for it, for the log.
    """

    id: UUID
    attempt: int
    channel: str
    recipient: str
    subject: str | None
    body: str
    html: str | None
    language: str
    sender_name: str
    reply_to: str | None
    written_at: datetime
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The provider took it. state: "delivered" when there is no more to hear, else "sent"."""

    provider: str
    provider_id: str
    state: Literal["sent", "delivered"] = "sent"
    provider_state: str | None = None


class DeliveryFailed(Exception):
    """code: of ``reasons``; detail: the provider's own number ("21211", "550"), never its text, which names people."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        super().__init__(code if detail is None else f"{code} ({detail})")
        self.code = code
        self.detail = detail


class Rejected(DeliveryFailed):
    """For good: another try would be refused as well."""


class NotNow(DeliveryFailed):
    """For now. ``sick``: the provider itself is in trouble, whatever the message. ``maybe_taken``: it was handed
    over and the answer was lost, so that a callback may yet say it arrived: wait for that before the next try.
    ``after``: when the provider asked to be tried again."""

    def __init__(
        self,
        code: str,
        detail: str | None = None,
        *,
        sick: bool = False,
        maybe_taken: bool = False,
        after: timedelta | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.sick = sick
        self.maybe_taken = maybe_taken
        self.after = after


class Channel(Protocol):
    """A way out. ``deliver`` may take its time and is called from several threads. Raises Rejected or NotNow."""

    def deliver(self, message: Outgoing) -> Receipt: ...
