"""The engine of this process, and SQLite's manners (WAL, foreign keys, BEGIN IMMEDIATE)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from core.db.errors import NoScope
from core.settings import Settings

_engine: Engine | None = None
_snapshots: Engine | None = None
_migration_url = ""
_SYNCHRONOUS = "careroom_synchronous"


def configure(settings: Settings) -> Engine:
    """Make the engine for these settings; an engine that was there before is disposed of."""
    from core.db import fence

    global _engine, _migration_url, _snapshots
    dispose()
    _migration_url = settings.migration_url
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        _engine = create_engine(url, connect_args={"timeout": 5}, hide_parameters=True)
        event.listen(_engine, "connect", _prepare_sqlite)
        event.listen(_engine, "begin", _begin_sqlite)
    else:
        _engine = create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20, hide_parameters=True)
        event.listen(_engine, "begin", _begin_postgresql)
    fence.install(_engine)
    _snapshots = _engine
    if _engine.dialect.name == "postgresql":
        # The level goes with BEGIN, in the same message. READ COMMITTED would read each statement at another
        # moment: an event committed while a page is made would be in its number and not on it.
        _snapshots = _engine.execution_options(isolation_level="REPEATABLE READ")
    return _engine


def engine() -> Engine:
    """The process's engine. Raises NoScope before :func:`configure`."""
    if _engine is None:
        raise NoScope("call core.db.configure(settings) first")
    return _engine


def snapshot_engine() -> Engine:
    """The same, on the same connections, for transactions that only read: each sees one moment of the database."""
    return engine() if _snapshots is None else _snapshots


def has_fragile_transactions() -> bool:
    """Does a failed statement spoil its whole transaction, as on PostgreSQL?"""
    return engine().dialect.name == "postgresql"


@contextmanager
def statements_told_to(hear: Callable[[str], None]) -> Iterator[None]:
    """Inside this block ``hear`` gets every statement of this process that asks or changes something."""

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # What opens and closes transactions is no question.
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA", "SET LOCAL")):
            hear(statement)

    event.listen(engine(), "before_cursor_execute", listen)
    try:
        yield
    finally:
        event.remove(engine(), "before_cursor_execute", listen)


@contextmanager
def owner_connection() -> Iterator[Connection]:
    """A transaction as the owner of the tables (``migration_url``): for migrations, never for the application."""
    if not _migration_url:
        with engine().begin() as connection:
            yield connection
        return
    owner = create_engine(_migration_url, poolclass=NullPool, hide_parameters=True)
    try:
        with owner.begin() as connection:
            yield connection
    finally:
        owner.dispose()


def dispose() -> None:
    """Close every pooled connection and forget the engine."""
    global _engine, _snapshots
    if _engine is not None:
        _engine.dispose()
    _engine = _snapshots = None


def _prepare_sqlite(connection: Any, record: ConnectionPoolEntry) -> None:
    # pysqlite's own transaction control begins too late and never IMMEDIATE: the "begin" event does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that turns into a writer fails at once when another wrote meanwhile, whatever the
    # timeout; a writer therefore takes the lock at its start.
    from core.db.scope import is_durable, is_write

    if not is_write():
        connection.exec_driver_sql("BEGIN")
        return
    wanted = "FULL" if is_durable() else "NORMAL"
    if connection.info.get(_SYNCHRONOUS, "FULL") != wanted:
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        connection.info[_SYNCHRONOUS] = wanted
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    from core.db.scope import is_durable, is_write

    if is_write() and not is_durable():
        connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
