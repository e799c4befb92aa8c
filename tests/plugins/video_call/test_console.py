"""The clinician's page of a call: what it shows in each state, notes, and what its answers allow the browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from core.patients import Patient
from plugins.video_call import states
from plugins.video_call.models import Call
from tests.plugins.video_call.conftest import BASE, Made
from tests.support.house import House, Visitor
from tests.support.pages import text

SEE = Callable[[Made], Call]


@pytest.mark.parametrize(
    ("state", "words", "button"),
    [
        (states.INVITED, "Waiting for patient", "Send again"),
        (states.WAITING, "Patient is getting ready", "Admit Margaret Whitfield"),
        (states.READY, "Patient is ready", "Admit Margaret Whitfield"),
        (states.ON_HOLD, "On hold", "Go on"),
        (states.IN_CALL, "In the call", "End for everybody"),
    ],
)
def test_the_page_says_who_waits_and_what_can_be_done(
    amira: Visitor, call_in: Callable[..., Made], state: str, words: str, button: str
) -> None:
    made = call_in(state)
    answer = amira.get(f"{BASE}/calls/{made.id}")
    page = text(answer)
    assert words in page
    (tone,) = re.findall(
        r'class="vc-wait-head">\s*<span class="state state-(\w+)"', answer.get_data(as_text=True)
    )
    gold_or = {states.READY: "success", states.IN_CALL: "accent"}
    assert tone == gold_or.get(state, "warning")
    if state != states.IN_CALL:
        assert words in text(amira.get(f"{BASE}/")), "the list says the same"
    assert button in page
    assert "Margaret Whitfield" in page


def test_a_call_that_is_over_leads_to_the_page_after_it(amira: Visitor, call_in: Callable[..., Made]) -> None:
    made = call_in(states.ENDED)
    answer = amira.get(f"{BASE}/calls/{made.id}")
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith(f"/calls/{made.id}/ended")


def test_reception_does_not_see_the_call(grace: Visitor, call_in: Callable[..., Made]) -> None:
    made = call_in(states.READY)
    assert grace.get(f"{BASE}/calls/{made.id}").status_code == 403


def test_notes_are_kept_while_they_are_typed(amira: Visitor, call_in: Callable[..., Made], see: SEE) -> None:
    made = call_in(states.IN_CALL)
    assert amira.post(f"{BASE}/calls/{made.id}/notes", {"notes": "Rash, 3 days"}).status_code == 204
    assert amira.post(f"{BASE}/calls/{made.id}/notes", {"notes": "Rash, 3 days, no fever"}).status_code == 204
    assert see(made).notes == "Rash, 3 days, no fever"
    assert "Rash, 3 days, no fever" in text(amira.get(f"{BASE}/calls/{made.id}"))


def test_camera_and_screen_are_for_the_call_alone(amira: Visitor, call_in: Callable[..., Made]) -> None:
    made = call_in(states.READY)
    features = amira.get(f"{BASE}/calls/{made.id}").headers["Permissions-Policy"]
    for device in ("camera", "microphone", "display-capture", "fullscreen", "screen-wake-lock"):
        assert f"{device}=(self)" in features
    assert "camera=()" in amira.get(f"{BASE}/").headers["Permissions-Policy"]


def test_nothing_but_our_own_hosts_can_be_fetched_and_assembly_runs_in_the_worker_alone(
    amira: Visitor, call_in: Callable[..., Made]
) -> None:
    made = call_in(states.READY)
    page = amira.get(f"{BASE}/calls/{made.id}").headers["Content-Security-Policy"]
    assert "connect-src 'self' ws://localhost;" in page
    assert "wasm" not in page
    worker = amira.get(f"{BASE}/background.js")
    assert worker.mimetype == "text/javascript"
    assert worker.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"
    )


def test_a_restricted_record_is_marked_on_today_and_on_the_page_of_the_call(
    house: House, amira: Visitor, call_in: Callable[..., Made]
) -> None:
    made = call_in(states.READY)
    with house.at(made.practice_id) as session:
        session.get_one(Patient, (made.practice_id, made.patient_id)).restricted = True
    assert "Restricted record: you are asked why you need it" in text(amira.get("/p/riverside/"))
    amira.post(f"/p/riverside/emergency/{made.patient_id}", {"reason": "Called about chest pain just now"})
    page = amira.get(f"{BASE}/calls/{made.id}").get_data(as_text=True)
    assert re.search(r'class="vc-name">.*class="restricted-mark"', page)
