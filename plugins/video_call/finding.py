"""The page of consultations: which of them it shows and in which order; and the same as a table to take away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select

from core.sdk import Patient, _l, db, listing, patients
from plugins.video_call import lists, service, states, wording
from plugins.video_call.models import Call

PAGE_SIZE: Final = 25
TABS: Final = ("active", "today", "past", "all")
ORDERS: Final = ("newest", "oldest", "name")
OUTCOMES: Final[Mapping[str, tuple[str, ...]]] = {
    "active": ("all",),
    "today": ("all",),
    "past": ("all", "completed", "unsuccessful", "missed", "declined", "open"),
    "all": ("all", "planned", "now", "completed", "unsuccessful", "missed", "declined", "open"),
}
"""What may be chosen beside each tab. open: over, and nobody has noted the result."""

COLUMNS: Final = (
    _l("Family name"), _l("First names"), _l("Date of birth"), _l("State"), _l("Result"), _l("Reason"), _l("Clinician"),
    _l("Invited by"), _l("Invited on"), _l("Planned for"), _l("Began"), _l("Ended"), _l("Minutes"),
)  # fmt: skip
_WHEN: Final = func.coalesce(Call.scheduled_at, Call.created_at)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which consultations. holder: only those of this clinician (a user's id)."""

    tab: str
    asked: listing.Asked
    outcome: str = "all"
    holder: str | None = None


def page(wanted: Wanted) -> listing.Page[lists.Row]:
    """The page that is asked for, or the last that there is."""
    total = count(wanted)
    given, pages = wanted.asked.on_page(total, PAGE_SIZE)
    chosen = _ordered(wanted).limit(PAGE_SIZE).offset((given.page - 1) * PAGE_SIZE)
    return listing.Page(lists.rows(db.session().scalars(chosen).all()), total, pages, given)


def count(wanted: Wanted) -> int:
    """How many there are."""
    return db.session().scalar(select(func.count(Call.id)).where(*_where(wanted))) or 0


def table(wanted: Wanted) -> list[tuple[UUID | None, tuple[object, ...]]]:
    """All of them, each with its patient and what the columns say."""
    found = db.session().scalars(_ordered(wanted)).all()
    people = patients.get_many({call.patient_id for call in found})
    rows = (lists.Row(call, people[call.patient_id], service.state_of(call)) for call in found)
    return [(row.call.patient_id, _cells(row)) for row in rows]


def _cells(row: lists.Row) -> tuple[object, ...]:
    call, patient = row.call, row.patient
    return (
        patient.family_name,
        patient.given_names,
        patient.birth_date,
        wording.STATES.get(row.state, row.state),
        wording.RESULTS.get(call.outcome or ""),
        wording.reasons().get(call.outcome_reason or ""),
        call.clinician_name,
        call.invited_by_name,
        call.created_at,
        call.scheduled_at,
        call.connected_at,
        call.ended_at or (call.expires_at if row.state == states.MISSED else None),
        row.minutes,
    )


def _ordered(wanted: Wanted) -> Select[Call]:
    chosen = select(Call).where(*_where(wanted))
    if wanted.tab == "active":
        return chosen.order_by(*lists.by_urgency())
    if wanted.tab == "today":
        return chosen.order_by(_WHEN, Call.id)
    when: Any = func.coalesce(Call.ended_at, Call.expires_at) if wanted.tab == "past" else _WHEN
    if wanted.asked.order == "name":
        chosen = chosen.join(Patient, Patient.id == Call.patient_id)
        return chosen.order_by(Patient.search_name, when.desc(), Call.id.desc())
    if wanted.asked.order == "oldest":
        return chosen.order_by(when, Call.id)
    return chosen.order_by(when.desc(), Call.id.desc())


def _where(wanted: Wanted) -> list[ColumnElement[bool]]:
    where = [patients.finds(Call.patient_id, wanted.asked.words)]
    if wanted.holder is not None:
        where.append(Call.clinician_id == wanted.holder)
    if wanted.tab == "active":
        return [*where, *lists.is_active()]
    if wanted.tab == "today":
        return [*where, lists.is_of_today()]
    if wanted.tab == "past":
        where.append(or_(Call.state.in_(states.OVER), service.ran_out()))
    return [*where, *wanted.asked.during(_WHEN), *_with_outcome(wanted.outcome)]


def _with_outcome(outcome: str) -> list[ColumnElement[bool]]:
    # What the worker marks as missed a little later is missed already.
    ran_out = service.ran_out()
    known: dict[str, list[ColumnElement[bool]]] = {
        "planned": [Call.state.in_((states.SCHEDULED, states.INVITED)), ~ran_out],
        "now": [Call.state.in_(states.HERE), ~ran_out],
        "completed": [Call.outcome == "completed"],
        "unsuccessful": [Call.outcome == "unsuccessful"],
        "missed": [or_(Call.state == states.MISSED, ran_out)],
        "declined": [Call.state == states.DECLINED],
        "open": [or_(Call.state.in_((states.ENDED, states.MISSED)), ran_out), Call.outcome.is_(None)],
    }
    return known.get(outcome, [])
