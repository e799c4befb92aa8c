"""The life of a call: each function takes one step of the state machine, in the transaction of its caller.

A step is one conditional UPDATE: of two who ask at once, one succeeds and the other reads WrongState.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, select, update

from core.sdk import Link, ask, audit, db, links, notifications, patients, publish, topic, utcnow
from plugins.video_call import afterwards, bell, models, participants, states
from plugins.video_call.contexts import CallContext, NotHeldContext, Outcome, OutcomeContext
from plugins.video_call.errors import NotYours, WrongState
from plugins.video_call.models import CLINICIAN, Call, Participant

SUBJECT: Final = models.SUBJECT
PURPOSE: Final = models.PURPOSE
EARLY: Final = timedelta(minutes=30)
LEFT_FOR: Final = timedelta(minutes=30)
_LONGEST_VISIT: Final = timedelta(hours=4)
Role = Literal["clinician", "patient", "guest", "system"]

# A code for each "unsuccessful": what the clinician chooses from.
UNSUCCESSFUL_REASONS: Final = (
    "no_show", "technical", "no_sound", "no_picture", "wrong_person", "needs_visit", "phone", "cancelled", "other",
)  # fmt: skip


def get(call_id: UUID) -> Call | None:
    """A call of this practice, or None."""
    return db.get(Call, call_id)


def is_early(call: Call) -> bool:
    """Is it planned for a time that is still far away?"""
    return call.scheduled_at is not None and call.scheduled_at - EARLY > utcnow()


def arrive(call: Call) -> None:
    """The patient opened the link and proved who they are. A second time changes nothing.

    Whoever has a look long before the time leaves no trace: the call stays planned, and reminders go out.
    """
    if not is_early(call):
        _arrive(call)


def _arrive(call: Call) -> None:
    if call.state not in states.STEPS["arrive"].sources:
        return
    if _try(call, "arrive", "patient", waiting_at=utcnow(), patient_away_since=None):
        record(call, "arrive")
        outlast(call)


def ready(call: Call) -> None:
    """The patient is in the waiting room. The bell stays quiet as long as it is early. Raises WrongState."""
    if call.state == states.READY:
        return
    if call.state == states.SCHEDULED:  # early, and they mean to wait
        _arrive(call)
    step(call, "ready", "patient", ready_at=utcnow(), patient_away_since=None)
    outlast(call)
    if not is_early(call):
        bell.ready(call, patient_of(call))
    ask("video_call_patient_waiting", CallContext(call))


def leave_early(call: Call) -> None:
    """Long before the time, the patient left the waiting room again: the call is planned, as before."""
    if is_early(call) and _try(
        call, "leave_early", "system", waiting_at=None, ready_at=None, patient_away_since=None
    ):
        record(call, "leave_early")


def outlast(call: Call) -> None:
    """Neither the link nor the call ends while the patient is there: it has hours left, or gets some more."""
    until = utcnow() + _LONGEST_VISIT
    if call.expires_at < until - _LONGEST_VISIT / 2:
        call.expires_at = until
        for link in links_of(call):
            links.prolong(link.id, until)
        db.session().flush()


def started(call: Call) -> None:
    """The patient pressed "Start video call": a phone call that this one began as may end now."""
    if state_of(call) in states.OPEN:
        record(call, "started")
        ask("video_call_started", CallContext(call))


def unready(call: Call) -> None:
    """The patient went back to the check of devices."""
    if _try(call, "unready", "patient"):
        record(call, "unready")


def admit(call: Call) -> None:
    """The current clinician lets the patient in, and holds the call from now on. Raises WrongState."""
    actor = audit.actor()
    step(
        call, "admit", "clinician",
        admitted_at=utcnow(), clinician_id=actor.id, clinician_name=actor.name, waiting_message=None,
    )  # fmt: skip
    participants.make_room(call, participants.add(call, CLINICIAN, actor.id, actor.name))
    outlast(call)
    ask("video_call_admitted", CallContext(call))


def connect(call: Call, role: Role) -> None:
    """Media flows, says the page of ``role``. A second time changes nothing."""
    if _try(call, "connect", role, connected_at=call.connected_at or utcnow()):
        record(call, "connect")


def hold(call: Call) -> None:
    """Ask the patient to wait. Raises WrongState."""
    step(call, "hold", "clinician", held_from=Call.state)  # as the database has it at this moment


def resume(call: Call) -> None:
    """Go on where the hold interrupted: in the waiting room, or in the call. Raises WrongState."""
    db.session().refresh(call)
    back = {states.WAITING: "resume_checking", states.READY: "resume_waiting"}.get(
        call.held_from or "", "resume"
    )
    step(call, back, "clinician", held_from=None)


def decline(call: Call, reason: str) -> None:
    """The clinician does not take this call; the patient's page goes on and shows ``reason``.

    Raises WrongState; also for a call that was held: that one has taken place, and is ended.
    """
    db.session().refresh(call)
    if call.state == states.ON_HOLD and call.held_from in states.TALKING:
        raise WrongState()
    step(
        call, "decline", "clinician",
        ended_at=utcnow(), ended_by="clinician", reason=reason, held_from=None,
    )  # fmt: skip
    ask("video_call_not_held", NotHeldContext(call, "declined"))


def say_to_waiting(call: Call, text: str | None) -> None:
    """Show the patient a sentence where they wait, or take it away. Raises WrongState when they do not wait."""
    if call.state not in (states.WAITING, states.READY, states.ON_HOLD):
        raise WrongState()
    call.waiting_message = text
    db.session().flush()
    record(call, "message")


def transfer(call: Call, user_id: str, name: str) -> None:
    """Another clinician holds the call from now on. Raises WrongState."""
    if call.state not in states.OPEN:
        raise WrongState()
    before = call.clinician_name
    call.clinician_id, call.clinician_name = user_id, name
    db.session().flush()
    record(call, "transfer", before=before)
    bell.handed_over(call, patient_of(call))


def end(call: Call, role: Role) -> None:
    """Hang up, for everybody. A second time changes nothing. Raises NotYours for a guest."""
    if role == "guest":
        raise NotYours()
    if _try(call, "end", role, ended_at=utcnow(), ended_by=role, held_from=None):
        record(call, "end")
        afterwards.send(call)


def cancel(call: Call) -> None:
    """Take an invitation back. Raises WrongState."""
    is_away = call.state in (states.SCHEDULED, states.INVITED)
    step(
        call, "cancel", "clinician",
        ended_at=utcnow(), ended_by="clinician", outcome="unsuccessful", outcome_reason="cancelled",
    )  # fmt: skip
    if is_away:  # who is here already reads on the page that it was cancelled
        for link in links_of(call):
            links.cancel(link.id)
        notifications.cancel_about(call.id)
    ask("video_call_not_held", NotHeldContext(call, "cancelled"))


def replan(call: Call, at: datetime, expires_at: datetime) -> None:
    """It is planned for another time. Raises WrongState unless it waits for its time, and the patient is not here."""
    moved = db.session().scalar(
        update(Call)
        .where(Call.id == call.id, Call.state == states.SCHEDULED, ~ran_out())
        .values(scheduled_at=at, expires_at=expires_at, updated_at=utcnow())
        .returning(Call.id)
        .execution_options(synchronize_session=False)
    )
    db.session().refresh(call)
    if moved is None:
        raise WrongState()
    record(call, "moved")


def links_of(call: Call) -> list[Link]:
    """The patient's links to this call, the newest first: each message has its own."""
    return [link for link in links.of_subject(call.id) if link.purpose == PURPOSE]


