"""A practice's rules: throttle, quiet hours, budget, failover, and that nobody is flooded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sqlalchemy import select

from core import db, i18n, notifications, patients
from core.notifications import (
    MessageMeter,
    MessageRules,
    Notification,
    Postman,
    admission,
    failover,
    inbox,
    rules,
)
from core.notifications.channels import NotNow, Rejected
from core.notifications.channels.twilio import NAME as TWILIO
from core.patients import contact_states
from tests.core.notifications.sending import Way, deliver, move_clock
from tests.peers.clinic import INVITATION, LINK, Clinic

pytestmark = pytest.mark.both_databases


def rule(clinic: Clinic, **values: Any) -> None:
    with clinic.at():
        rules.save(values)


def instead(clinic: Clinic, text: UUID) -> Notification | None:
    with clinic.at(write=False):
        return failover.of(text)


# --- throttle -----------------------------------------------------------------------------------------------------


@given(st.integers(1, 600), st.lists(st.floats(0, 90), min_size=1, max_size=300))
def test_no_minute_has_more_than_the_throttle_says(a_minute: int, gaps: list[float]) -> None:
    meter = MessageMeter(channel="sms")
    now = datetime(2026, 11, 22, tzinfo=UTC)
    slots = []
    for gap in gaps:
        now += timedelta(seconds=gap if gap > 60 else gap / 100)
        slots.append(admission._take_slot(meter, a_minute, now))
    slots.sort()
    for first, later in zip(slots, slots[a_minute:], strict=False):
        assert later - first >= timedelta(minutes=1) - timedelta(milliseconds=1)


def test_messages_beyond_the_throttle_get_their_turn_and_are_asked_once(clinic: Clinic) -> None:
    rule(clinic, texts_a_minute=4)
    ids = clinic.send(count=6)
    assert deliver(clinic) == ["sms", "sms"]  # half of them at once
    waiting = [row for row in map(clinic.message, ids) if row.state == "queued"]
    assert [row.last_error for row in waiting] == ["throttled"] * 4
    assert sorted(row.slot_at for row in waiting) == sorted({row.due_at for row in waiting})
    assert {row.attempts for row in waiting} == {0}
    clinic.make_due(waiting[0].id)
    assert deliver(clinic) == []  # its turn is a moment, not a place in the queue


def test_a_turn_that_has_come_is_not_asked_for_twice(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    rule(clinic, texts_a_minute=1)
    clinic.send(count=2)
    assert deliver(clinic) == ["sms"]
    move_clock(monkeypatch, db.utcnow() + timedelta(seconds=61))
    assert deliver(clinic) == ["sms"]


def test_an_urgent_message_does_not_wait_for_its_turn(clinic: Clinic) -> None:
    rule(clinic, texts_a_minute=1)
    *_others, last = clinic.send(count=5)
    with clinic.at():
        notifications.get(last).urgent = True
    assert len(deliver(clinic)) == 2
    assert clinic.message(last).state == "sent"


def test_one_practice_does_not_wait_for_another(clinic: Clinic) -> None:
    rule(clinic, texts_a_minute=1)
    clinic.send(count=3)
    with clinic.at(clinic.lumiere):
        notifications.send(
            INVITATION.name,
            patient=patients.get(clinic.zoe),
            channels=["sms"],
            variables={"patient": "Zoé", "link": LINK, "note": ""},
            key=None,
        )
    assert len(deliver(clinic)) == 2


# --- quiet hours --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-07-01T20:30+00:00", "2026-07-02T07:00+00:00"),  # half past nine in the evening, in summer time
        ("2026-07-02T06:59+00:00", "2026-07-02T07:00+00:00"),
        ("2026-07-02T07:00+00:00", None),
        ("2026-07-01T19:59+00:00", None),
        ("2026-12-01T20:30+00:00", None),
        ("2026-10-24T22:00+00:00", "2026-10-25T08:00+00:00"),  # the clocks go back in between
    ],
)
def test_quiet_hours_are_those_of_the_practices_clock(now: str, ends: str | None) -> None:
    chosen = MessageRules(quiet_texts_from="21:00", quiet_texts_until="08:00")
    expected = datetime.fromisoformat(ends) if ends else None
    assert chosen.quiet_until("sms", datetime.fromisoformat(now), "Europe/London") == expected
    assert chosen.quiet_until("email", datetime.fromisoformat(now), "Europe/London") is None


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.times(), st.times())
def test_what_waits_for_the_end_of_quiet_hours_then_goes(now: datetime, begins: Any, ends: Any) -> None:
    chosen = MessageRules(quiet_texts_from=f"{begins:%H:%M}", quiet_texts_until=f"{ends:%H:%M}")
    until = chosen.quiet_until("sms", now.replace(tzinfo=UTC), "Europe/London")
    if until is not None:
        assert (
            now.replace(tzinfo=UTC) - timedelta(hours=1)
            < until
            <= now.replace(tzinfo=UTC) + timedelta(hours=26)
        )
        assert (
            f"{until.astimezone(__import__('zoneinfo').ZoneInfo('Europe/London')):%H:%M}" == f"{ends:%H:%M}"
        )


@pytest.fixture
def evening(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A winter's evening after every message that a test writes; the clock stands still at it."""
    moment = datetime(db.utcnow().year + 1, 12, 1, 22, tzinfo=UTC)
    move_clock(monkeypatch, moment)
    return moment


