"""A link's life: issued, opened by the right date of birth only, locked, lifted, closed, sent again."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core import audit, db, links, tenancy
from core.audit import AuditEntry
from core.links import Link, LinkClosed, LinkNotFound, LinkPurpose, tokens
from core.links import changes as link_changes
from core.patients import Patient
from core.realtime import events_since
from core.realtime.models import Event
from tests.support.house import House

BORN = date(1951, 3, 14)  # Margaret Whitfield
WRONG = date(1951, 3, 15)


@dataclass(slots=True)
class Issued:
    house: House
    link_id: UUID
    url: str
    changes: list[str] = field(default_factory=list)

    @property
    def token(self) -> str:
        return self.url.rsplit("/", 1)[1]

    def at(self, *, write: bool = True):  # type: ignore[no-untyped-def]
        return self.house.at(self.house.riverside, write=write)

    def state(self) -> str:
        with self.at(write=False):
            return links.state(links.get(self.link_id))

    def enter(self, *dates: date) -> list[bool]:
        """Each in a request of its own."""
        answers = []
        for entered in dates:
            with self.at():
                answers.append(links.check_birth_date(links.get(self.link_id), entered))
        return answers

    def change(self, **values: object) -> None:
        with self.at():
            link = links.get(self.link_id)
            for name, value in values.items():
                setattr(link, name, value)

    def actions(self) -> list[str]:
        with self.at(write=False) as session:
            found = session.scalars(
                select(AuditEntry).where(AuditEntry.subject_id == self.link_id).order_by(AuditEntry.seq)
            )
            return [entry.action.removeprefix("link.") for entry in found]

    def events(self) -> list[str]:
        with self.at(write=False) as session:
            topic = f"core.link:{self.link_id}"
            found = session.scalars(select(Event).where(Event.topic == topic).order_by(Event.seq))
            return [event.type for event in found]


@pytest.fixture
def issued(house: House) -> Iterator[Issued]:
    """A link to Margaret Whitfield, and what the listeners hear of it."""
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        made = links.issue("photo_request.photos", patient_id, db.uuid7())
    found = Issued(house, made.link.id, made.url)

    def listen(link: Link, change: str) -> None:
        found.changes.append(change)

    links.on_changed(listen)
    yield found
    link_changes._listeners.remove(listen)


# --- issuing -------------------------------------------------------------------------------------------------------


def test_the_token_is_in_the_address_and_nowhere_in_the_database(issued: Issued) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/l/[a-z2-7]{32}", issued.url)
    with issued.at(write=False) as session:
        link = session.scalars(select(Link)).one()
        columns = " ".join(str(getattr(link, column.key)) for column in Link.__table__.columns)
    assert issued.token not in columns
    assert link.token_hash == tokens.digest(issued.token)


def test_a_token_has_160_random_bits() -> None:
    made = {tokens.new_token() for _ in range(500)}
    assert len(made) == 500
    assert {len(token) for token in made} == {32}
    # Every place takes every character: none of the 32 x 5 bits is fixed.
    assert all(len({token[place] for token in made}) > 20 for place in range(32))


def test_a_link_lives_as_long_as_the_practice_says(house: House) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        by_settings = links.issue("photo_request.photos", patient_id, db.uuid7()).link
        tenancy.current().link_days = 3
        by_practice = links.issue("photo_request.photos", patient_id, db.uuid7()).link
        by_caller = links.issue("photo_request.photos", patient_id, db.uuid7(), days=1).link
        lives = [link.expires_at - db.utcnow() for link in (by_settings, by_practice, by_caller)]
    assert [round(life / timedelta(days=1), 2) for life in lives] == [7, 3, 1]


@pytest.mark.parametrize("days", [0, -1, 91])
def test_a_life_of_no_days_or_for_ever_is_refused(house: House, days: int) -> None:
    with house.at(house.riverside), pytest.raises(ValueError):
        links.issue(
            "photo_request.photos", house.patient_id(house.riverside, "Whitfield"), db.uuid7(), days=days
        )


def test_a_link_to_another_practices_patient_cannot_be_issued(house: House) -> None:
    foreign = house.patient_id(house.lumiere, "Benali")
    with house.at(house.riverside):
        with pytest.raises(Exception, match=r"(?i)foreign key"):
            links.issue("photo_request.photos", foreign, db.uuid7())
        db.rollback()


# --- finding -------------------------------------------------------------------------------------------------------


def test_a_token_is_found_whatever_the_practice(issued: Issued) -> None:
    found = links.find(issued.token)
    assert found is not None
    assert (found.practice_id, found.link_id) == (issued.house.riverside, issued.link_id)


@given(st.text(max_size=60))
def test_what_is_no_token_is_found_without_asking_the_database(text: str) -> None:
    if not re.fullmatch(r"[a-z2-7]{32}", text):
        assert links.find(text) is None  # no database is configured here: a query would raise


def test_a_guessed_token_finds_nothing(issued: Issued) -> None:
    assert links.find(tokens.new_token()) is None
    assert links.find(issued.token[:-1] + ("a" if issued.token[-1] != "a" else "b")) is None


def test_a_link_of_another_practice_is_not_there(issued: Issued) -> None:
    with issued.house.at(issued.house.lumiere), pytest.raises(LinkNotFound):
        links.get(issued.link_id)
    for act in (links.cancel, links.unlock, links.complete, links.reissue):
        with issued.house.at(issued.house.lumiere), pytest.raises(LinkNotFound):
            act(issued.link_id)
    assert issued.state() == "active"


# --- the date of birth ---------------------------------------------------------------------------------------------


def test_the_right_date_opens_the_link(issued: Issued) -> None:
    assert issued.enter(BORN) == [True]
    assert issued.state() == "opened"
    assert issued.changes == issued.events() == ["opened"]
    assert issued.actions() == ["issued", "opened"]


def test_opening_again_is_noted_and_not_told_again(issued: Issued) -> None:
    assert issued.enter(BORN, BORN) == [True, True]
    assert issued.changes == ["opened"]
    assert issued.actions() == ["issued", "opened", "opened_again"]


def test_five_wrong_dates_lock_the_link_and_then_the_right_one_is_refused(issued: Issued) -> None:
    assert issued.enter(*[WRONG] * 4) == [False] * 4
    assert issued.state() == "active"
    assert issued.enter(WRONG) == [False]
    assert issued.state() == "locked"
    with pytest.raises(LinkClosed) as refusal:
        issued.enter(BORN)
    assert refusal.value.state == "locked"
    assert issued.changes == ["locked"]
    assert issued.events()[-1] == "locked"
    assert issued.actions() == ["issued", *["birth_date_wrong"] * 5, "locked"]


def test_the_right_date_gives_all_tries_back(issued: Issued) -> None:
    issued.enter(WRONG, WRONG, WRONG, WRONG, BORN, WRONG, WRONG, WRONG, WRONG)
    assert issued.state() == "opened"


def test_no_date_is_on_the_trail(issued: Issued) -> None:
    issued.enter(WRONG, BORN)
    with issued.at(write=False) as session:
        told = [str(entry.detail) for entry in session.scalars(select(AuditEntry))]
    assert not any("1951" in text for text in told)


@pytest.mark.both_databases
def test_parallel_guesses_get_no_more_than_five_tries(house: House) -> None:
    patient_id = house.patient_id(house.riverside, "Whitfield")
    with house.at(house.riverside):
        link_id = links.issue("photo_request.photos", patient_id, db.uuid7()).link.id
    start = threading.Barrier(12)
    answers: list[str] = []

    def guess(day: int) -> None:
        start.wait()
        try:
            with tenancy.practice_scope(house.riverside):
                right = links.check_birth_date(links.get(link_id), date(1990, 1, day))
            answers.append("right" if right else "wrong")
        except LinkClosed as refusal:
            answers.append(refusal.state)
        except Exception as error:
            answers.append(repr(error))

    threads = [threading.Thread(target=guess, args=(day,)) for day in range(1, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["locked"] * 7 + ["wrong"] * 5
    with house.at(house.riverside, write=False):
        assert (links.get(link_id).failed_tries, links.state(links.get(link_id))) == (5, "locked")
    assert audit.verify(house.riverside).intact


def test_a_patient_whose_date_was_corrected_enters_the_corrected_one(issued: Issued) -> None:
    with issued.at() as session:
        session.scalars(select(Patient).where(Patient.family_name == "Whitfield")).one().birth_date = WRONG
    assert issued.enter(WRONG) == [True]


# --- closing -------------------------------------------------------------------------------------------------------


def test_unlocking_gives_five_new_tries(issued: Issued) -> None:
    issued.enter(*[WRONG] * 5)
    with issued.at():
        links.unlock(issued.link_id)
    assert issued.state() == "active"
    assert issued.enter(*[WRONG] * 4, BORN) == [False] * 4 + [True]
    assert issued.changes == ["locked", "unlocked", "opened"]


def test_unlocking_what_is_not_locked_does_nothing(issued: Issued) -> None:
    issued.enter(WRONG, WRONG)
    with issued.at():
        links.unlock(issued.link_id)
    assert issued.enter(WRONG, WRONG, WRONG) == [False] * 3
    assert issued.state() == "locked"
    assert issued.changes == ["locked"]


@pytest.mark.parametrize(
    ("column", "state"),
    [
        ("cancelled_at", "cancelled"),
        ("completed_at", "used"),
        ("locked_at", "locked"),
        ("expires_at", "expired"),
    ],
)
def test_a_closed_link_looks_at_no_date(issued: Issued, column: str, state: str) -> None:
    issued.change(**{column: db.utcnow() - timedelta(seconds=1)})
    assert issued.state() == state
    for entered in (BORN, WRONG):
        with pytest.raises(LinkClosed) as refusal:
            issued.enter(entered)
        assert refusal.value.state == state
    with issued.at(write=False):
        assert links.get(issued.link_id).failed_tries == 0


def test_a_link_expires_by_the_clock_alone(issued: Issued) -> None:
    issued.enter(BORN)
    issued.change(expires_at=db.utcnow() + timedelta(seconds=30))
    assert issued.state() == "opened"
    issued.change(expires_at=db.utcnow())
    assert issued.state() == "expired"


def test_cancelling_closes_for_good_and_once(issued: Issued) -> None:
    for _ in range(2):
        with issued.at():
            links.cancel(issued.link_id)
    assert issued.state() == "cancelled"
    assert issued.changes == ["cancelled"]
    assert [type for type in issued.events() if type == "cancelled"] == ["cancelled"]


def test_completing_uses_the_link_up_and_cancelling_then_changes_nothing(issued: Issued) -> None:
    issued.enter(BORN)
    with issued.at():
        links.complete(issued.link_id)
        links.complete(issued.link_id)
        links.cancel(issued.link_id)
    assert issued.state() == "used"
    assert issued.changes == ["opened", "completed"]


def test_a_link_for_many_uses_stays_open_after_it_was_completed(issued: Issued) -> None:
    links.purposes.register(LinkPurpose("photo_request.photos", "Talk", "nowhere", reusable=True))
    issued.enter(BORN)
    with issued.at():
        links.complete(issued.link_id)
    assert issued.state() == "opened"


def test_sending_again_makes_a_new_link_and_cancels_the_old(issued: Issued) -> None:
    issued.enter(*[WRONG] * 5)
    with issued.at():
        again = links.reissue(issued.link_id)
        about = [link.id for link in links.of_subject(again.link.subject_id)]
    assert issued.state() == "cancelled"
    assert again.url != issued.url
    assert about == [again.link.id, issued.link_id]
    with issued.at():
        assert links.check_birth_date(links.get(again.link.id), BORN)


def test_a_listener_that_fails_undoes_the_change(issued: Issued) -> None:
    def refuse(link: Link, change: str) -> None:
        raise RuntimeError(change)

    links.on_changed(refuse)
    try:
        with suppress(RuntimeError):
            issued.enter(BORN)
    finally:
        link_changes._listeners.remove(refuse)
    assert issued.state() == "active"
    assert issued.events() == []


def test_what_is_told_on_the_bus_names_nobody(issued: Issued) -> None:
    issued.enter(BORN)
    with issued.at(write=False):
        told = events_since(0, [f"core.link:{issued.link_id}"])
    assert [(event.type, event.ids) for event in told] == [("opened", {"link_id": str(issued.link_id)})]
