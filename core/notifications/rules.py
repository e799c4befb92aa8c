"""A practice's rules for its messages: how many a minute, when not, for how much, and what when a text fails.

Kept in the practice's profile as what differs from the defaults. ``admission`` holds messages to them.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import update

from core import audit, db, tenancy
from core.i18n import LazyString, _l
from core.jobs import wakeup
from core.notifications.models import MessageMeter, Notification

PERMISSION: Final = "core.manage_messages"
HELD_BY_RULES: Final = ("throttled", "quiet_hours", "budget_spent")
"""The reasons for which a message waits because of these rules."""

_KEY: Final = "messages"

Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)]


def _said(default: Any, title: LazyString, description: LazyString, **more: Any) -> Any:
    # Pydantic asks for text where we have text that waits for its reader's language; it hands it on untouched.
    words: dict[str, Any] = {"title": title, "description": description}
    return Field(default, **words, **more)


class MessageRules(BaseModel):
    """texts_a_minute, emails_a_minute: never more than these in any minute, half of them at once.

    quiet_*: wall clock of the practice; nothing but urgent messages goes between them. Both or neither.
    monthly_segments: parts of texts that a calendar month may cost. budget_spent: what becomes of texts after that.
    email_instead: an e-mail goes when a text could not be sent or did not arrive. Off unless a practice wants it: an
    address may be a family's.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    texts_a_minute: int = _said(
        600,
        _l("Texts a minute"),
        _l("Never more than this in any minute. The others wait for their turn."),
        ge=1,
        le=6000,
    )
    emails_a_minute: int = _said(
        600,
        _l("E-mails a minute"),
        _l("Never more than this in any minute. The others wait for their turn."),
        ge=1,
        le=6000,
    )
    quiet_texts_from: Clock | None = _said(
        None,
        _l("No texts from"),
        _l("For example 21:00, by your practice's clock. Urgent messages still go."),
    )
    quiet_texts_until: Clock | None = _said(None, _l("No texts until"), _l("For example 08:00."))
    quiet_emails_from: Clock | None = _said(
        None,
        _l("No e-mails from"),
        _l("For example 21:00, by your practice's clock. Urgent messages still go."),
    )
    quiet_emails_until: Clock | None = _said(None, _l("No e-mails until"), _l("For example 08:00."))
    monthly_segments: int | None = _said(
        None,
        _l("Budget for texts"),
        _l(
            "How many parts of texts a month may cost; a long text has several. You are told when four fifths are "
            "used. Empty: no limit."
        ),
        ge=1,
        le=10_000_000,
    )
    budget_spent: Literal["wait", "email"] = _said(
        "wait",
        _l("When the budget is used up"),
        _l("Texts that wait go when the budget is raised or a new month begins."),
        json_schema_extra={"options": {"wait": _l("Texts wait"), "email": _l("Send an e-mail instead")}},
    )
    only_with_consent: bool = _said(
        False,
        _l("Only with consent"),
        _l(
            "Write only to patients who were asked and said yes. Without it, to everybody but those who said no."
        ),
    )
    email_instead: bool = _said(
        False,
        _l("E-mail when a text fails"),
        _l(
            "When a text cannot be sent or does not arrive and the patient has an e-mail address, send an e-mail."
        ),
    )

    def a_minute(self, channel: str) -> int:
        """How many messages of a channel may go in any minute."""
        return self.texts_a_minute if channel == "sms" else self.emails_a_minute

    def quiet_until(self, channel: str, now: datetime, zone: str) -> datetime | None:
        """When the quiet hours that ``now`` falls into end; None when it falls into none."""
        start, end = (
            (self.quiet_texts_from, self.quiet_texts_until)
            if channel == "sms"
            else (self.quiet_emails_from, self.quiet_emails_until)
        )
        if start is None or end is None or start == end:
            return None
        here = now.astimezone(ZoneInfo(zone))
        begins, ends, clock = time.fromisoformat(start), time.fromisoformat(end), here.time()
        over_night = begins > ends
        is_quiet = (clock >= begins or clock < ends) if over_night else begins <= clock < ends
        if not is_quiet:
            return None
        day = here.date() + timedelta(days=1 if over_night and clock >= begins else 0)
        # By the wall clock of that day: the night on which clocks change is an hour shorter or longer.
        return datetime.combine(day, ends, here.tzinfo).astimezone(now.tzinfo)


def load() -> MessageRules:
    """The rules of the current practice. What is stored and no longer fits falls back to the default."""
    stored = dict(tenancy.current().profile.get(_KEY) or {})
    while True:
        try:
            return MessageRules.model_validate(stored)
        except ValidationError as error:
            for wrong in {str(item["loc"][0]) for item in error.errors() if item["loc"]}:
                stored.pop(wrong, None)


def save(values: dict[str, Any]) -> MessageRules:
    """Make these the practice's rules; what waited because of the old ones is looked at again at once.

    Raises pydantic's ValidationError; nothing is stored then.
    """
    rules = MessageRules.model_validate(values)
    practice = tenancy.held()
    before = load()
    practice.profile = {**practice.profile, _KEY: rules.model_dump(mode="json", exclude_defaults=True)}
    names = [name for name in MessageRules.model_fields if getattr(rules, name) != getattr(before, name)]
    audit.record("messages.rules_changed", detail={"fields": ", ".join(sorted(names))})
    session, now = db.session(), db.utcnow()
    session.execute(
        update(Notification)
        .where(Notification.state == "queued", Notification.last_error.in_(HELD_BY_RULES))
        .values(due_at=now, slot_at=None)
    )
    session.execute(update(MessageMeter).values(next_at=None))
    db.after_commit(wakeup.ring)
    return rules
