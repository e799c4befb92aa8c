"""Calls as people see them: rows of lists with all that belongs to them, and the state of one for its pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, literal, or_, select

from core.sdk import Link, Patient, audit, db, i18n, links, notifications, patients, utcnow
from plugins.video_call import guests, participants, presence, recording, service, states
from plugins.video_call.models import GUEST, PATIENT, Call, Participant

_OF_PATIENT: Final = 20
_LATE: Final = timedelta(minutes=10)
_READY_KEY: Final = "video_call.waiting"
_URGENCY: Final = (
    states.READY, states.ON_HOLD, states.ADMITTED, states.IN_CALL, states.WAITING, states.INVITED, states.SCHEDULED,
)  # fmt: skip
_BEGAN: Final = {
    states.SCHEDULED: "scheduled_at",
    states.INVITED: "invited_at",
    states.WAITING: "waiting_at",
    states.READY: "ready_at",
    states.ADMITTED: "admitted_at",
    states.IN_CALL: "connected_at",
}
"""When a call came into a state, by the column that says so."""


@dataclass(frozen=True, slots=True)
class Row:
    """A call with everything that a list shows of it. state: as of now; a locked link makes it "locked".

    line: how the waiting patient's page found its line, in one of said.Quality.
    """

    call: Call
    patient: Patient
    state: str
    link: Link | None = None
    messages: list[notifications.Notification] = field(default_factory=list)
    guests: list[Participant] = field(default_factory=list)
    line: str | None = None

    @property
    def since(self) -> datetime:
        return since(self.call)

    @property
    def is_open(self) -> bool:
        return self.call.state in states.OPEN and self.state != states.MISSED

    @property
    def is_here(self) -> bool:
        return self.call.state in states.HERE

    @property
    def waits(self) -> bool:
        return self.state in (states.WAITING, states.READY)

    @property
    def away(self) -> bool:
        """The waiting patient's page is closed or asleep."""
        return self.waits and self.call.patient_away_since is not None

    @property
    def late(self) -> bool:
        """Planned for a time that has passed, and nobody came."""
        at = self.call.scheduled_at
        return self.state == states.SCHEDULED and at is not None and at + _LATE < utcnow()

    @property
    def has_failed(self) -> bool:
        """No message reached the patient, or nobody knows that one did."""
        return bool(self.messages) and all(m.state in ("failed", "dead") for m in self.messages)

    @property
    def can_send_again(self) -> bool:
        gone = self.state == states.WAITING and self.away  # and perhaps without the message
        return gone or self.state in (states.SCHEDULED, states.INVITED, "locked")

    @property
    def can_cancel(self) -> bool:
        return self.state in (*states.BEFORE, "locked")

    @property
    def needs_outcome(self) -> bool:
        """It is over and nobody has said how it went."""
        return self.state in (states.ENDED, states.MISSED) and self.call.outcome is None

    @property
    def minutes(self) -> int | None:
        """How long the two talked."""
        begun, ended = self.call.connected_at, self.call.ended_at
        return max(1, round((ended - begun).total_seconds() / 60)) if begun and ended else None


