"""A plugin that failed."""

from __future__ import annotations

from sqlalchemy.orm import Session

from core import db
from core.plugin_system.fault_models import PluginFault, PluginPause


def photo_requests_failed(session: Session, times: int = 7) -> None:
    """In the practice of this scope: so many faults of its panel just now, and the plugin rests."""
    now = db.utcnow()
    where = {"surface": "panel:photos", "kind": "raised"}
    session.add(
        PluginFault(plugin="photo_request", reference="r1", count=times, first_at=now, at=now, **where)
    )
    session.add(PluginPause(plugin="photo_request", since=now, until=now, failures=times, reference="r1"))
