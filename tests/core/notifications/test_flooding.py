"""Nobody is flooded: so many messages an hour and a day for a number, an address, a patient."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from core import db, notifications, patients, settings
from core.notifications.channels import Rejected
from tests.core.notifications.sending import deliver
from tests.peers.clinic import INVITATION, LINK, Clinic

pytestmark = pytest.mark.both_databases


@pytest.fixture
def limited(clinic: Clinic) -> Clinic:
    settings.configure(
        clinic.settings.model_copy(
            update={"rate_limits": True, "messages_per_recipient_hour": 3, "messages_per_recipient_day": 5}
        )
    )
    return clinic


def test_the_fourth_message_in_an_hour_is_refused_with_when(limited: Clinic) -> None:
    ids = limited.send(count=3)
    with pytest.raises(notifications.TooManyMessages) as refused:
        limited.send()
    assert refused.value.status == 429
    assert refused.value.again_at - limited.message(ids[0]).created_at == pytest.approx(
        timedelta(hours=1), abs=timedelta(seconds=5)
    )
    assert len(limited.send("email", count=3)) == 3  # another address


def test_the_same_key_is_no_further_message(limited: Clinic) -> None:
    for _each in range(6):
        limited.send(key="once")


def test_one_number_is_counted_across_practices_and_is_nowhere_in_the_clear(limited: Clinic) -> None:
    limited.send(count=3)
    with limited.at(limited.lumiere), pytest.raises(notifications.TooManyMessages):
        notifications.send(
            INVITATION.name,
            patient=patients.get(limited.zoe),
            channels=["sms"],
            variables={"patient": "Zoé", "link": LINK, "note": ""},
            key=None,
            recipient="+44 7700 900123",
        )
    with db.scope(write=False) as session:
        hashes = set(session.scalars(select(notifications.RecipientLog.recipient_hash)))
    assert len(hashes) == 1
    assert "7700900123" not in str(hashes)


def test_one_patient_is_not_flooded_through_many_numbers(limited: Clinic) -> None:
    for number in range(6):
        limited.send(recipient=f"07700 90010{number}")
    with pytest.raises(notifications.TooManyMessages):
        limited.send(recipient="07700 900109")


def test_retries_are_counted_too(limited: Clinic) -> None:
    [text] = limited.send()
    for _again in range(2):
        deliver(limited, Rejected("recipient_invalid"))
        with limited.at():
            notifications.retry(text)
    deliver(limited, Rejected("recipient_invalid"))
    with limited.at(), pytest.raises(notifications.TooManyMessages):
        notifications.retry(text)


def test_the_limit_of_a_day_outlives_the_hour(limited: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    limited.send(count=3)
    later = db.utcnow() + timedelta(hours=2)
    monkeypatch.setattr(db, "utcnow", lambda: later)
    for each in range(2):
        limited.send(key=f"later-{each}")
    with pytest.raises(notifications.TooManyMessages):
        limited.send()