def finish(call: Call, outcome: Outcome, *, reason: str | None = None, notes: str | None = None) -> None:
    """Say how an ended consultation went; saying it again corrects it. Raises WrongState, ValueError."""
    if state_of(call) != call.state:  # it ran out, and the worker has not come by
        _miss(call, call.expires_at)
    if call.state not in states.OVER:
        raise WrongState()
    if (outcome == "unsuccessful") != (reason in UNSUCCESSFUL_REASONS):
        raise ValueError("an unsuccessful consultation has a reason, a completed one has none")
    call.outcome, call.outcome_reason, call.notes = outcome, reason, notes
    db.session().flush()
    record(call, "outcome", outcome=outcome)
    afterwards.send(call)
    ask("video_call_consultation_ended", OutcomeContext(call, outcome, reason))


def miss_due() -> int:
    """Close the calls of this practice whose link ran out before they began, and answer how many there were."""
    due = db.session().scalars(select(Call).where(ran_out()))
    return sum(_miss(call, call.expires_at) for call in due.all())


def end_left() -> int:
    """End the calls of this practice in which nobody has been for a while, and answer how many there were."""
    since = utcnow() - LEFT_FOR
    somebody = select(Participant.id).where(Participant.call_id == Call.id, Participant.seen_at > since)
    left = db.session().scalars(
        select(Call).where(
            Call.state.in_((*states.TALKING, states.ON_HOLD)), Call.updated_at < since, ~somebody.exists()
        )
    )
    count = 0
    for call in left.all():
        before = call.state
        end(call, "system")
        count += call.state != before
    return count


