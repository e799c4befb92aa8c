"""What the database room raises, and what it knows of the database's own errors."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError

# SQLite tells of a full disk in these ways; the third when the log's index cannot grow.
_SQLITE_FULL: Final = frozenset(
    {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_SHMMAP"}
)
_POSTGRESQL_FULL: Final = "53100"


def is_out_of_space(error: BaseException) -> bool:
    """Did a statement or commit fail because the disk is full? Then nothing of its transaction was kept."""
    if not isinstance(error, DBAPIError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorname", "") in _SQLITE_FULL
    return getattr(error.orig, "pgcode", None) == _POSTGRESQL_FULL


class DatabaseError(RuntimeError):
    """Base of the errors below: each is a mistake in code, never something a user did."""


class NoScope(DatabaseError):
    """A session was asked for outside ``db.scope()``."""


class NoPractice(DatabaseError):
    """A tenant's data was asked for while no practice is set: the query fails closed."""


class PracticeAlreadySet(DatabaseError):
    """A scope was asked to change from one practice to another; open a new scope."""


class CrossPracticeWrite(DatabaseError):
    """A row of one practice was about to be written while another practice is set."""


class RawSqlRefused(DatabaseError):
    """Core or textual SQL on a tenant's table: it would pass by the guard."""


class FenceHeld(DatabaseError):
    """A statement that never met the guard was about to reach a tenant's table without its practice."""


class NotProtected(DatabaseError):
    """The database does not keep practices apart by itself; the message says what to change."""


class ReadOnlyScope(DatabaseError):
    """A scope that was opened with ``write=False`` tried to change a row."""
