"""The life of a request under any order of events, and under two events at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from core import audit, db, files, links
from plugins.photo_request import intake, review, service
from plugins.photo_request.errors import PhotoNotReady, RequestClosed, UploadRefused
from plugins.photo_request.intake import Chosen
from plugins.photo_request.models import (
    ARRIVED_STATES,
    CANCELLED,
    COMPLETED,
    EXPIRED,
    KEPT,
    OPEN_STATES,
    OPENED,
    READY,
    RECEIVED,
    REJECTED,
    SENT,
    UNREADABLE,
    Photo,
    Request,
)
from plugins.photo_request.settings import MAX_BYTES
from tests.plugins.photo_request.conftest import AMIRA, Sent, ask
from tests.support.house import House


def file_row(size: int) -> files.File:
    """A file as `files.keep` leaves it, without bytes: the lifecycle never looks at those."""
    file = files.File(
        id=uuid4(),
        owner="photo_request",
        name="photo.jpg",
        media_type="image/jpeg",
        size=size,
        sha256="0" * 64,
        width=10,
        height=10,
    )
    db.session().add(file)
    db.session().flush()
    return file


class Life(RuleBasedStateMachine):
    """One request; the model is its state and the photos that count."""

    house: House

    @initialize()
    def ask(self) -> None:
        self.sent = ask(self.house, self.house.riverside, "Whitfield")
        self.state = SENT
        self.sizes: dict[UUID, int] = {}

    def row(self) -> Request:
        return db.session().get_one(Request, (self.sent.practice_id, self.sent.id))

    def either(self, allowed: bool, act: Callable[[Request], object], to: str) -> None:
        """Do it; when the model does not allow it, it must be refused and change nothing."""
        with self.house.at(self.sent.practice_id), audit.use_actor(AMIRA):
            if allowed:
                act(self.row())
            else:
                with pytest.raises(RequestClosed):
                    act(self.row())
        if allowed:
            self.state = to

    @rule()
    def open(self) -> None:
        with self.house.at(self.sent.practice_id):
            service.mark_opened(self.sent.id)
        if self.state == SENT:
            self.state = OPENED

    @rule(size=st.one_of(st.integers(1, 3_000_000), st.just(MAX_BYTES)))
    def send_photo(self, size: int) -> None:
        fits = len(self.sizes) < 10 and sum(self.sizes.values()) + size <= MAX_BYTES
        uuid = uuid4()
        with self.house.at(self.sent.practice_id):
            request = self.row()
            if self.state in OPEN_STATES and fits:
                intake.declare_photos(request, [Chosen(uuid, size)], agreed=True)
                photo = intake.accept(request, uuid, file_row(size))
                intake.photo_ready(photo.file_id or uuid4())
                self.sizes[photo.id] = size
                self.state = RECEIVED
                return
            with pytest.raises(UploadRefused):
                intake.accept(request, uuid, file_row(size))

    @rule(data=st.data())
    def break_photo(self, data: st.DataObject) -> None:
        """The worker finds that an earlier photo cannot be read."""
        if not self.sizes or self.state != RECEIVED:
            return
        id = data.draw(st.sampled_from(sorted(self.sizes)))
        with self.house.at(self.sent.practice_id) as session:
            photo = session.get_one(Photo, (self.sent.practice_id, id))
            photo.state = "received"
            session.flush()
            intake.photo_unreadable(photo.file_id or uuid4(), "damaged")
            intake.photo_unreadable(photo.file_id or uuid4(), "damaged")
        del self.sizes[id]

    @rule(data=st.data(), keep=st.booleans())
    def decide(self, data: st.DataObject, keep: bool) -> None:
        if not self.sizes:
            return
        id = data.draw(st.sampled_from(sorted(self.sizes)))
        with self.house.at(self.sent.practice_id) as session, audit.use_actor(AMIRA):
            photo = session.get_one(Photo, (self.sent.practice_id, id))
            if keep:
                review.keep(photo)
            else:
                review.reject(photo, "blurred")
            assert photo.state == (KEPT if keep else REJECTED)
            assert photo.reviewed_by_name == "Amira Khan"

    @rule()
    def cancel(self) -> None:
        self.either(self.state in (SENT, OPENED, EXPIRED), service.cancel, CANCELLED)

    @rule()
    def complete(self) -> None:
        self.either(self.state == RECEIVED, service.complete, COMPLETED)

    @rule()
    def expire(self) -> None:
        with self.house.at(self.sent.practice_id):
            service.expire_due(self.row().expires_at + timedelta(seconds=1))
        if self.state in (SENT, OPENED):
            self.state = EXPIRED

    @rule()
    def send_again(self) -> None:
        with self.house.at(self.sent.practice_id), audit.use_actor(AMIRA):
            again = service.send_again(self.row())
            assert again.supersedes == self.sent.id
            service.cancel(again)
        if self.state in (SENT, OPENED):
            self.state = CANCELLED

    @invariant()
    def the_row_says_what_the_model_says(self) -> None:
        if not hasattr(self, "sent"):
            return
        with self.house.at(self.sent.practice_id, write=False) as session:
            request = self.row()
            assert request.state == self.state
            assert (request.photo_count, request.byte_count) == (len(self.sizes), sum(self.sizes.values()))
            counted = session.scalars(
                select(Photo).where(Photo.request_id == self.sent.id, Photo.state.in_(ARRIVED_STATES))
            ).all()
            assert {photo.id for photo in counted} == self.sizes.keys()
            expected = {CANCELLED: "cancelled", COMPLETED: "used"}.get(self.state)
            if expected is not None:
                assert links.state(links.get(request.link_id)) == expected


def test_any_order_of_events_keeps_a_request_true(house: House) -> None:
    class Here(Life):
        pass

    Here.house = house
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=25,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.both_databases
def test_of_two_photos_that_end_at_once_one_gets_the_last_place(house: House, asked: Sent) -> None:
    size = 1000
    uuids = [uuid4() for _ in range(2)]
    with house.at(house.riverside) as session:
        request = session.get_one(Request, (house.riverside, asked.id))
        intake.declare_photos(request, [Chosen(uuid, size) for uuid in uuids], agreed=True)
        request.photo_count = request.max_photos - 1
    outcomes = together([lambda uuid=uuid: arrive(house, asked, uuid, size) for uuid in uuids])
    assert sorted(outcomes) == ["taken", "too_many"]
    with house.at(house.riverside, write=False) as session:
        assert session.get_one(Request, (house.riverside, asked.id)).photo_count == 10
        states = session.scalars(select(Photo.state).where(Photo.request_id == asked.id)).all()
        assert sorted(states) == ["expected", "received"]
        kept = session.scalars(select(files.File.id)).all()
        assert len(kept) == 1, "what was refused is not kept"


@pytest.mark.both_databases
def test_the_same_photo_from_two_connections_counts_once(house: House, asked: Sent) -> None:
    uuid = uuid4()
    with house.at(house.riverside) as session:
        request = session.get_one(Request, (house.riverside, asked.id))
        intake.declare_photos(request, [Chosen(uuid, 500)], agreed=True)
    together([lambda: arrive(house, asked, uuid, 500)] * 4)
    with house.at(house.riverside, write=False) as session:
        request = session.get_one(Request, (house.riverside, asked.id))
        assert (request.photo_count, request.byte_count, request.state) == (1, 500, RECEIVED)


@pytest.mark.both_databases
def test_of_two_colleagues_who_close_a_request_one_does(house: House, asked: Sent) -> None:
    def close() -> str:
        try:
            with house.at(house.riverside) as session:
                service.cancel(session.get_one(Request, (house.riverside, asked.id)))
        except RequestClosed:
            return "late"
        return "closed"

    assert sorted(together([close, close])) == ["closed", "late"]


def arrive(house: House, sent: Sent, uuid: UUID, size: int) -> str:
    try:
        with house.at(sent.practice_id) as session:
            intake.accept(session.get_one(Request, (sent.practice_id, sent.id)), uuid, file_row(size))
    except UploadRefused as refusal:
        return refusal.reason
    return "taken"


def together(acts: list[Callable[[], str]]) -> list[str]:
    """Run these at the same moment, each in a thread of its own, and answer what they say."""
    start, said = threading.Barrier(len(acts)), []

    def run(act: Callable[[], str]) -> None:
        start.wait()
        said.append(act())

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(said) == len(acts), "each came to an end"
    return said


def test_nobody_decides_about_a_photo_that_cannot_be_seen(house: House, asked: Sent) -> None:
    with house.at(house.riverside) as session:
        request = session.get_one(Request, (house.riverside, asked.id))
        uuid = uuid4()
        intake.declare_photos(request, [Chosen(uuid, 10)], agreed=True)
        photo = intake.accept(request, uuid, file_row(10))
        for state in ("received", UNREADABLE):
            photo.state = state
            with pytest.raises(PhotoNotReady):
                review.keep(photo)
        photo.state = READY
        review.keep(photo)
        assert photo.state == KEPT
