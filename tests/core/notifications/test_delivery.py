"""Between the row and the provider: leases, lost databases, links that are made unreadable."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from core import db, notifications, patients, tenancy
from core.notifications import Postman, delivery
from core.notifications.breaker import FAULTS, Breaker
from core.notifications.channels import Outgoing, Receipt
from core.notifications.masking import MASK, mask_links
from tests.peers.clinic import INVITATION, LINK, Clinic

pytestmark = pytest.mark.both_databases


class Way:
    """A channel that calls back while it is delivering."""

    def __init__(self, act: object = None) -> None:
        self.taken: list[UUID] = []
        self.act = act

    def deliver(self, message: Outgoing) -> Receipt:
        assert not db.in_scope(), "a transaction is open while the provider is asked"
        self.taken.append(message.id)
        if callable(self.act):
            self.act()
        return Receipt("test", f"test:{message.id}")


def postman(clinic: Clinic, way: Way) -> Postman:
    return Postman(clinic.settings, {"sms": way, "email": way})


def test_no_transaction_is_open_while_the_provider_is_asked(clinic: Clinic) -> None:
    def write_elsewhere() -> None:
        # Would wait for five seconds and fail if the delivery held SQLite's write lock.
        with clinic.at():
            patients.create(given_names="A", family_name="B", birth_date="2000-01-01")

    [sent] = clinic.send()
    postman(clinic, Way(write_elsewhere)).deliver_due()
    assert clinic.message(sent).state == "sent"


def test_a_channel_that_breaks_is_a_fault_of_ours_and_tried_again(clinic: Clinic) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    [sent] = clinic.send()
    postman(clinic, Way(broken)).deliver_due()
    row = clinic.message(sent)
    assert (row.state, row.last_error, row.error_detail) == ("queued", "internal", "ZeroDivisionError")


def test_a_database_that_is_away_after_the_hand_over_is_waited_for(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    [sent] = clinic.send()
    enter, failures = tenancy.practice_scope, 2

    def flaky(practice_id: UUID, *, write: bool = True) -> object:
        nonlocal failures
        if write and failures:
            failures -= 1
            raise OperationalError("BEGIN", {}, Exception("database is locked"))
        return enter(practice_id, write=write)

    monkeypatch.setattr(tenancy, "practice_scope", flaky)
    way = Way()
    worker = postman(clinic, way)
    worker.deliver_due()
    monkeypatch.undo()
    assert way.taken == [sent]
    assert clinic.message(sent).state == "sent"


def test_a_yes_counts_even_when_the_lease_was_lost_meanwhile(clinic: Clinic) -> None:
    [sent] = clinic.send()

    def lose_the_lease() -> None:
        with clinic.at():
            row = notifications.get(sent)
            assert row is not None
            row.attempts, row.state = row.attempts + 1, "queued"

    way = Way(lose_the_lease)
    worker = postman(clinic, way)
    worker.deliver(*worker.claim(1)[0])
    assert clinic.message(sent).state == "sent"
    assert worker.deliver_due() == 0
    assert way.taken == [sent]


def test_a_message_whose_patient_was_deleted_meanwhile_is_let_go(clinic: Clinic) -> None:
    clinic.send()

    def delete() -> None:
        with clinic.at() as session:
            session.delete(patients.get(clinic.ada))

    assert postman(clinic, Way(delete)).deliver_due() == 1


def test_the_lease_is_renewed_while_a_provider_takes_its_time(clinic: Clinic) -> None:
    [sent] = clinic.send()
    worker = postman(clinic, Way())
    claimed = worker.claim(1)
    with clinic.at():
        row = notifications.get(sent)
        assert row is not None
        row.lease_until = db.utcnow() + timedelta(seconds=1)
    worker.renew(claimed)
    renewed = clinic.message(sent).lease_until
    assert renewed is not None
    assert renewed > db.utcnow() + timedelta(seconds=30)


def test_twenty_transactions_with_one_key_make_one_message(clinic: Clinic) -> None:
    ids: list[UUID] = []
    errors: list[Exception] = []

    def send() -> None:
        try:
            ids.extend(clinic.send(key="once"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=send) for _each in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(ids) == 20
    assert len(set(ids)) == 1


def test_links_of_old_messages_are_made_unreadable(clinic: Clinic) -> None:
    [dead], [waiting] = clinic.send(recipient="07700 900111"), clinic.send()
    with clinic.at():
        row = notifications.get(dead)
        assert row is not None
        row.state, row.expires_at = "dead", db.utcnow() - timedelta(seconds=1)
    delivery.mask_old({})
    assert LINK not in clinic.message(dead).body
    assert LINK in clinic.message(waiting).body
    with clinic.at(), pytest.raises(notifications.WrongState):
        notifications.retry(dead)


def test_what_dev_outbox_shows_stays_readable_in_an_open_house_only(clinic: Clinic) -> None:
    [shown] = clinic.send()
    clinic.deliver()
    with clinic.at():
        row = notifications.get(shown)
        assert row is not None
        row.expires_at = db.utcnow() - timedelta(seconds=1)
    delivery.mask_old({})
    assert LINK in clinic.message(shown).body
    from core import settings

    settings.configure(clinic.settings.model_copy(update={"environment": "production"}))
    delivery.mask_old({})
    assert LINK not in clinic.message(shown).body


@given(st.text(max_size=60), st.text("abcXYZ019_-", min_size=8, max_size=60), st.text(max_size=60))
def test_no_key_is_left_whatever_stands_around_it(before: str, token: str, after: str) -> None:
    masked = mask_links(f"{before} https://x.example/l/{token} {after}")
    assert f"/l/{token}" not in masked
    assert MASK in masked


def test_the_breaker_lets_one_try_after_its_pause() -> None:
    now = 0.0
    breaker = Breaker(clock=lambda: now)
    for _fault in range(FAULTS):
        assert breaker.pause() == 0
        breaker.sick("provider_timeout")
    assert breaker.pause() > 0
    now = 100.0
    assert breaker.pause() == 0  # this one tries
    assert breaker.pause() > 0  # the others wait for it
    breaker.well()
    assert breaker.pause() == 0


def test_a_fault_before_the_hand_over_is_a_try_and_ends(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(row: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("core.notifications.admission.admit", broken)
    [sent] = clinic.send()
    with clinic.at():
        notifications.get(sent).attempt_limit = 2  # type: ignore[union-attr]
    way = Way()
    for attempt, state in ((1, "queued"), (2, "dead")):
        clinic.make_due(sent)
        postman(clinic, way).deliver_due()
        row = clinic.message(sent)
        assert (row.attempts, row.state, row.error_detail) == (attempt, state, "ZeroDivisionError")
    assert way.taken == []


def test_a_message_over_which_every_worker_dies_is_given_up(clinic: Clinic) -> None:
    [sent] = clinic.send()
    way = Way()
    with clinic.at():
        row = notifications.get(sent)
        assert row is not None
        row.attempts = row.attempt_limit  # leased, and never heard of again, so many times
    postman(clinic, way).deliver_due()
    assert (clinic.message(sent).state, clinic.message(sent).last_error) == ("dead", "internal")
    assert way.taken == []


def test_a_message_of_one_practice_goes_in_its_name(clinic: Clinic) -> None:
    senders: list[str] = []

    class Listening(Way):
        def deliver(self, message: Outgoing) -> Receipt:
            senders.append(message.sender_name)
            return super().deliver(message)

    clinic.send()
    with clinic.at(clinic.lumiere):
        notifications.send(
            INVITATION.name,
            patient=patients.get(clinic.zoe),
            channels=["sms"],
            variables={"patient": "Zoé", "link": LINK, "note": ""},
            key=None,
        )
    postman(clinic, Listening()).deliver_due()
    assert sorted(senders) == ["Cabinet Lumière", "Riverside Surgery"]