def rows(
    calls: Sequence[Call], link_of: Mapping[UUID, Link] | None = None, *, have_guests: bool = True
) -> list[Row]:
    """These calls with all that belongs to them, in the same order. A handful of queries, however many they are.

    link_of: their links, where they are known; have_guests: False where it is known that they have none.
    """
    ids = [call.id for call in calls]
    people = patients.get_many({call.patient_id for call in calls})
    if link_of is None:
        link_of = {link.id: link for link in _among(Link, Link.id, [c.link_id for c in calls if c.link_id])}
    model = notifications.Notification
    messages: dict[UUID | None, list[notifications.Notification]] = defaultdict(list)
    for message in _among(model, model.subject_id, ids):
        if message.template.rpartition(".")[2] in ("invitation", "planned"):
            messages[message.subject_id].append(message)
    others: dict[UUID, list[Participant]] = defaultdict(list)
    line_of: dict[UUID, str] = {}
    for one in _among(Participant, Participant.call_id, ids) if have_guests else ():
        if one.role == GUEST and one.left_at is None:
            others[one.call_id].append(one)
        elif one.role == PATIENT and one.left_at is None and one.devices.get("line"):
            line_of[one.call_id] = one.devices["line"]
    now = utcnow()
    return [
        Row(
            call=call,
            patient=people[call.patient_id],
            state=_state(call, link_of.get(call.link_id) if call.link_id else None, now),
            link=link_of.get(call.link_id) if call.link_id else None,
            messages=_newest(messages[call.id]),
            guests=sorted(others[call.id], key=lambda one: (one.created_at, one.id)),
            line=line_of.get(call.id),
        )
        for call in calls
        if call.patient_id in people
    ]


def row(call: Call) -> Row:
    """One call with all that belongs to it."""
    return rows([call])[0]


def active(limit: int = 50) -> list[Row]:
    """What goes on and who waits: patients who are ready first, the longest waiting of them first."""
    ready = func.sum(case((Call.state == states.READY, 1), else_=0)).over()
    wanted = select(Call, ready).where(*is_active()).order_by(*by_urgency()).limit(limit)
    found = db.session().execute(wanted).all()
    # The rail of the same page need not ask again.
    db.memo(_READY_KEY, lambda: int(found[0][1]) if found else 0)
    return rows([call for call, _ in found])


def is_active() -> list[ColumnElement[bool]]:
    """The conditions of what goes on, who waits, and who is expected before the day is over."""
    return [
        Call.state.in_((*states.HERE, states.SCHEDULED, states.INVITED)),
        ~service.ran_out(),
        or_(Call.scheduled_at.is_(None), Call.scheduled_at < _end_of_today(), Call.state.in_(states.HERE)),
    ]


def by_urgency() -> tuple[ColumnElement[Any], ...]:
    """Ready before anybody else, then what goes on, then who prepares, then who was invited, then what is planned;
    those who have been there longest first.
    """
    rank = case({state: place for place, state in enumerate(_URGENCY)}, value=Call.state, else_=len(_URGENCY))
    began = {state: getattr(Call, name) for state, name in _BEGAN.items()}
    since = func.coalesce(case(began, value=Call.state), Call.updated_at)
    return rank, since, Call.id.expression


def is_of_today() -> ColumnElement[bool]:
    """The condition of everything of today: planned, made or ended today, or begun yesterday and going on."""
    begin, end = _begin_of_today(), _end_of_today()
    return or_(
        (Call.scheduled_at >= begin) & (Call.scheduled_at < end),
        Call.scheduled_at.is_(None) & (Call.created_at >= begin),
        Call.ended_at >= begin,
        Call.state.in_(states.HERE) & ~service.ran_out(),
    )


def of_patient(patient_id: UUID) -> tuple[list[Row], int]:
    """A patient's newest calls, newest first, and how many there ever were; asked once a page."""

    def ask() -> tuple[list[Row], int]:
        # One row even where there is no call: the rail of the same page need not ask for its number again.
        always = select(literal(1).label("one")).subquery()
        guests_of = (
            select(func.count(Participant.id))
            .where(Participant.call_id == Call.id, Participant.role == GUEST)
            .scalar_subquery()
        )
        found = (
            db.session()
            .execute(
                select(Call, func.count(Call.id).over(), _ready().scalar_subquery(), Link, guests_of)
                .select_from(always)
                .outerjoin(Call, Call.patient_id == patient_id)
                .outerjoin(Link, Link.id == Call.link_id)
                .order_by(Call.created_at.desc(), Call.id.desc())
                .limit(_OF_PATIENT)
            )
            .all()
        )
        total, ready = found[0][1:3]
        db.memo(_READY_KEY, lambda: int(ready))
        link_of = {row[3].id: row[3] for row in found if row[3] is not None}
        calls = [row[0] for row in found if row[0] is not None]
        return rows(calls, link_of, have_guests=any(row[4] for row in found)), int(total)

    return db.memo(("video_call.of_patient", patient_id), ask)


