"""Counting what is asked of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from core import db


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that are sent inside this block."""
    sent: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.lstrip().upper().startswith(("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK")):
            sent.append(" ".join(statement.split()))

    event.listen(db.engine(), "before_cursor_execute", hear)
    yield sent
    event.remove(db.engine(), "before_cursor_execute", hear)
