"""Behind the patient's link: each state has its page, steps are the server's to take, guests see what is theirs."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from core import audit, db
from core.audit import AuditEntry
from core.links import Link
from core.realtime.models import Event
from core.web.lean import lean_file
from plugins.video_call import guests, participants, service, states
from plugins.video_call.models import Call
from tests.plugins.video_call.conftest import BASE, Handset, Made, clinician
from tests.support.house import House, Visitor
from tests.support.pages import text

STATIC = Path(__file__).parents[3] / "plugins" / "video_call" / "static"
Make = Callable[..., Made]
Enter = Callable[[Made], Handset]
See = Callable[[Made], Call]


def test_from_the_link_to_the_end(call_in: Make, enter: Enter, see: See, house: House) -> None:
    made = call_in("invited")
    phone = enter(made)
    page = text(phone.get())
    assert "You will see and talk to Amira Khan" in page
    assert "Start video call" in page
    assert see(made).state == states.WAITING  # the date of birth was right: they are here
    assert phone.post("/arrive").json["state"] == "waiting"
    said = phone.post("/ready", {"camera": True, "microphone": "yes", "speaker": True}).json
    assert (said["state"], said["position"]) == ("ready", 1)
    with house.at(made.practice_id, write=False):
        me = participants.of_actor(made.id, str(made.link_id))
        assert me is not None
        assert me.devices == {"camera": True, "microphone": False, "speaker": True}
    assert phone.post("/unready").json["state"] == "waiting"
    assert phone.post("/ready").json["state"] == "ready"
    with house.at(made.practice_id), audit.use_actor(clinician(house)):
        service.admit(db.session().get_one(Call, (made.practice_id, made.id)))
    assert phone.get("/state").json["state"] == "admitted"
    assert phone.post("/end").json["state"] == "ended"
    assert see(made).ended_by == "patient"
    assert phone.post("/ready").json["state"] == "ended"  # too late, and harmless


def test_camera_and_microphone_are_for_this_page_alone(call_in: Make, enter: Enter) -> None:
    phone = enter(call_in("invited"))
    assert "camera=(self), microphone=(self)" in phone.get().headers["Permissions-Policy"]
    assert "camera=()" in phone.get("/state").headers["Permissions-Policy"]


def test_no_address_says_what_it_is_about(call_in: Make, enter: Enter) -> None:
    phone = enter(call_in("invited"))
    for url in re.findall(r'(?:href|src|action|data-base)="([^"]+)"', phone.get().get_data(as_text=True)):
        assert not re.search(r"whitfield|margaret|patient_id", url, re.IGNORECASE)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("ended", "The consultation has ended"),
        ("declined", "Please call us."),
        ("declined", "The consultation cannot take place now"),
    ],
)
def test_what_is_over_says_how_it_ended(call_in: Make, enter: Enter, state: str, words: str) -> None:
    page = text(enter(call_in(state)).get())
    assert words in page
    assert "Start video call" not in page


def test_between_the_end_of_the_link_and_the_worker_both_pages_say_that_it_was_missed(
    call_in: Make, enter: Enter, amira: Visitor, house: House
) -> None:
    made = call_in("scheduled")
    phone = enter(made)
    assert "Start video call" in text(phone.get())
    with house.at(made.practice_id) as session:
        session.get_one(Call, (made.practice_id, made.id)).expires_at = db.utcnow()
    assert phone.get("/state").json["state"] == "missed", "the script goes to the last page"
    page = text(phone.get())
    assert "The consultation did not take place" in page
    assert "Start video call" not in page, "and this is the last page, which asks for nothing more"
    console = amira.get(f"{BASE}/calls/{made.id}")
    assert console.headers["Location"].endswith("/ended")
    ended = amira.get(console.headers["Location"])
    assert ended.status_code == 200
    assert "Patient did not come" in text(ended)
    assert 'value="no_show" selected' in ended.get_data(as_text=True)
    phone.post("/arrive")
    assert phone.post("/ready").json["state"] == "missed"
    noted = {"outcome": "unsuccessful", "reason": "no_show"}
    assert "Noted." in text(amira.post(f"{BASE}/calls/{made.id}/finish", noted, follow_redirects=True))


def test_whoever_closes_the_page_before_the_room_is_away_and_is_sent_a_new_link(
    call_in: Make, enter: Enter, see: See, amira: Visitor
) -> None:
    made = call_in("invited")
    phone = enter(made)
    assert phone.post("/arrive", {"new": True}).json["away"] is False
    listed = text(amira.get(f"{BASE}/"))
    assert "Patient is getting ready" in listed
    assert "Send again" not in listed
    assert phone.post("/leave").status_code == 204
    listed = text(amira.get(f"{BASE}/"))
    assert "Patient was here and left the page" in listed
    assert "Cancel" in listed
    assert phone.post("/arrive").json["away"] is False, "back again"
    phone.post("/leave")
    before = see(made).link_id
    again = amira.post(f"{BASE}/calls/{made.id}/again", follow_redirects=True)
    assert "Sent again with a new link." in text(again)
    assert see(made).link_id != before


def test_what_the_check_found_is_told_and_what_is_found_later_is_added(
    call_in: Make, enter: Enter, amira: Visitor, house: House
) -> None:
    made = call_in("waiting")
    phone = enter(made)
    phone.post("/ready", {"camera": True, "microphone": True, "speaker": True, "line": "fair"})
    page = text(amira.get(f"{BASE}/calls/{made.id}"))
    for word in ("Camera works", "Microphone works", "Sound works", "Slow line"):
        assert word in page
    assert "Slow line" in text(amira.get(f"{BASE}/"))
    phone.post("/ready", {"line": "good"})
    phone.post("/ready", {"line": "<b>"})
    page = text(amira.get(f"{BASE}/calls/{made.id}"))
    assert "Good line" in page
    assert "Sound works" in page, "what was not said again stays"
    with house.at(made.practice_id, write=False) as session:
        told = [event for event in session.scalars(select(Event)) if event.type == "devices"]
    assert {event.topic for event in told} >= {f"video_call.call:{made.id}"}


def test_feedback_is_taken_once_the_call_has_ended(call_in: Make, enter: Enter, see: See) -> None:
    made = call_in("ended")
    phone = enter(made)
    assert "How was the call?" in text(phone.get())
    phone.visitor.post(f"{phone.place}/feedback", {"score": "9"})
    assert "Please choose one of the three answers." in text(phone.get())
    phone.visitor.post(f"{phone.place}/feedback", {"score": "3", "text": " clear sound "})
    assert "Your answer has arrived" in text(phone.get())
    assert (see(made).feedback_score, see(made).feedback_text) == (3, "clear sound")


def test_a_call_that_goes_on_takes_no_feedback(call_in: Make, enter: Enter, see: See) -> None:
    made = call_in("in_call")
    phone = enter(made)
    phone.visitor.post(f"{phone.place}/feedback", {"score": "3"})
    assert see(made).feedback_score is None


def test_a_guest_sees_what_they_are_and_ends_nothing(
    call_in: Make, guest_of: Callable[..., tuple[UUID, Handset]], see: See, house: House
) -> None:
    made = call_in("ready")
    guest_id, phone = guest_of(made)
    page = text(phone.get())
    assert "Ines Costa" in page
    assert "Interpreter" in page
    assert "Whitfield" not in page
    said = phone.post("/ready").json
    assert (said["admitted"], said["participants"]) == (False, [])
    phone.post("/end")
    assert see(made).state == states.READY
    assert phone.visitor.post(f"{phone.place}/feedback", {"score": "1"}).status_code == 404
    with house.at(made.practice_id), audit.use_actor(clinician(house)):
        call = db.session().get_one(Call, (made.practice_id, made.id))
        guests.admit(call, guests.of_call(call, guest_id))
    assert phone.get("/state").json["admitted"] is True


def test_a_link_of_something_else_leads_nowhere_here(
    call_in: Make, enter: Enter, house: House, change_purpose: Callable[[Made, str], None]
) -> None:
    made = call_in("invited")
    phone = enter(made)
    change_purpose(made, "photo_request.photos")
    assert phone.get().status_code == 404
    assert phone.get("/state").status_code == 404


@pytest.fixture
def change_purpose(house: House) -> Callable[[Made, str], None]:
    def change(made: Made, purpose: str) -> None:
        with house.at(made.practice_id) as session:
            session.get_one(Link, (made.practice_id, made.link_id)).purpose = purpose

    return change


def test_every_step_of_the_patient_is_in_the_trail(call_in: Make, enter: Enter, house: House) -> None:
    made = call_in("invited")
    phone = enter(made)
    for step in ("arrive", "ready"):
        phone.post(f"/{step}")
    with house.at(made.practice_id, write=False) as session:
        steps = session.scalars(select(AuditEntry.action).where(AuditEntry.actor_id == str(made.link_id)))
        assert {"video_call.arrive", "video_call.ready"} <= set(steps)


def test_the_script_of_the_page_is_at_most_45_kb() -> None:
    """Everything up to and in the call, as it is sent: the page's own, the line's, the bus, the socket. The tools are
    fetched when the call is there, and have 18 kB of their own; so is what else comes after seeing and hearing."""
    core = STATIC.parents[2] / "core" / "web" / "static"
    late = [STATIC / "patient" / name for name in ("more.js", "interrupted.js", "selfview.js", "help.js")]
    page = [path for part in ("patient", "line") for path in sorted((STATIC / part).glob("*.js"))]
    page = [path for path in page if path not in late and path.name != "keys.js"]  # no phone loads it
    for_others = ("still.js", "record.js", "voice.js")  # the clinician's, and a guest's
    tools = [path for path in sorted((STATIC / "tools").glob("*.js")) if path.name not in for_others]
    assert _sent(page) + _sent([core / name for name in _SHARED]) <= 45_000
    assert _sent(tools) <= 18_000
    assert _sent(late) <= 4_000


# What packages bring has no comments.
_SHARED = ("js/bus.js", "js/words.js", "js/forms.js", "vendor/socket.io.esm.min.js")


def _sent(modules: list[Path]) -> int:
    """Bytes, compressed one by one as a server does."""
    return sum(len(gzip.compress(lean_file(path).encode(), 6)) for path in modules)
