"""The bell of those who hold consultations: it rings while there is something to do, and for nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from core import audit, db
from core.i18n import use_language
from core.notifications import inbox
from core.realtime.events import events_since
from core.security import colleagues
from plugins.video_call import service, states
from plugins.video_call.models import Call
from tests.plugins.video_call.conftest import BASE, Made, clinician
from tests.support.house import House, Visitor
from tests.support.pages import text

READY = "Margaret Whitfield is ready for the video consultation"


def rung(house: House, made: Made) -> list[str]:
    """What hangs under Tom's bell."""
    with house.at(made.practice_id, write=False):
        return [entry.title for entry in inbox.items(int(clinician(house, "tom").id), {"video_call.conduct"})]


def take(house: House, made: Made, step: Callable[[Call], object], *, patient: bool = False) -> None:
    with house.at(made.practice_id), made.as_patient() if patient else audit.use_actor(clinician(house)):
        step(db.session().get_one(Call, (made.practice_id, made.id)))


@pytest.mark.both_databases
def test_a_patient_who_is_ready_rings_until_somebody_acts(house: House, call_in: Callable[..., Made]) -> None:
    steps: list[tuple[Callable[[Call], object], bool]] = [
        (service.admit, False),
        (service.cancel, False),
        (lambda call: service.decline(call, "Please call us."), False),
        (service.link_cancelled, False),
        (service.unready, True),
    ]
    for step, by_patient in steps:
        made = call_in(states.READY)
        assert rung(house, made) == [READY]
        take(house, made, step, patient=by_patient)
        assert rung(house, made) == []
        with house.at(made.practice_id, write=False):
            assert ("core.inbox", "withdrawn") in [(event.topic, event.type) for event in events_since(0)]
    take(house, made, service.ready, patient=True)
    assert rung(house, made) == [READY], "who comes back rings anew"


def test_a_call_that_is_handed_over_rings_for_who_holds_it_now(
    house: House, amira: Visitor, visitor: Callable[[], Visitor], call_in: Callable[..., Made]
) -> None:
    made = call_in(states.READY)
    with house.at(made.practice_id, write=False):
        known = {one.name: one.user_id for one in colleagues.who_may("video_call.conduct")}
    amira.post(f"{BASE}/calls/{made.id}/transfer", {"to": known["Tom Ashworth"]})
    told = "Amira Khan has handed the video consultation with Margaret Whitfield over to Tom Ashworth"
    assert rung(house, made) == [told]
    tom = visitor()
    tom.sign_in("tom")
    assert told in text(tom.get("/p/riverside/"))
    with house.at(made.practice_id, write=False):
        (mine,) = inbox.items(int(clinician(house).id), {"video_call.conduct"})
        assert mine.read, "who handed it over knows"
        assert mine.url == f"{BASE}/calls/{made.id}"
        with use_language("fr"):
            (mine,) = inbox.items(int(clinician(house).id), {"video_call.conduct"})
        assert mine.title.startswith("Amira Khan a transmis")
    tom.post(f"{BASE}/calls/{made.id}/admit")
    assert rung(house, made) == []
