"""The trail only grows: changing or deleting an entry through the session is refused."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from core.audit.errors import AppendOnly
from core.audit.models import AuditEntry, PlatformAuditEntry
from core.db.scope import TenantSession

_ENTRIES = (AuditEntry, PlatformAuditEntry)


@event.listens_for(TenantSession, "before_flush")
def _refuse_change(session: Session, context: Any, instances: Any) -> None:
    if any(isinstance(row, _ENTRIES) for row in session.deleted):
        raise AppendOnly("an audit entry cannot be deleted")
    if any(isinstance(row, _ENTRIES) and session.is_modified(row) for row in session.dirty):
        raise AppendOnly("an audit entry cannot be changed")


@event.listens_for(TenantSession, "do_orm_execute")
def _refuse_bulk(state: ORMExecuteState) -> None:
    if (state.is_update or state.is_delete) and any(
        issubclass(mapper.class_, _ENTRIES) for mapper in state.all_mappers
    ):
        raise AppendOnly("audit entries cannot be changed or deleted in bulk")
