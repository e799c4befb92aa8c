"""The fence: what the database itself is told, or shown, of the practice that a transaction is for.

PostgreSQL is told: the first statement of a transaction carries ``SET LOCAL careroom.practice_id`` in front of it,
in the same message, so it costs no round trip; the policies (:mod:`core.db.rls`) compare each row with it. A
transaction that was told nothing sees nothing. SQLite has no policies, so each statement that names a tenant's
table is looked at once more just before it leaves: the practice must be among its parameters.

Both hold for whatever passes over a scope's connection, also for what never met the guard. So does a third rule: no
SQL text inside a statement. ``where(text("a OR b"))`` is put beside the guard's filter without parentheses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnClause, Connection, Engine, TextClause, event
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.sql import visitors

from core.db.errors import FenceHeld, RawSqlRefused
from core.db.models import Base, is_tenant_table
from core.db.scope import Scope, TenantSession

ACROSS_SUFFIX: Final = "_across"
_HOLDS_TEXT: Final[WeakKeyDictionary[Any, bool]] = WeakKeyDictionary()
_TOLD: Final = "careroom.told"
_BYPASSES: Final = "careroom.bypasses"
_ACROSS: Final = "careroom.across"


@dataclass(slots=True)
class _Told:
    """Of one transaction: the scope that it belongs to, and what the database knows of it by now."""

    scope: Scope
    practice_id: UUID | None = None
    across: bool = False

    def forget(self) -> None:
        self.practice_id, self.across = None, False


def install(engine: Engine) -> None:
    """Put the fence around every transaction of this engine."""
    event.listen(engine, "begin", _start)
    event.listen(engine, "checkin", _leave)
    event.listen(engine, "before_cursor_execute", _refuse_text)
    if engine.dialect.name == "postgresql":
        event.listen(engine, "connect", _know_role)
        event.listen(engine, "rollback_savepoint", _undo)
        event.listen(engine, "before_cursor_execute", _tell, retval=True)
    else:
        event.listen(engine, "before_cursor_execute", _look)


@event.listens_for(TenantSession, "after_begin")
def _join(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    if _TOLD not in connection.info:  # a savepoint is part of the transaction around it
        connection.info[_TOLD] = _Told(session.info["scope"])


def _start(connection: Connection) -> None:
    connection.info.pop(_TOLD, None)


def _leave(dbapi_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info.pop(_TOLD, None)


def _undo(connection: Connection, name: str, context: None) -> None:
    # What was told inside a savepoint is forgotten by the database when it rolls back.
    told = connection.info.get(_TOLD)
    if told is not None:
        told.forget()


def _refuse_text(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    told: _Told | None = connection.info.get(_TOLD)
    compiled = getattr(context, "compiled", None)
    if told is None or compiled is None or told.scope.across_practices:
        return
    holds = _HOLDS_TEXT.get(compiled)
    if holds is None:  # once for each compiled statement, which SQLAlchemy keeps and uses again
        holds = _HOLDS_TEXT[compiled] = any(map(_is_text, visitors.iterate(compiled.statement)))
    if holds:
        raise RawSqlRefused("textual SQL is allowed in core.db only")


def _is_text(element: Any) -> bool:
    if isinstance(element, ColumnClause):
        return element.is_literal and element.name not in (
            "*",
            "1",
        )  # as in count(*) and EXISTS (SELECT 1 ...)
    return isinstance(element, TextClause)


# --- PostgreSQL --------------------------------------------------------------------------------------------------


def _know_role(dbapi_connection: Any, record: ConnectionPoolEntry) -> None:
    cursor = dbapi_connection.cursor()
    cursor.execute(
        "SELECT quote_ident(current_user || %s), rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user",
        (ACROSS_SUFFIX,),
    )
    record.info[_ACROSS], record.info[_BYPASSES] = cursor.fetchone()
    cursor.close()
    dbapi_connection.rollback()


def _tell(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> tuple[str, Any]:
    info = connection.info
    told: _Told | None = info.get(_TOLD)
    if told is None or statement.startswith("ROLLBACK"):  # a failed transaction listens to nothing else
        return statement, parameters
    words = ""
    if told.practice_id is not (wanted := told.scope.practice_id) and wanted is not None:
        words = f"SET LOCAL careroom.practice_id = '{UUID(int=wanted.int)}'; "
        told.practice_id = wanted
    if told.scope.across_practices and not told.across:
        told.across = True
        if not info[_BYPASSES]:
            words += f"SET LOCAL ROLE {info[_ACROSS]}; "
    if words and (
        connection.dialect.driver != "psycopg2" or cursor.name is not None or isinstance(parameters, list)
    ):
        # One message holds several statements only in psycopg2's plain cursors.
        alone = cursor.connection.cursor()
        alone.execute(words)
        alone.close()
        words = ""
    return words + statement, parameters


# --- SQLite ------------------------------------------------------------------------------------------------------


def _look(
    connection: Connection, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    told: _Told | None = connection.info.get(_TOLD)
    if told is None or told.scope.across_practices or not _names_tenant(statement):
        return
    practice_id = told.scope.practice_id
    if practice_id is None:
        if "0 = 1" in statement:  # the guard's "nothing", around rows that an eager load would bring along
            return
        raise FenceHeld("a tenant's table was reached while no practice is set")
    key = practice_id.hex
    times = 1
    if statement.startswith("INSERT"):
        times = statement.count(
            "(?"
        )  # SQLAlchemy sends the rows of one flush in one: each of them has to say it
    elif not _compares_practice(statement):
        raise FenceHeld("a statement on a tenant's table compares no practice")
    for row in parameters if isinstance(parameters, list) else (parameters,):
        if list(row.values() if isinstance(row, dict) else row).count(key) < times:
            raise FenceHeld("a statement on a tenant's table does not say which practice it is for")


@lru_cache(maxsize=2000)
def _names_tenant(statement: str) -> bool:
    tables = Base.metadata.tables
    return any(word in tables and is_tenant_table(tables[word]) for word in re.findall(r"\w+", statement))


@lru_cache(maxsize=2000)
def _compares_practice(statement: str) -> bool:
    return re.search(r"practice_id = \?|\? = (\w+\.)?practice_id", statement) is not None
