"""Who acts, and from where: held in context variables, set once at the edge (request, socket, job).

A thread or greenlet is reused for many requests, so the edge begins with :func:`clear_context`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

ActorKind = Literal["staff", "patient", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who does something. ``id`` is the user's id, the link's id, or the name of a machine part."""

    kind: ActorKind
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as the trail keeps it."""

    request_id: str | None = None
    address: str | None = None


SYSTEM = Actor("system", "system", "Careroom")
ANONYMOUS = Actor("system", "anonymous", "Not signed in")

_actor: ContextVar[Actor] = ContextVar("careroom_actor", default=SYSTEM)
_concerned: ContextVar[frozenset[UUID]] = ContextVar("careroom_concerned", default=frozenset())
_listed: ContextVar[frozenset[UUID]] = ContextVar("careroom_listed", default=frozenset())
_named: ContextVar[frozenset[UUID]] = ContextVar("careroom_named", default=frozenset())
_origin: ContextVar[Origin] = ContextVar("careroom_origin", default=Origin())  # noqa: B039 - frozen


def actor() -> Actor:
    """Who acts now: SYSTEM where nobody was set."""
    return _actor.get()


def set_actor(who: Actor) -> None:
    """Say who acts from here on, until the edge clears it."""
    _actor.set(who)


@contextmanager
def use_actor(who: Actor) -> Iterator[None]:
    """Let ``who`` be the actor inside this block."""
    token = _actor.set(who)
    try:
        yield
    finally:
        _actor.reset(token)


def origin() -> Origin:
    """Where the current request came from; empty outside a request."""
    return _origin.get()


def set_origin(*, request_id: str | None, address: str | None = None) -> None:
    """Note the request's id and the client's address for every entry of this request or job."""
    _origin.set(Origin(request_id, address))


@contextmanager
def use_origin(request_id: str | None) -> Iterator[None]:
    """Inside this block, work for the request with this id: a job or a message that it left behind."""
    token = _origin.set(Origin(request_id))
    try:
        yield
    finally:
        _origin.reset(token)


def request_id() -> str | None:
    """The id of the current request, also in the job that it caused; None outside both."""
    return _origin.get().request_id


def concerns(patient_id: UUID) -> None:
    """Say that this request shows or changes this patient's data.

    A view calls it where it finds out. When the request succeeds and no entry names the patient by then, the edge
    writes one: nothing of a patient is seen or touched without a trace.
    """
    _concerned.set(_concerned.get() | {patient_id})


def lists(patient_ids: Iterable[UUID]) -> None:
    """Say that this page shows these patients in a list: by name, with a date of birth, with what is to do.

    A view calls it for every list of patients or of what belongs to them. When the request succeeds, the edge writes
    one entry for all the lists of the page that names whoever is not named by another.
    """
    _listed.set(_listed.get().union(patient_ids))


def listed() -> frozenset[UUID]:
    """The patients whom lists of this request showed."""
    return _listed.get()


def named(patient_id: UUID) -> None:
    """An entry of this request names the patient."""
    _named.set(_named.get() | {patient_id})


def concerned() -> frozenset[UUID]:
    """The patients whom this request concerns."""
    return _concerned.get()


def named_so_far() -> frozenset[UUID]:
    """The patients whom an entry of this request names, or named before it was rolled back."""
    return _named.get()


def clear_context() -> None:
    """Forget the actor and origin of whoever used this thread before, and whom they dealt with."""
    _concerned.set(frozenset())
    _listed.set(frozenset())
    _named.set(frozenset())
    _actor.set(SYSTEM)
    _origin.set(Origin())
