"""What photo requests add to a patient's timeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Final
from uuid import UUID

from core.sdk import TimelineEntry, _, ngettext, url_for
from plugins.photo_request import lists
from plugins.photo_request.models import CANCELLED, COMPLETED, EXPIRED, KEPT, REJECTED

_NEWEST: Final = 50


def entries(patient_id: UUID, before: datetime | None = None) -> list[TimelineEntry]:
    """The patient's photo requests as timeline entries (of before a moment), newest first, at most 50."""
    every = (entry for row in lists.of_patient(patient_id) for entry in _of_request(row))
    found = [entry for entry in every if before is None or entry.at < before]
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:_NEWEST]


def _of_request(row: lists.Row) -> Iterator[TimelineEntry]:
    request = row.request
    url = url_for("photo_request.show", request_id=request.id)

    def entry(at: datetime, title: str, icon: str, detail: str = "") -> TimelineEntry:
        return TimelineEntry(at=at, title=title, detail=detail, icon=icon, url=url, owner="photo_request")

    yield entry(
        request.created_at,
        _("Photo request sent"),
        "send",
        _("By %(name)s", name=request.requested_by_name),
    )
    if request.opened_at:
        yield entry(request.opened_at, _("Photo request opened by the patient"), "eye")
    if request.received_at:
        count = len(row.shown)
        yield entry(
            request.received_at,
            ngettext("%(num)d photo received", "%(num)d photos received", count),
            "photo",
        )
    for (state, name), photos in _decisions(row).items():
        count = len(photos)
        title = (
            ngettext("%(num)d photo kept in the record", "%(num)d photos kept in the record", count)
            if state == KEPT
            else ngettext("%(num)d photo rejected", "%(num)d photos rejected", count)
        )
        yield entry(
            max(photos), title, "circle-check" if state == KEPT else "photo-x", _("By %(name)s", name=name)
        )
    closed = {
        COMPLETED: (_("Photo request completed"), "checks"),
        CANCELLED: (_("Photo request cancelled"), "ban"),
        EXPIRED: (_("Photo request expired"), "clock-off"),
    }.get(row.state)
    if closed is not None:
        at = request.expires_at if request.closed_at is None else request.closed_at
        detail = _("By %(name)s", name=request.closed_by_name) if request.closed_by_name else ""
        yield entry(at, *closed, detail)


def _decisions(row: lists.Row) -> dict[tuple[str, str], list[datetime]]:
    """When photos were kept and rejected, by decision and person."""
    found: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for photo in row.photos:
        if photo.state in (KEPT, REJECTED) and photo.reviewed_at:
            found[photo.state, photo.reviewed_by_name or ""].append(photo.reviewed_at)
    return found
