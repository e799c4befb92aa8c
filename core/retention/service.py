"""How long a practice keeps what; a look at what would go; and its going, once a day.

The practice's choices are in its profile, as what differs from the defaults.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from core import audit, db, jobs, tenancy
from core.retention import kinds
from core.retention.kinds import Kind

APPLY: Final = "core.apply_retention"
BATCH: Final = 200
_KEY: Final = "retention"
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing here is older, and so is no time to stay."""
log = structlog.get_logger(__name__)


class NotAllowed(ValueError):
    """This kind of data may not be kept so short, or so long."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go now. days: None is for ever, and then nothing goes."""

    kind: Kind
    days: int | None
    count: int


def days_of(kind: Kind) -> int | None:
    """How many days the current practice keeps this; None: for ever."""
    chosen = tenancy.current().profile.get(_KEY) or {}
    days = chosen.get(kind.name, kind.default_days)
    # What was chosen before the limits changed gives way to the default.
    return days if (days is None or isinstance(days, int)) and kind.allows(days) else kind.default_days


def choose(kind: Kind, days: int | None) -> None:
    """Have the current practice keep this for so many days from now on; None: for ever. Raises NotAllowed.

    Nothing goes before the next daily run: :func:`preview` says what that would take.
    """
    if not kind.allows(days):
        raise NotAllowed(f"{kind.name} cannot be kept for {'ever' if days is None else f'{days} days'}")
    practice, before = tenancy.held(), days_of(kind)
    chosen = {**(practice.profile.get(_KEY) or {}), kind.name: days}
    if days == kind.default_days:
        del chosen[kind.name]
    practice.profile = {**practice.profile, _KEY: chosen}
    audit.record(
        "retention.changed", detail={"kind": kind.name, "before": _said(before), "days": _said(days)}
    )


def preview(
    changes: dict[str, int | None] | None = None, *, only: Collection[str] | None = None
) -> list[Preview]:
    """What would go now from the current practice; with ``changes`` (kind -> days) as if those had been chosen.

    only: the names of the kinds to count; None: all, a query each.
    """
    asked = changes or {}
    found = []
    for kind in kinds_here():
        if only is not None and kind.name not in only:
            continue
        days = asked.get(kind.name, days_of(kind))
        found.append(Preview(kind, days, 0 if days is None else kind.count(_moment(days))))
    return found


def apply() -> dict[str, int]:
    """Remove what the current job's practice keeps no longer; how many of each kind went.

    Opens its own scopes through :func:`jobs.scope`: a batch a transaction, so that a year's worth holds up nobody.
    """
    with jobs.scope(write=False):
        due = [(kind, _moment(days)) for kind in kinds_here() if (days := days_of(kind)) is not None]
    gone: dict[str, int] = {}
    for kind, before in due:
        try:
            gone[kind.name] = _remove_all(kind, before)
        except Exception as error:  # a plugin's mistake must not keep the others' data
            log.error("retention.failed", kind=kind.name, error=type(error).__name__)
    gone = {name: count for name, count in gone.items() if count}
    if gone:
        with jobs.scope():
            audit.record("retention.applied", detail={name: str(count) for name, count in gone.items()})
    return gone


def apply_daily(payload: dict[str, Any]) -> None:
    """Job core.apply_retention, once a day for each practice."""
    apply()


def _remove_all(kind: Kind, before: datetime) -> int:
    total = 0
    while True:
        with jobs.scope():
            removed = kind.remove(before, BATCH)
        total += removed
        if removed < BATCH:
            return total


def kinds_here() -> list[Kind]:
    """Those of the core and of the plugins that are on."""
    return [kind for kind in kinds.registered() if tenancy.switches.is_on(kind.owner)]


def _moment(days: int) -> datetime:
    now = db.utcnow()
    return now - timedelta(days=min(days, (now - _BEGINNING).days))


def _said(days: int | None) -> str:
    return "for ever" if days is None else str(days)
