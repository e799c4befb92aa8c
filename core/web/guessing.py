"""Somebody tries dates of birth: seen wherever they come from, and slowed without shutting patients out.

Each link locks after five wrong dates by itself. This looks across links: at one address that is wrong on many, and
at many addresses that are wrong on the links of one practice. Such a practice is on its guard for a while: addresses
that were wrong there twice have to wait, everybody else comes in as always.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog
from flask import request

from core import audit, tenancy
from core.i18n import _l
from core.notifications import inbox
from core.security import limits

_PERMISSION: Final = "core.view_audit"

log = structlog.get_logger(__name__)


def must_wait(practice_id: UUID | None = None) -> bool:
    """Has this request's address been wrong too often? With a practice: also by what that one's guard allows."""
    address = _address()
    if limits.is_exhausted(limits.LINK_BY_ADDRESS, address):
        return True
    if limits.is_exhausted(limits.LINK_BY_ADDRESS_IN_A_DAY, address):
        return True
    if practice_id is None or not limits.is_exhausted(limits.LINK_BY_PRACTICE, str(practice_id)):
        return False
    return limits.is_exhausted(limits.LINK_ON_GUARD, _at(practice_id, address))


def note_failure(practice_id: UUID | None = None) -> None:
    """A wrong date of birth at this practice, or (None) a link that there is not. Call it in no scope."""
    address = _address()
    limits.count(limits.LINK_BY_ADDRESS, address)
    limits.count(limits.LINK_BY_ADDRESS_IN_A_DAY, address)
    if limits.is_exhausted(limits.LINK_BY_ADDRESS, address):
        log.warning("links.address_is_guessing")
    if practice_id is None:
        return
    limits.count(limits.LINK_ON_GUARD, _at(practice_id, address))
    limits.count(limits.LINK_BY_PRACTICE, str(practice_id))
    if limits.is_exhausted(limits.LINK_BY_PRACTICE, str(practice_id)) and limits.count(
        limits.GUESSING_TOLD, str(practice_id)
    ):
        _tell(practice_id)


def _tell(practice_id: UUID) -> None:
    """Into the log, onto the platform's and the practice's trail, and under the bell of those who read the trail."""
    log.warning("links.practice_on_guard", practice=str(practice_id))
    with tenancy.practice_scope(practice_id), audit.use_actor(audit.SYSTEM):
        detail = {"rate": limits.LINK_BY_PRACTICE.rate}
        audit.record_platform("links.guessing_seen", subject=("core_practice", practice_id), detail=detail)
        audit.record("links.guessing_seen", detail=detail)
        inbox.notify(
            _l("Many wrong dates of birth were entered on your links: somebody may be guessing"),
            body=_l("Links lock by themselves after five wrong dates. You need to do nothing."),
            url="/",
            permission=_PERMISSION,
            icon="alert-triangle",
        )


def _at(practice_id: UUID, address: str) -> str:
    return f"{practice_id}|{address}"


def _address() -> str:
    return limits.origin(request.remote_addr)
