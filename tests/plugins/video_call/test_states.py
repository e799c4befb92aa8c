"""The state machine, by properties: whatever is asked in whatever order, by whomever."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.video_call import states

ROLES = ("clinician", "patient", "guest", "system")
asked = st.lists(st.tuples(st.sampled_from(sorted(states.STEPS)), st.sampled_from(ROLES)), max_size=40)


def walk(start: str, wishes: list[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """The steps that were taken: (step, role, state after it)."""
    state, taken = start, []
    for step, role in wishes:
        if states.may(step, state, role):
            state = states.STEPS[step].target
            taken.append((step, role, state))
    return taken


@given(start=st.sampled_from((states.SCHEDULED, states.INVITED)), wishes=asked)
def test_whatever_is_asked_the_promises_hold(start: str, wishes: list[tuple[str, str]]) -> None:
    taken = walk(start, wishes)
    reached = [start, *(state for _step, _role, state in taken)]
    assert set(reached) <= set(states.ALL)
    for before, after in pairwise(reached):
        assert before not in states.OVER, "nothing follows the end"
        assert before != after
    for place, (step, role, state) in enumerate(taken):
        assert role != "guest", "a guest takes no step"
        if state == states.ADMITTED:
            assert role == "clinician", "only the clinician lets anybody in"
        if state == states.IN_CALL:
            assert reached[place] == states.ADMITTED
        if role == "system":
            assert step in ("unready", "leave_early", "end", "miss")
        if role == "patient":
            assert step in ("arrive", "ready", "unready", "connect", "end")
    if states.IN_CALL in reached:
        assert reached.index(states.WAITING) < reached.index(states.ADMITTED) < reached.index(states.IN_CALL)


@given(wishes=asked)
def test_a_call_can_always_be_brought_to_an_end(wishes: list[tuple[str, str]]) -> None:
    taken = walk(states.INVITED, wishes)
    state = taken[-1][2] if taken else states.INVITED
    ways = [
        step
        for step, known in states.STEPS.items()
        if known.target in states.OVER and states.may(step, state, "clinician")
    ]
    assert ways or state in states.OVER


@pytest.mark.parametrize("state", states.ALL)
def test_every_state_is_one_of_the_groups(state: str) -> None:
    assert (state in states.OPEN) != (state in states.OVER)
    assert (state in states.BEFORE) <= (state in states.OPEN)