def count_waiting() -> int:
    """How many patients are in the waiting room. The rail shows it on every page."""
    return db.memo(_READY_KEY, lambda: db.session().scalar(_ready()) or 0)


def _ready() -> Select[int]:
    return select(func.count(Call.id)).where(Call.state == states.READY, ~service.ran_out())


def position(call: Call) -> int | None:
    """The patient's place among those who wait for the same clinician, from 1; None when they do not wait."""
    if call.state != states.READY or call.ready_at is None:
        return None
    before = _ready().where(
        Call.clinician_id == call.clinician_id,
        or_(Call.ready_at < call.ready_at, (Call.ready_at == call.ready_at) & (Call.id < call.id)),
    )
    return (db.session().scalar(before) or 0) + 1


def state_json(call: Call, role: service.Role) -> dict[str, Any]:
    """The state of a call for its pages, on either side: nothing clinical, and for a guest who was not let in only
    that they wait. ``me`` is the participant that the current session is; ``came``: the patient has been in the waiting
    room; ``talking``: they were let in."""
    everybody = participants.all_of(call.id)
    me = next((one for one in everybody if one.actor_id == audit.actor().id), None)
    state = service.state_of(call)
    said = {
        "id": str(call.id),
        "state": state,
        "since": since(call).isoformat(),
        "clinician": call.clinician_name,
        "came": call.ready_at is not None or call.connected_at is not None,
        "talking": presence.talking(call),
        "me": str(me.id) if me else None,
        "admitted": role != "guest" or (me is not None and me.admitted_at is not None),
        "outcome": call.outcome if role == "clinician" else None,
    }
    if not said["admitted"]:
        return {**said, "reason": None, "message": None, "position": None, "participants": [], "held": False}
    return {
        **said,
        "reason": call.reason,
        "message": call.waiting_message,
        "position": position(call),
        "scheduled": call.scheduled_at.isoformat() if call.scheduled_at else None,
        "phone_first": call.phone_first,
        "away": call.patient_away_since is not None,
        "participants": [_participant(one) for one in everybody if one.left_at is None],
        "held": state == states.ON_HOLD,
        "recording": recording.under_way(call),
        "board": call.open_board,
    }


def since(call: Call) -> datetime:
    """When the call came into the state that it is in."""
    name = _BEGAN.get(call.state, "ended_at")
    began: datetime | None = getattr(call, name)
    return began or call.updated_at


def _participant(one: Participant) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "role": one.role,
        "name": one.name,
        "as_what": guests.role_word(one.as_what) if one.role == GUEST else None,
        "admitted": one.admitted_at is not None,
        "here": participants.is_here(one),
        "devices": one.devices or {},
    }


def _state(call: Call, link: Link | None, now: datetime) -> str:
    state = service.state_of(call, now)
    if state in (states.SCHEDULED, states.INVITED) and link is not None and links.state(link) == "locked":
        return "locked"
    return state


def _newest(messages: list[notifications.Notification]) -> list[notifications.Notification]:
    """The last message of each channel: an invitation that was sent again is what counts."""
    last = {message.channel: message for message in sorted(messages, key=lambda m: m.id)}
    return [last[channel] for channel in sorted(last)]


def _begin_of_today() -> datetime:
    here = i18n.local(utcnow())
    return here.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(utcnow().tzinfo)


def _end_of_today() -> datetime:
    here = i18n.local(utcnow()) + timedelta(days=1)
    return here.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(utcnow().tzinfo)


def _among(model: Any, column: Any, ids: Sequence[UUID]) -> list[Any]:
    return list(db.session().scalars(select(model).where(column.in_(ids)))) if ids else []