def test_a_text_waits_for_the_morning_and_an_urgent_one_does_not(clinic: Clinic, evening: datetime) -> None:
    rule(clinic, quiet_texts_from="21:00", quiet_texts_until="08:00")
    calm, urgent = clinic.send(count=2)
    with clinic.at():
        notifications.get(urgent).urgent = True
    assert deliver(clinic) == ["sms"]
    row = clinic.message(calm)
    assert (row.state, row.last_error) == ("queued", "quiet_hours")
    assert row.due_at == evening + timedelta(hours=10)
    assert clinic.message(urgent).state == "sent"


def test_new_rules_count_at_once_for_what_waits(clinic: Clinic, evening: datetime) -> None:
    rule(clinic, quiet_texts_from="21:00", quiet_texts_until="08:00")
    clinic.send()
    assert deliver(clinic) == []
    rule(clinic)
    assert deliver(clinic) == ["sms"]


def test_rules_that_make_no_sense_are_refused_and_nothing_is_stored(clinic: Clinic) -> None:
    rule(clinic, texts_a_minute=7)
    for wrong in ({"texts_a_minute": 0}, {"quiet_texts_from": "25:00"}, {"monthly_segments": -1}):
        with clinic.at(), pytest.raises(ValidationError):
            rules.save(wrong)
    with clinic.at(write=False):
        assert rules.load().texts_a_minute == 7


def test_what_waits_when_consent_is_asked_for_goes_only_to_who_gave_it(
    clinic: Clinic, evening: datetime
) -> None:
    hours = {"quiet_texts_from": "21:00", "quiet_texts_until": "08:00"}
    rule(clinic, **hours)
    [asked] = clinic.send()
    assert deliver(clinic) == []
    rule(clinic, only_with_consent=True)
    assert deliver(clinic) == []
    row = clinic.message(asked)
    assert (row.state, row.last_error) == ("dead", "consent_unknown")
    with clinic.at(), i18n.use_language("en"):
        assert notifications.reason(row.last_error).startswith("Nobody has asked the patient yet")
        contact_states.set_consent(clinic.ada, "sms", "given")
        notifications.retry(asked)
    assert deliver(clinic) == ["sms"]


# --- budget -------------------------------------------------------------------------------------------------------


def bell(clinic: Clinic) -> list[str]:
    with clinic.at(write=False), i18n.use_language("en"):
        return [item.title for item in inbox.items(1, [rules.PERMISSION])]


def used(clinic: Clinic) -> int:
    with clinic.at(write=False):
        return admission.usage().used


def test_the_budget_warns_at_four_fifths_and_stops_visibly_at_all(clinic: Clinic) -> None:
    size = clinic.message(clinic.send()[0]).segments or 1
    rule(clinic, monthly_segments=5 * size)
    ids = clinic.send(count=5)
    assert len(deliver(clinic)) == 5
    assert used(clinic) == 5 * size
    [last] = [row for row in map(clinic.message, ids) if row.state == "queued"]
    assert last.last_error == "budget_spent"
    assert bell(clinic) == [
        "The budget for texts is used up: texts no longer go",
        "Four fifths of this month's budget for texts are used",
    ]
    clinic.make_due(last.id)
    assert deliver(clinic) == []
    assert len(bell(clinic)) == 2  # said once
    rule(clinic, monthly_segments=6 * size)
    assert deliver(clinic) == ["sms"]


