"""Is the process up (/healthz), and can it do its work (/readyz)? For load balancers; nothing about anybody."""

from __future__ import annotations

from typing import Any

from flask import current_app

from core import plugin_system
from core.observability import Readiness
from core.web.routes import CoreRoutes

routes = CoreRoutes("healthz", __name__)
_READINESS = "careroom.readiness"


@routes.get("/healthz", access="static")
def healthz() -> Any:
    """200 while the process answers at all; touches nothing else."""
    return {"status": "up"}


@routes.get("/readyz", access="static")
def readyz() -> Any:
    """200 when the database answers and stands where the code is; else 503 and which of the two is wrong."""
    readiness: Readiness = current_app.extensions.setdefault(_READINESS, Readiness())
    reason = readiness.why_not(plugin_system.registry.branches())
    if reason is not None:
        return {"status": "waiting", "reason": reason}, 503
    return {"status": "ready"}
