"""A consultation in every state, the patient's phone behind its link, the clinician's browser.

``call_in("ready")`` makes a call of Margaret Whitfield that Amira holds, and brings it there as people would.
``with house.at(made.practice_id), made.as_patient(): ...`` is a scope of the patient.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from core import audit, db, notifications, patients
from core.audit import Actor
from plugins.video_call import guests, invitations, service, states
from plugins.video_call.invitations import Wish
from plugins.video_call.models import Call
from tests.support.house import House, Visitor

BASE = "/p/riverside/video_call"
_WAY = {
    states.SCHEDULED: (),
    states.INVITED: (),
    states.WAITING: ("arrive",),
    states.READY: ("arrive", "ready"),
    states.ADMITTED: ("arrive", "ready", "admit"),
    states.IN_CALL: ("arrive", "ready", "admit", "connect"),
    states.ON_HOLD: ("arrive", "ready", "admit", "connect", "hold"),
    states.ENDED: ("arrive", "ready", "admit", "connect", "end"),
    states.DECLINED: ("arrive", "ready", "decline"),
    states.MISSED: ("miss",),
}


@dataclass(frozen=True, slots=True)
class Made:
    """A call, and the link that its patient got."""

    practice_id: UUID
    id: UUID
    patient_id: UUID
    link_id: UUID
    path: str
    born: tuple[int, int, int]

    def as_patient(self) -> AbstractContextManager[None]:
        return audit.use_actor(Actor("patient", str(self.link_id), "patient"))


@dataclass(frozen=True, slots=True)
class Handset:
    """A phone behind the link of a call, past the date of birth (or the button, for a guest)."""

    visitor: Visitor
    place: str

    def get(self, path: str = "/", **options: Any) -> Any:
        return self.visitor.get(self.place + path, **options)

    def post(self, path: str, body: object = None) -> Any:
        """POST JSON as the page's script does."""
        return self.visitor.post(
            self.place + path,
            json.dumps(body or {}),
            content_type="application/json",
            headers={"Accept": "application/json"},
        )


def clinician(house: House, username: str = "amira") -> Actor:
    """Somebody of the staff, as audit entries and calls name them."""
    with db.scope(write=False) as session:
        user = session.scalars(select(User).where(User.username == username)).unique().one()
        return Actor("staff", str(user.id), user.get_full_name())


def make_call(
    house: House,
    state: str = states.INVITED,
    *,
    practice_id: UUID | None = None,
    family_name: str = "Whitfield",
    actor: Actor | None = None,
    **wish: Any,
) -> Made:
    """A call that was brought to a state, each step by who takes it."""
    practice_id = practice_id or house.riverside
    actor = actor or clinician(house)
    patient_id = house.patient_id(practice_id, family_name)
    with house.at(practice_id), audit.use_actor(actor):
        patient = patients.get(patient_id)
        if state == states.SCHEDULED:
            wish.setdefault("at", db.utcnow() + timedelta(hours=2))
        call = invitations.invite(patient, Wish(**{"channels": ["email"], **wish}))
        made = _made(call, patient)
    for step in _WAY[state]:
        is_patient = step in ("arrive", "ready", "connect")
        who = made.as_patient() if is_patient else audit.use_actor(audit.SYSTEM if step == "miss" else actor)
        with house.at(practice_id), who:
            call = db.session().get_one(Call, (practice_id, made.id))
            _STEPS[step](call)
    return made


_STEPS: dict[str, Callable[[Call], Any]] = {
    "arrive": service.arrive,
    "ready": service.ready,
    "admit": service.admit,
    "connect": lambda call: service.connect(call, "patient"),
    "hold": service.hold,
    "end": lambda call: service.end(call, "clinician"),
    "decline": lambda call: service.decline(call, "Please call us."),
    "miss": service.link_cancelled,
}


def _made(call: Call, patient: patients.Patient) -> Made:
    assert call.link_id is not None
    born = patient.birth_date
    path = path_in(notifications.about(call.id)[0].body)
    return Made(call.practice_id, call.id, patient.id, call.link_id, path, (born.day, born.month, born.year))


def path_in(body: str) -> str:
    """The link in a message."""
    found = re.search(r"/l/[a-z2-7]{32}", body)
    assert found, "the message holds the link"
    return found.group()


@contextmanager
def at(house: House, made: Made, actor: audit.Actor | None = None) -> Iterator[Call]:
    """The call in a scope of somebody; Amira, if nobody is named."""
    with house.at(made.practice_id), audit.use_actor(actor or clinician(house)):
        yield db.session().get_one(Call, (made.practice_id, made.id))


@pytest.fixture
def call_in(house: House) -> Callable[..., Made]:
    """``call_in("ready", family_name="Okafor")``: a call in a state."""
    return lambda state=states.INVITED, **options: make_call(house, state, **options)


@pytest.fixture
def see(house: House) -> Callable[[Made], Call]:
    """The row of a call as it is stored now."""

    def look(made: Made) -> Call:
        with house.at(made.practice_id, write=False) as session:
            return session.get_one(Call, (made.practice_id, made.id))

    return look


@pytest.fixture
def enter(visitor: Callable[[], Visitor]) -> Callable[[Made], Handset]:
    """Open the link of a call on a phone and give the right date of birth."""

    def open_link(made: Made) -> Handset:
        phone = visitor()
        day, month, year = made.born
        answer = phone.post(made.path, {"day": day, "month": month, "year": year})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return Handset(phone, answer.headers["Location"].split("?")[0].rstrip("/"))

    return open_link


@pytest.fixture
def guest_of(house: House, visitor: Callable[[], Visitor]) -> Callable[..., tuple[UUID, Handset]]:
    """Invite a guest to a call and press the button behind their link: the participant's id and their phone."""

    def open_guest(
        made: Made, name: str = "Ines Costa", as_what: str = "interpreter"
    ) -> tuple[UUID, Handset]:
        with house.at(made.practice_id), audit.use_actor(clinician(house)):
            call = db.session().get_one(Call, (made.practice_id, made.id))
            guest = guests.invite(call, name=name, as_what=as_what, channel="email", to="ines@example.com")
            guest_id = guest.id
            body = next(m.body for m in notifications.about(call.id) if m.template == "video_call.guest")
        phone = visitor()
        answer = phone.post(path_in(body), {"enter": "1"})
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return guest_id, Handset(phone, answer.headers["Location"].split("?")[0].rstrip("/"))

    return open_guest
