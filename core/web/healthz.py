"""Is the process up (/healthz), and can it do its work (/readyz)? For load balancers; nothing about anybody."""

from __future__ import annotations

from typing import Any

import structlog
from flask import current_app
from sqlalchemy import literal, select
from sqlalchemy.exc import SQLAlchemyError

from core import db, plugin_system
from core.db import migrate
from core.web.routes import CoreRoutes

routes = CoreRoutes("healthz", __name__)
log = structlog.get_logger(__name__)
_CURRENT = "careroom.schema_is_current"


@routes.get("/healthz", access="static")
def healthz() -> Any:
    """200 while the process answers at all; touches nothing else."""
    return {"status": "up"}


@routes.get("/readyz", access="static")
def readyz() -> Any:
    """200 when the database answers and stands where the code is; else 503 and which of the two is wrong."""
    try:
        with db.scope(write=False) as session:
            session.execute(select(literal(1)))
        if not _schema_is_current():
            return {"status": "waiting", "reason": "migrations"}, 503
    except SQLAlchemyError as error:
        log.warning("not_ready", error=type(error).__name__)
        return {"status": "waiting", "reason": "database"}, 503
    return {"status": "ready"}


def _schema_is_current() -> bool:
    # Reading the migrations takes tens of milliseconds; once current, the schema does not go back under a running
    # process.
    if not current_app.extensions.get(_CURRENT):
        current_app.extensions[_CURRENT] = migrate.is_current(plugin_system.registry.branches())
    return bool(current_app.extensions[_CURRENT])
