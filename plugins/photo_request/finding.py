"""The page of requests: which of them it shows and in which order; and the same as a table to take away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Select, func, select

from core.sdk import Patient, _l, db, listing, patients
from plugins.photo_request import lists, wording
from plugins.photo_request.models import Request

PAGE_SIZE: Final = 25
ORDERS: Final = ("usual", "newest", "oldest", "name")
"""usual: what waits for a decision the longest first, anything else the newest first."""

COLUMNS: Final = (
    _l("Family name"), _l("First names"), _l("Date of birth"), _l("State"), _l("Asked by"), _l("Taken on by"),
    _l("Asked on"), _l("Link opened"), _l("First photo arrived"), _l("Closed on"), _l("Link runs out on"), _l("Photos"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests. name: one of lists.FILTERS; patient_id: of this patient alone."""

    name: str
    asked: listing.Asked
    patient_id: UUID | None = None


def page(wanted: Wanted) -> listing.Page[lists.Row]:
    """The page that is asked for, or the last that there is."""
    total = count(wanted)
    given, pages = wanted.asked.on_page(total, PAGE_SIZE)
    chosen = _ordered(wanted).limit(PAGE_SIZE).offset((given.page - 1) * PAGE_SIZE)
    return listing.Page(lists.rows(db.session().scalars(chosen, lists.times()).all()), total, pages, given)


def count(wanted: Wanted) -> int:
    """How many there are."""
    return db.session().scalar(_narrowed(select(func.count(Request.id)), wanted), lists.times()) or 0


def table(wanted: Wanted) -> list[tuple[UUID | None, tuple[object, ...]]]:
    """All of them, each with its patient and what the columns say."""
    found = db.session().scalars(_ordered(wanted), lists.times()).all()
    people = patients.get_many({one.patient_id for one in found})
    return [(one.patient_id, _cells(one, people[one.patient_id])) for one in found]


def _cells(one: Request, patient: Patient) -> tuple[object, ...]:
    return (
        patient.family_name,
        patient.given_names,
        patient.birth_date,
        wording.STATES.get(one.state, one.state),
        one.requested_by_name,
        one.taken_by_name,
        one.created_at,
        one.opened_at,
        one.received_at,
        one.closed_at,
        one.expires_at,
        one.photo_count,
    )


def _ordered(wanted: Wanted) -> Select[Request]:
    chosen = _narrowed(select(Request), wanted)
    order = wanted.asked.order
    if order == "name":
        chosen = chosen.join(Patient, Patient.id == Request.patient_id).order_by(Patient.search_name)
    elif order == "oldest":
        return chosen.order_by(Request.created_at, Request.id)
    elif order != "newest" and wanted.name == "review":
        return chosen.order_by(Request.received_at, Request.id)
    return chosen.order_by(Request.created_at.desc(), Request.id.desc())


def _narrowed(statement: lists.Statement, wanted: Wanted) -> lists.Statement:
    narrowed = lists.filtered(statement, wanted.name).where(
        patients.finds(Request.patient_id, wanted.asked.words), *wanted.asked.during(Request.created_at)
    )
    return narrowed if wanted.patient_id is None else narrowed.where(Request.patient_id == wanted.patient_id)
