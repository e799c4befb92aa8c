"""Guests in a call: everybody reads what they are, and whoever is removed is told."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from core import db
from plugins.video_call import presence, states
from plugins.video_call.models import Call, Participant
from tests.plugins.video_call.conftest import BASE, Handset, Made
from tests.support.house import House, Visitor
from tests.support.pages import text

GUEST_OF = Callable[..., tuple[UUID, Handset]]


def test_what_a_guest_is_stands_beside_the_name(
    house: House,
    amira: Visitor,
    call_in: Callable[..., Made],
    guest_of: GUEST_OF,
    enter: Callable[[Made], Handset],
) -> None:
    made = call_in(states.IN_CALL)
    guest_id, guest = guest_of(made)
    console = amira.get(f"{BASE}/calls/{made.id}")
    assert "Ines Costa Interpreter" in text(console)
    amira.post(f"{BASE}/calls/{made.id}/guests/{guest_id}/admit")
    with house.at(made.practice_id, write=False):
        call, person = db.get(Call, made.id), db.get(Participant, guest_id)
        assert call is not None
        assert person is not None
        assert (
            presence.shown(person)["as_what"] == "interpreter"
        )  # a code: each page has the word in its language
    for page in (console, enter(made).get("/"), guest.get("/")):
        assert '"as_interpreter": "Interpreter"' in page.get_data(as_text=True)
    clinician = next(p for p in enter(made).get("/state").json["participants"] if p["role"] == "guest")
    assert clinician["as_what"] == "Interpreter"


def test_a_guest_is_removed_in_the_call_once_that_is_confirmed_and_reads_it(
    amira: Visitor, call_in: Callable[..., Made], guest_of: GUEST_OF
) -> None:
    made = call_in(states.IN_CALL)
    guest_id, guest = guest_of(made)
    amira.post(f"{BASE}/calls/{made.id}/guests/{guest_id}/admit")
    page = text(amira.get(f"{BASE}/calls/{made.id}?fragment=1"))
    assert "Remove Ines Costa?" in page
    assert "no longer sees or hears anybody, and is told so." in page
    amira.post(f"{BASE}/calls/{made.id}/guests/{guest_id}/remove", {"back": "call"})
    assert "Ines Costa" not in text(amira.get(f"{BASE}/calls/{made.id}?fragment=1"))
    assert "Riverside Surgery has withdrawn it." in text(guest.get("/"))
    assert guest.get("/state").status_code == 410
