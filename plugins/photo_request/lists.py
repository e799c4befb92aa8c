"""Requests as staff see them: each with its patient, link, messages and photos, loaded in a handful of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import Integer, Select, bindparam, false, func, or_, select, true

from core.sdk import Link, Patient, UtcDateTime, db, links, notifications, patients, utcnow
from plugins.photo_request import service
from plugins.photo_request.models import (
    CANCELLED,
    COMPLETED,
    EXPECTED,
    EXPIRED,
    OPEN_STATES,
    READY,
    RECEIVED,
    TO_REVIEW_STATES,
    UNREADABLE,
    WAITING_STATES,
    Photo,
    Request,
)

_OF_PATIENT: Final = 20
_RECENT: Final = timedelta(days=14)
FILTERS: Final = ("review", "waiting", "attention", "done", "all")


@dataclass(frozen=True, slots=True)
class Row:
    """A request with everything that a list shows of it. ``state`` is as of now; a locked link makes it "locked"."""

    request: Request
    patient: Patient
    state: str
    link: Link | None
    messages: list[notifications.Notification] = field(default_factory=list)
    photos: list[Photo] = field(default_factory=list)

    @property
    def to_review(self) -> list[Photo]:
        return [photo for photo in self.photos if photo.state in TO_REVIEW_STATES]

    @property
    def next_to_review(self) -> Photo | None:
        """The first photo that can be decided about now."""
        return next((photo for photo in self.photos if photo.state == READY), None)

    @property
    def unreadable(self) -> list[Photo]:
        return [photo for photo in self.photos if photo.state == UNREADABLE]

    @property
    def shown(self) -> list[Photo]:
        """The photos that have, or will have, a picture."""
        return [photo for photo in self.photos if photo.state not in (EXPECTED, UNREADABLE)]

    @property
    def on_the_way(self) -> int:
        return sum(photo.state == EXPECTED for photo in self.photos)

    @property
    def has_failed(self) -> bool:
        """No message reached the patient, or nobody knows that one did."""
        return bool(self.messages) and all(m.state in ("failed", "dead") for m in self.messages)

    @property
    def can_cancel(self) -> bool:
        return self.state in ("sent", "opened", "locked")

    @property
    def can_send_again(self) -> bool:
        return self.state not in (RECEIVED, COMPLETED) or (self.state == RECEIVED and not self.to_review)

    @property
    def can_complete(self) -> bool:
        return self.state == RECEIVED

    @property
    def is_open(self) -> bool:
        return self.request.state in OPEN_STATES and self.state != EXPIRED


def rows(requests: Sequence[Request], link_of: Mapping[UUID, Link] | None = None) -> list[Row]:
    """These requests with all that belongs to them, in the same order. link_of: their links, where they are known."""
    ids = [request.id for request in requests]
    people = patients.get_many({request.patient_id for request in requests})
    if link_of is None:
        link_of = {link.id: link for link in _by_ids(Link, Link.id, [r.link_id for r in requests])}
    model = notifications.Notification
    messages = _grouped(_by_ids(model, model.subject_id, ids), lambda m: m.subject_id)
    photos = _grouped(_by_ids(Photo, Photo.request_id, ids), lambda p: p.request_id)
    now = utcnow()
    return [
        Row(
            request=request,
            patient=people[request.patient_id],
            state=_state(request, link_of.get(request.link_id), now),
            link=link_of.get(request.link_id),
            messages=sorted(messages[request.id], key=lambda m: (m.channel, m.id)),
            photos=sorted(photos[request.id], key=lambda p: (p.position, p.id)),
        )
        for request in requests
    ]


def row(request: Request) -> Row:
    """One request with all that belongs to it."""
    return rows([request])[0]


def of_patient(patient_id: UUID) -> list[Row]:
    """A patient's newest requests, newest first."""
    return _of_patient(patient_id)[0]


def _of_patient(patient_id: UUID) -> tuple[list[Row], int]:
    """The newest, and how many there ever were; asked once a page, whoever shows them there."""

    def ask() -> tuple[list[Row], int]:
        found = db.session().execute(
            select(Request, func.count().over(), Link)
            .outerjoin(Link, Link.id == Request.link_id)
            .where(Request.patient_id == patient_id)
            .order_by(Request.created_at.desc(), Request.id.desc())
            .limit(_OF_PATIENT)
        )
        newest: list[Any] = list(found.all())  # a link may be forgotten
        link_of = {link.id: link for _, _, link in newest if link is not None}
        return rows([request for request, _, _ in newest], link_of), newest[0][1] if newest else 0

    return db.memo(("photo_request.of_patient", patient_id), ask)


def count_of_patient(patient_id: UUID) -> int:
    """How many requests a patient ever had."""
    return _of_patient(patient_id)[1]


