"""When a call is over, or its patient away, without anybody saying so: invitations, links, silence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import update

from core import db, links
from plugins.video_call import lists, participants, presence, service, states
from plugins.video_call.errors import WrongState
from plugins.video_call.models import Call, Participant
from tests.plugins.video_call.conftest import Made, at, make_call
from tests.support.house import House


@pytest.mark.both_databases
def test_a_call_that_everybody_left_ends(house: House, see: Callable[[Made], Call]) -> None:
    left, spoken = make_call(house, states.IN_CALL), make_call(house, states.IN_CALL, family_name="Okafor")
    earlier = db.utcnow() - service.LEFT_FOR - timedelta(minutes=1)
    for made, seen in ((left, earlier), (spoken, db.utcnow())):
        with house.at(made.practice_id) as session:
            session.execute(update(Call).where(Call.id == made.id).values(updated_at=earlier))
            session.execute(update(Participant).where(Participant.call_id == made.id).values(seen_at=seen))
    with house.at(left.practice_id):
        assert service.end_left() == 1
    assert (see(left).state, see(left).ended_by) == (states.ENDED, "system")
    assert see(spoken).state == states.IN_CALL


def test_neither_link_nor_call_runs_out_while_the_patient_is_there(
    house: House, see: Callable[[Made], Call]
) -> None:
    made = make_call(house)
    with house.at(made.practice_id) as session:
        soon = db.utcnow() + timedelta(minutes=5)
        session.get_one(Call, (made.practice_id, made.id)).expires_at = soon
        links.get(made.link_id).expires_at = soon
    with at(house, made) as call, made.as_patient():
        service.arrive(call)
        service.ready(call)
    with house.at(made.practice_id, write=False):
        until = links.get(made.link_id).expires_at
    assert until == see(made).expires_at
    assert until > db.utcnow() + timedelta(hours=3)


def test_whoever_has_opened_the_link_has_hours_left_and_gets_more_as_long_as_they_stay(
    house: House, see: Callable[[Made], Call]
) -> None:
    made = make_call(house)
    for act in ("arrive", "stay"):
        with house.at(made.practice_id) as session:
            session.get_one(Call, (made.practice_id, made.id)).expires_at = db.utcnow() + timedelta(minutes=5)
        with at(house, made) as call, made.as_patient():
            me = participants.of_actor(made.id, str(made.link_id))
            assert me is not None
            service.arrive(call) if act == "arrive" else presence.here(call, me)
        assert see(made).expires_at > db.utcnow() + timedelta(hours=3), act


def test_an_invitation_that_ran_out_takes_no_step_any_more_but_its_result_can_be_noted(
    house: House, see: Callable[[Made], Call]
) -> None:
    made = make_call(house)
    gone = db.utcnow() - timedelta(minutes=1)
    with house.at(made.practice_id) as session:
        session.get_one(Call, (made.practice_id, made.id)).expires_at = gone
    with at(house, made) as call, made.as_patient():
        service.arrive(call)
    with at(house, made) as call, pytest.raises(WrongState):
        service.decline(call, "No.")
    assert see(made).state == states.INVITED
    with at(house, made) as call:
        service.finish(call, "unsuccessful", reason="no_show")
    call = see(made)
    assert (call.state, call.ended_at, call.outcome_reason) == (states.MISSED, gone, "no_show")


@pytest.mark.both_databases
def test_whoever_opened_the_link_and_says_nothing_is_away(house: House, see: Callable[[Made], Call]) -> None:
    silent, other, ready = (
        make_call(house, states.WAITING),
        make_call(house, states.WAITING, family_name="Okafor"),
        make_call(house, states.READY, family_name="Garnier"),
    )

    def away() -> list[bool]:
        with house.at(silent.practice_id):
            presence.sweep()
        return [see(made).patient_away_since is not None for made in (silent, other, ready)]

    assert away() == [False, False, False], "just come"
    long_ago = db.utcnow() - presence.QUIET_FOR - timedelta(seconds=5)
    with house.at(silent.practice_id) as session:
        session.execute(update(Call).values(waiting_at=long_ago))
        session.execute(
            update(Participant).where(Participant.call_id == other.id).values(seen_at=db.utcnow())
        )
    assert away() == [True, False, False]
    with house.at(silent.practice_id) as session:
        session.execute(update(Participant).where(Participant.call_id == other.id).values(seen_at=long_ago))
    assert away() == [True, True, False]


@pytest.mark.both_databases
def test_who_never_came_is_missed_and_counts_so_at_once(house: House, see: Callable[[Made], Call]) -> None:
    made, other = make_call(house), make_call(house, family_name="Okafor")
    with house.at(made.practice_id) as session:
        session.get_one(Call, (made.practice_id, made.id)).expires_at = db.utcnow() - timedelta(minutes=1)
    with house.at(made.practice_id, write=False):
        assert [row.call.id for row in lists.active()] == [other.id], "before the worker has come by"
        assert lists.row(see(made)).state == states.MISSED
    with house.at(made.practice_id):
        assert service.miss_due() == 1
        assert service.miss_due() == 0
    assert see(made).state == states.MISSED
    assert see(made).ended_at == see(made).expires_at
    assert see(other).state == states.INVITED