def link_cancelled(call: Call) -> None:
    """The core cancelled the link by itself (the patient left the practice, say): nobody will come."""
    _miss(call, utcnow())


def _miss(call: Call, at: datetime) -> bool:
    missed = _try(call, "miss", "system", ended_at=at, ended_by="system")
    if missed:
        record(call, "miss")
        ask("video_call_not_held", NotHeldContext(call, "missed"))
    return missed


def step(call: Call, name: str, role: Role, **values: Any) -> None:
    """Take a step, or raise NotYours or WrongState."""
    if role not in states.STEPS[name].asked_by:
        raise NotYours()
    if not _try(call, name, role, **values):
        raise WrongState()
    record(call, name)


def tell(call: Call, change: str) -> None:
    """Wake the pages that show this call: lists, the patient's workspace, the call's own pages on both sides.

    The call's own pages read by whom: the participant's id that this actor has, or would have, in the call.
    """
    publish(topic(SUBJECT), change, call=call.id)
    publish(topic("video_call.patient", call.patient_id), change, call=call.id)
    by = participants.id_for(call.id, audit.actor().id)
    publish(topic(SUBJECT, call.id), change, call=call.id, by=by)


def state_of(call: Call, now: datetime | None = None) -> str:
    """The state as it is at this moment: an invitation that ran out counts at once, before the worker marks it."""
    if call.state in states.BEFORE and call.expires_at <= (now or utcnow()):
        return states.MISSED
    return call.state


def ran_out() -> ColumnElement[bool]:
    """The same as a condition: it ran out before it began, and the worker may not have marked it yet."""
    return Call.state.in_(states.BEFORE) & (Call.expires_at <= utcnow())


def patient_of(call: Call) -> patients.Patient:
    """The patient of a call."""
    return patients.get(call.patient_id)


def _try(call: Call, name: str, role: Role, **values: Any) -> bool:
    """Take the step if, in the database, the call is still where it may be taken. One that ran out is only missed."""
    known = states.STEPS[name]
    if role not in known.asked_by:
        return False
    where = [Call.id == call.id, Call.state.in_(known.sources)]
    moved = db.session().scalar(
        update(Call)
        .where(*where, *([] if known.target == states.MISSED else [~ran_out()]))
        .values(state=known.target, updated_at=utcnow(), **values)
        .returning(Call.id)
        .execution_options(synchronize_session=False)
    )
    db.session().refresh(call)
    return moved is not None


def record(call: Call, change: str, **detail: str) -> None:
    """Note a change of this call in the trail, and wake the pages that show it."""
    audit.record(
        f"video_call.{change}",
        patient_id=call.patient_id,
        subject=(SUBJECT, call.id),
        detail={"state": call.state, **detail},
    )
    if change in bell.QUIETED_BY:
        bell.quiet(call)
    tell(call, change)
