"""The database room: models' base, the session of a scope, and the guard that keeps practices apart."""

import core.db.guard  # noqa: F401 - listens from the first session on
from core.db.engine import configure, dispose, engine
from core.db.errors import (
    CrossPracticeWrite,
    DatabaseError,
    NoPractice,
    NoScope,
    PracticeAlreadySet,
    RawSqlRefused,
    ReadOnlyScope,
)
from core.db.lease import Lease, lease_due
from core.db.models import Base, TenantModel, Timestamps, tenant_key
from core.db.scope import (
    Scope,
    after_commit,
    before_commit,
    enter_practice,
    get,
    has_practice,
    in_scope,
    is_write,
    open_scope,
    pending,
    practice_id,
    recover,
    rollback,
    savepoint,
    scope,
    session,
)
from core.db.types import UtcDateTime, utcnow, uuid7

__all__ = [
    "Base",
    "CrossPracticeWrite",
    "DatabaseError",
    "Lease",
    "NoPractice",
    "NoScope",
    "PracticeAlreadySet",
    "RawSqlRefused",
    "ReadOnlyScope",
    "Scope",
    "TenantModel",
    "Timestamps",
    "UtcDateTime",
    "after_commit",
    "before_commit",
    "configure",
    "dispose",
    "engine",
    "enter_practice",
    "get",
    "has_practice",
    "in_scope",
    "is_write",
    "lease_due",
    "open_scope",
    "pending",
    "practice_id",
    "recover",
    "rollback",
    "savepoint",
    "scope",
    "session",
    "tenant_key",
    "utcnow",
    "uuid7",
]
