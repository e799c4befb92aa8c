"""Can this process do its work? Asked by load balancers of the web processes and of the workers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import structlog
from sqlalchemy import literal, select
from sqlalchemy.exc import SQLAlchemyError

from core import db
from core.db import migrate

Reason = Literal["database", "migrations"]

log = structlog.get_logger(__name__)


class Readiness:
    """Remembers that the schema is current: it does not go back under a running process."""

    def __init__(self) -> None:
        self._current = False

    def why_not(self, branches: Mapping[str, Path]) -> Reason | None:
        """None: ready. branches: the migrations that this process needs."""
        try:
            with db.scope(write=False) as session:
                session.execute(select(literal(1)))
            # Reading the migrations takes tens of milliseconds.
            self._current = self._current or migrate.is_current(branches)
        except SQLAlchemyError as error:
            log.warning("not_ready", error=type(error).__name__)
            return "database"
        return None if self._current else "migrations"