def test_a_new_month_has_a_new_budget(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    rule(clinic, monthly_segments=2)
    clinic.send()
    deliver(clinic)
    assert used(clinic) > 0
    now = db.utcnow()
    move_clock(monkeypatch, (now.replace(day=1) + timedelta(days=32)).replace(day=2))
    assert used(clinic) == 0


def test_what_the_provider_refuses_costs_nothing_and_what_it_may_have_taken_does(clinic: Clinic) -> None:
    clinic.send()
    deliver(clinic, Rejected("recipient_invalid"))
    assert used(clinic) == 0
    [tried] = clinic.send()
    deliver(clinic, NotNow("provider_busy"))
    assert used(clinic) == 0
    clinic.make_due(tried)
    deliver(clinic, NotNow("provider_timeout", maybe_taken=True))
    assert used(clinic) == clinic.message(tried).segments


def test_beyond_the_budget_an_email_goes_where_the_rules_say_so(clinic: Clinic) -> None:
    rule(clinic, monthly_segments=1, budget_spent="email")
    with clinic.at():
        admission._meter("sms").segments = 1
        admission._meter("sms").month = admission.usage().month
    [text] = clinic.send()
    assert deliver(clinic) == ["email"]
    assert (clinic.message(text).state, clinic.message(text).last_error) == ("cancelled", "budget_spent")


# --- failover -----------------------------------------------------------------------------------------------------


def test_an_email_goes_instead_of_a_text_that_is_refused(clinic: Clinic) -> None:
    rule(clinic, email_instead=True)
    [text] = clinic.send(key="k")
    assert deliver(clinic, Rejected("recipient_not_mobile")) == ["sms", "email"]
    made = instead(clinic, text)
    assert made is not None
    assert (made.recipient, made.state, made.failover_of) == ("ada@example.com", "sent", text)
    assert LINK in made.body
    assert clinic.message(text).state == "dead"


@pytest.mark.parametrize("case", ["off", "no_address", "other_number", "has_email", "same_key"])
def test_no_email_goes_instead_when(clinic: Clinic, case: str) -> None:
    rule(clinic, email_instead=case != "off")
    if case == "no_address":
        with clinic.at():
            patients.get(clinic.ada).email = None
    if case == "has_email":
        clinic.send("email")
    if case == "same_key":
        clinic.send("email", key="k")
    other = {"recipient": "07700 900111"} if case == "other_number" else {}
    [text] = clinic.send(key="k", **other)
    deliver(clinic, Rejected("recipient_invalid"))
    assert clinic.message(text).state == "dead"
    assert instead(clinic, text) is None


def test_a_text_that_arrives_after_all_takes_the_waiting_email_back(clinic: Clinic) -> None:
    rule(clinic, email_instead=True)
    [text] = clinic.send()
    with clinic.at():
        notifications.get(text).attempt_limit = 1
    Postman(clinic.settings, {"sms": Way(NotNow("provider_timeout", maybe_taken=True))}).deliver(
        *Postman(clinic.settings, {"sms": Way()}).claim(1)[0]
    )
    made = instead(clinic, text)
    assert made is not None
    assert (clinic.message(text).state, made.state) == ("dead", "queued")
    assert notifications.twilio_reports("SM1", "delivered", None, notification_id=text, attempt=1)
    assert clinic.message(text).state == "delivered"
    assert clinic.message(made.id).state == "cancelled"


def test_a_text_that_failed_later_is_followed_by_one_email(clinic: Clinic) -> None:
    rule(clinic, email_instead=True)
    [text] = clinic.send()
    deliver(clinic)
    with clinic.at():
        row = notifications.get(text)
        row.provider, row.provider_id = TWILIO, "SM7"
    for _again in range(3):
        notifications.twilio_reports("SM7", "undelivered", 30003, notification_id=text, attempt=1)
    with clinic.at(write=False) as session:
        emails = session.scalars(select(Notification).where(Notification.channel == "email")).all()
    assert [row.failover_of for row in emails] == [text]


def test_a_text_is_not_sent_again_once_its_email_is_out(clinic: Clinic) -> None:
    rule(clinic, email_instead=True)
    [text] = clinic.send()
    deliver(clinic, Rejected("recipient_invalid"))
    with clinic.at(), pytest.raises(notifications.WrongState):
        notifications.retry(text)


def test_the_values_of_a_text_go_when_its_links_do(clinic: Clinic) -> None:
    [text] = clinic.send()
    assert clinic.message(text).variables is not None
    with clinic.at():
        notifications.delivery.mask(notifications.get(text))
    assert clinic.message(text).variables is None
