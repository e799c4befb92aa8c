"""A scope is one session, the practice it is for, and whether it may write.

Every unit of work (a request, a job, a test step) runs in a scope of its own. Scopes nest as independent
transactions. The practice of a scope is set once and never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar
from uuid import UUID

from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from core.db.engine import engine, snapshot_engine
from core.db.errors import NoPractice, NoScope, PracticeAlreadySet, RawSqlRefused
from core.db.models import TenantModel

Hook = Callable[[], None]
Model = TypeVar("Model", bound=TenantModel)
Answer = TypeVar("Answer")


class TenantSession(Session):
    """The session class that the guard listens to."""

    def connection(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refused: what is executed on the connection itself passes by the guard."""
        raise RawSqlRefused("the connection below a session is core.db's own")


@dataclass(slots=True)
class Scope:
    """What :func:`scope` opened. ``pending`` holds per-transaction lists by name (events, audit entries)."""

    session: TenantSession
    practice_id: UUID | None
    across_practices: bool
    write: bool
    durable: bool = True
    before: dict[Hook, int] = field(default_factory=dict)
    after: list[Hook] = field(default_factory=list)
    pending: dict[str, list[Any]] = field(default_factory=dict)
    known: dict[Hashable, Any] = field(default_factory=dict)
    outer: Scope | None = None

    def close(self) -> None:
        """Give the connection back and return to the scope around this one. Uncommitted work is undone."""
        self.session.close()
        _current.set(self.outer)

    def forget(self) -> None:
        """Drop what was to happen around a commit: the transaction was rolled back."""
        self.before.clear()
        self.after.clear()
        self.pending.clear()
        self.known.clear()


_current: ContextVar[Scope | None] = ContextVar("careroom_scope", default=None)


@contextmanager
def scope(
    practice_id: UUID | None = None,
    *,
    write: bool = True,
    across_practices: bool = False,
    durable: bool = True,
) -> Iterator[Session]:
    """Open a new session; commit at the end, roll back on an exception.

    write: False promises to change nothing (a flush then raises ReadOnlyScope; SQLite takes no write lock). All
    that it reads is of one moment, on PostgreSQL too: an event's number and what it tells of belong together.
    across_practices: for the platform's own work only (leasing, finding a link); nothing is filtered then.
    durable: False does not wait for the disk. A crash of the machine may undo the last second of such work, of no
    other and never a part of it: for what is worth nothing after a crash, as a message between two pages that talk.
    """
    made = open_scope(practice_id, write=write, across_practices=across_practices, durable=durable)
    try:
        yield made.session
        made.session.commit()
    except BaseException:
        made.session.rollback()
        raise
    finally:
        made.close()


def open_scope(
    practice_id: UUID | None = None,
    *,
    write: bool = True,
    across_practices: bool = False,
    durable: bool = True,
) -> Scope:
    """The same for a caller that cannot use ``with``, such as a request: it commits and closes by itself."""
    bind = engine() if write else snapshot_engine()
    made = Scope(TenantSession(bind, expire_on_commit=False), practice_id, across_practices, write, durable)
    made.session.info["scope"] = made
    made.outer = _current.get()
    _current.set(made)
    return made


def _scope() -> Scope:
    found = _current.get()
    if found is None:
        raise NoScope("no session is open here: use db.scope()")
    return found


def in_scope() -> bool:
    """Is a scope open here?"""
    return _current.get() is not None


def session() -> Session:
    """The session of the current scope. Raises NoScope."""
    return _scope().session


def is_write() -> bool:
    """May the current scope write? True outside any scope, where the engine is used directly."""
    found = _current.get()
    return True if found is None else found.write


def is_durable() -> bool:
    """Must what the current scope commits outlive a crash of the machine? True outside any scope."""
    found = _current.get()
    return True if found is None else found.durable


def practice_id() -> UUID:
    """The practice that the current scope is for. Raises NoPractice when none is set."""
    found = _current.get()
    if found is None or found.practice_id is None:
        raise NoPractice("no practice is set here")
    return found.practice_id


def has_practice() -> bool:
    """Is a practice set here?"""
    found = _current.get()
    return found is not None and found.practice_id is not None


def enter_practice(practice_id: UUID) -> None:
    """Set the practice of the current scope. Raises PracticeAlreadySet when it already has another."""
    here = _scope()
    if here.practice_id not in (None, practice_id):
        raise PracticeAlreadySet("this scope already has a practice")
    here.practice_id = practice_id


def get(model: type[Model], id: UUID) -> Model | None:
    """The row of the current practice with this id, or None."""
    return session().get(model, (practice_id(), id))


def held(model: type[Model], id: UUID) -> Model | None:
    """The row of the current practice with this id if this session has it already; asks the database nothing."""
    found = session().identity_map.get(identity_key(model, (practice_id(), id)))
    return found if isinstance(found, model) else None


def before_commit(hook: Hook, *, order: int = 50) -> None:
    """Run ``hook`` just before this transaction commits, once, in ``order``.

    Hooks that lock a practice's head row (audit 10, events 20) use fixed orders so that two transactions never
    wait for each other.
    """
    _scope().before.setdefault(hook, order)


def after_commit(hook: Hook) -> None:
    """Run ``hook`` after this transaction has committed; not at all when it is rolled back."""
    _scope().after.append(hook)


def pending(name: str) -> list[Any]:
    """A list that lives as long as this transaction; a savepoint that rolls back takes its items away."""
    return _scope().pending.setdefault(name, [])


def memo(key: Hashable, ask: Callable[[], Answer]) -> Answer:
    """What ``ask`` answers, asked once in a scope that only reads; where rows may change it is asked each time."""
    here = _scope()
    if here.write:
        return ask()
    if (here.practice_id, key) not in here.known:
        here.known[here.practice_id, key] = ask()
    found: Answer = here.known[here.practice_id, key]
    return found


def known() -> dict[Hashable, Any]:
    """What was found out in the current scope, for whoever asks often; a rollback empties it. Raises NoScope.

    A value must hold until the scope ends, or whoever changes what it was made from takes it out.
    """
    return _scope().known


def has_left_behind(session: Session) -> bool:
    """Does this session hold changes that no flush has seen? Asked after every hook, hence by its private parts."""
    return bool(session._new or session._deleted or session.identity_map._modified)


def left_behind() -> bool:
    """The same of the current scope's session."""
    return has_left_behind(_scope().session)


def rollback() -> None:
    """Undo everything in the current scope so far and forget its hooks."""
    _scope().session.rollback()


def recover() -> None:
    """After a statement failed in a read-only scope: begin a new transaction, keep what waits for the commit.

    PostgreSQL refuses everything after a failed statement until then.
    """
    here = _scope()
    before, after = dict(here.before), list(here.after)
    pending_then = {name: list(items) for name, items in here.pending.items()}
    here.session.rollback()
    here.before, here.after, here.pending = before, after, pending_then


@contextmanager
def savepoint() -> Iterator[None]:
    """Isolate a part: an exception undoes the part's rows, events and hooks only, and is raised again."""
    here = _scope()
    before, after = dict(here.before), list(here.after)
    pending_then = {name: list(items) for name, items in here.pending.items()}
    try:
        with here.session.begin_nested():
            yield
    except BaseException:
        here.before, here.after, here.pending = before, after, pending_then
        raise
