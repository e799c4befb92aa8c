"""The guard: listens to every session and keeps practices apart.

Reads get the practice's filter, writes its stamp. Whatever would pass by the filter is refused: a statement
without a practice, Core or textual SQL on a tenant's table, a bulk insert, a move to another practice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, cast
from uuid import UUID

import structlog
from sqlalchemy import Table, TextClause, event, false, inspect
from sqlalchemy.orm import LoaderCriteriaOption, ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import visitors
from sqlalchemy.sql.visitors import ExternallyTraversible

from core.db.errors import CrossPracticeWrite, NoPractice, RawSqlRefused, ReadOnlyScope
from core.db.models import TenantModel, is_tenant_table
from core.db.scope import Scope, TenantSession

log = structlog.get_logger(__name__)


def _scope_of(session: Session) -> Scope:
    scope: Scope = session.info["scope"]
    return scope


@event.listens_for(TenantSession, "do_orm_execute")
def _filter(state: ORMExecuteState) -> None:
    scope = _scope_of(state.session)
    if scope.across_practices:
        return
    tenant_mappers = [m for m in state.all_mappers if issubclass(m.class_, TenantModel)]
    if not state.is_orm_statement:
        _refuse_raw(state)
        return
    if state.is_insert and tenant_mappers:
        raise RawSqlRefused("bulk inserts of tenant rows pass by the stamp: use session.add_all")
    if scope.practice_id is None:
        for table in _tables(state):
            if is_tenant_table(table):
                raise NoPractice(f"{table.name} was queried while no practice is set")
        # Tenant rows that only an eager load would bring along are found by nobody.
        state.statement = state.statement.options(_NOBODYS)
        return
    if state.is_update and tenant_mappers:
        _refuse_move(state)
    if state.is_column_load or state.is_relationship_load:
        return  # loaded through a filtered parent whose options go along, and by a key that has the practice
    state.statement = state.statement.options(_only_of(scope.practice_id))


_NOBODYS: Final = with_loader_criteria(TenantModel, lambda cls: false(), include_aliases=True)


@lru_cache(maxsize=1024)
def _only_of(practice: UUID) -> LoaderCriteriaOption:
    """The filter of a practice: made once, since every statement has it."""
    return with_loader_criteria(TenantModel, lambda cls: cls.practice_id == practice, include_aliases=True)


def _refuse_raw(state: ORMExecuteState) -> None:
    for element in _elements(state):
        if isinstance(element, TextClause):
            raise RawSqlRefused("textual SQL is allowed in core.db only")
        if isinstance(element, Table) and is_tenant_table(element):
            raise RawSqlRefused(f"Core SQL on {element.name} would see every practice: use the model")


def _elements(state: ORMExecuteState) -> Iterator[ExternallyTraversible]:
    return visitors.iterate(cast(ExternallyTraversible, state.statement))


def _tables(state: ORMExecuteState) -> Iterator[Table]:
    return (element for element in _elements(state) if isinstance(element, Table))


def _refuse_move(state: ORMExecuteState) -> None:
    parameters = state.parameters or {}
    rows: Iterable[Any] = parameters if isinstance(parameters, list) else [parameters]
    named = {str(key) for row in rows for key in row}
    values = getattr(state.statement, "_values", None) or {}
    named |= {getattr(key, "key", str(key)) for key in values}
    if "practice_id" in named:
        raise CrossPracticeWrite("a row cannot move to another practice")


@event.listens_for(TenantSession, "before_flush")
def _stamp(session: Session, context: Any, instances: Any) -> None:
    scope = _scope_of(session)
    if not scope.write and (session.new or session.deleted or any(map(session.is_modified, session.dirty))):
        raise ReadOnlyScope("this scope promised to change nothing")
    new = session.new  # each access builds a set of everything new
    for row in new:
        if isinstance(row, TenantModel) and row.practice_id is None:
            if scope.practice_id is None:
                raise NoPractice(f"{type(row).__name__} was written while no practice is set")
            row.practice_id = scope.practice_id
    for row in (*new, *session.dirty, *session.deleted):
        if not isinstance(row, TenantModel):
            continue
        if row not in new and inspect(row).attrs.practice_id.history.has_changes():
            raise CrossPracticeWrite("a row cannot move to another practice")
        if not scope.across_practices and row.practice_id != scope.practice_id:
            raise CrossPracticeWrite(f"{type(row).__name__} belongs to another practice")


@event.listens_for(TenantSession, "before_commit")
def _run_before(session: Session) -> None:
    if session.in_nested_transaction():
        return
    scope = _scope_of(session)
    done: set[Any] = set()
    while waiting := sorted(
        (order, position, hook)
        for position, (hook, order) in enumerate(scope.before.items())
        if hook not in done
    ):
        hook = waiting[0][2]
        done.add(hook)
        hook()
    scope.before.clear()


@event.listens_for(TenantSession, "after_commit")
def _run_after(session: Session) -> None:
    if session.in_nested_transaction():
        return
    scope = _scope_of(session)
    hooks, scope.after = scope.after, []
    scope.pending.clear()
    for hook in hooks:
        try:
            hook()
        except Exception as error:
            # What is committed is committed: a wake-up that failed must not make it look undone.
            log.error("after_commit_hook_failed", error=type(error).__name__, hook=repr(hook))


@event.listens_for(TenantSession, "after_rollback")
def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        _scope_of(session).forget()