def today(limit: int = 10, *, with_photos: bool = True) -> tuple[list[Row], list[Row]]:
    """What waits for the practice: requests with photos to decide about, the oldest first, and requests that will
    not go on by themselves (locked, message failed, expired lately), newest first."""
    found = db.session().execute(_for_today(with_photos), {**times(), "most": limit}).all()
    row_of = {row.request.id: row for row in rows([request for request, _, _ in found])}
    review = [request for request, reviewed, _ in found if reviewed]
    attention = [request for request, _, attended in found if attended]
    review.sort(key=lambda one: (one.received_at or one.created_at, one.id))
    attention.sort(key=lambda one: (one.created_at, one.id), reverse=True)
    return [row_of[one.id] for one in review], [row_of[one.id] for one in attention]


@cache
def _for_today(with_photos: bool) -> Select[Request, bool, bool]:
    """Both in one: the request, whether it waits for a decision, whether it needs attention."""
    most = bindparam("most", type_=Integer)
    newest = filtered(select(Request.id), "attention").order_by(Request.created_at.desc()).limit(most)
    attended = Request.id.in_(newest)
    if not with_photos:
        return select(Request, false(), true()).where(attended)
    oldest = filtered(select(Request.id), "review").order_by(Request.received_at, Request.id).limit(most)
    reviewed = Request.id.in_(oldest)
    return select(Request, reviewed, attended).where(or_(reviewed, attended))


def count_waiting() -> int:
    """How many requests wait for the patient."""
    return _counts()[1]


def count_to_review() -> int:
    """How many requests have photos that wait for a decision. The rail shows it on every page."""
    return _counts()[0]


def _counts() -> tuple[int, int]:
    """To review and waiting, asked for together: Today shows both."""

    def ask() -> tuple[int, int]:
        review, waiting = db.session().execute(_both(), times()).one()
        return review, waiting

    return db.memo("photo_request.counts", ask)


@cache
def _both() -> Select[Any]:
    return select(_counting("review").scalar_subquery(), _counting("waiting").scalar_subquery())


@cache
def _counting(name: str) -> Select[int]:
    return filtered(select(func.count(Request.id)), name)


Statement = TypeVar("Statement", bound=Select[Any])
# Statements are made once and given the time when they are sent: Today and the rail of every page ask them.
_NOW, _RECENTLY, _LATELY = (bindparam(name, type_=UtcDateTime) for name in ("now", "recently", "lately"))


def times() -> dict[str, Any]:
    """What the statements here are asked for: now, since when something is recent, and since when it can be."""
    now = utcnow()
    return {"now": now, "recently": now - _RECENT, "lately": now - _RECENT - timedelta(days=30)}


def filtered(statement: Statement, name: str) -> Statement:
    """The requests of one of FILTERS. The statement is sent with :func:`times`."""
    waits = Request.state.in_(WAITING_STATES)
    if name == "review":
        return statement.where(
            Request.id.in_(select(Photo.request_id).where(Photo.state.in_(TO_REVIEW_STATES)))
        )
    if name == "waiting":
        return statement.where(waits, Request.expires_at > _NOW)
    if name == "attention":
        return statement.where(*_needs_attention())
    if name == "done":
        return statement.where(Request.state.in_((COMPLETED, CANCELLED, EXPIRED)))
    return statement


def _needs_attention() -> tuple[Any, ...]:
    model = notifications.Notification
    locked = select(Link.subject_id).where(
        Link.purpose == service.PURPOSE,
        Link.locked_at.is_not(None),
        Link.cancelled_at.is_(None),
        Link.expires_at > _NOW,
    )
    failed = select(model.subject_id).where(
        model.subject_kind == service.SUBJECT, model.state.in_(("failed", "dead"))
    )
    again = select(Request.supersedes).where(Request.supersedes.is_not(None))
    ran_out = or_(Request.state == EXPIRED, Request.state.in_(WAITING_STATES) & (Request.expires_at <= _NOW))
    return (
        Request.created_at > _LATELY,
        or_(
            Request.state.in_(WAITING_STATES) & (Request.id.in_(locked) | Request.id.in_(failed)),
            ran_out & (Request.expires_at > _RECENTLY),
        ),
        Request.id.not_in(again),  # somebody has sent a new link meanwhile
    )


def _state(request: Request, link: Link | None, now: datetime) -> str:
    state = service.state_of(request, now)
    if state in WAITING_STATES and link is not None and links.state(link) == "locked":
        return "locked"
    return state


Model = TypeVar("Model")


def _by_ids(model: type[Model], column: Any, ids: Sequence[UUID]) -> list[Model]:
    return list(db.session().scalars(select(model).where(column.in_(ids)))) if ids else []


def _grouped(items: Iterable[Model], key: Callable[[Model], UUID | None]) -> dict[UUID | None, list[Model]]:
    groups: dict[UUID | None, list[Model]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups
