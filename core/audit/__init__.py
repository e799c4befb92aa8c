"""The trail: who did what to whose data, when and from where. It only grows, and each entry seals the one before.

``audit.record("patient.viewed", patient_id=patient.id)`` notes it for ``audit.actor()``, whom the edge has set.
"""

import core.audit.guard  # noqa: F401 - refuses changes from the first session on
from core.audit.context import (
    ANONYMOUS,
    SYSTEM,
    Actor,
    ActorKind,
    Origin,
    actor,
    clear_context,
    concerns,
    lists,
    origin,
    request_id,
    set_actor,
    set_origin,
    use_actor,
    use_origin,
)
from core.audit.errors import AppendOnly, AuditError, UnfitDetail
from core.audit.export import FORMATS, Format, lines, table
from core.audit.models import AuditEntry, AuditHead, PlatformAuditEntry, PlatformAuditHead
from core.audit.reading import (
    Filter,
    every,
    every_of_platform,
    history,
    platform_history,
    staff_who_acted,
)
from core.audit.trail import MOST_SHOWN, flush_pending, pending, record, record_platform, unlisted, unnamed
from core.audit.verify import VerifyResult, verify, verify_platform
from core.audit.words import describe, described, in_words

__all__ = [
    "ANONYMOUS",
    "FORMATS",
    "MOST_SHOWN",
    "SYSTEM",
    "Actor",
    "ActorKind",
    "AppendOnly",
    "AuditEntry",
    "AuditError",
    "AuditHead",
    "Filter",
    "Format",
    "Origin",
    "PlatformAuditEntry",
    "PlatformAuditHead",
    "UnfitDetail",
    "VerifyResult",
    "actor",
    "clear_context",
    "concerns",
    "describe",
    "described",
    "every",
    "every_of_platform",
    "flush_pending",
    "history",
    "in_words",
    "lines",
    "lists",
    "origin",
    "pending",
    "platform_history",
    "record",
    "record_platform",
    "request_id",
    "set_actor",
    "set_origin",
    "staff_who_acted",
    "table",
    "unlisted",
    "unnamed",
    "use_actor",
    "use_origin",
    "verify",
    "verify_platform",
]
