"""What video consultations add to a patient's timeline."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from core.sdk import PatientContext, TimelineEntry, _, ngettext, url_for
from plugins.video_call import lists, states, wording

_NEWEST: Final = 50


def entries(ctx: PatientContext) -> list[TimelineEntry]:
    """The patient's consultations as timeline entries (of before a moment), newest first, at most 50."""
    found = [
        entry
        for row in lists.of_patient(ctx.patient.id)[0]
        for entry in _of_call(row, may_open=ctx.can("video_call.conduct"))
        if ctx.before is None or entry.at < ctx.before
    ]
    return sorted(found, key=lambda entry: entry.at, reverse=True)[:_NEWEST]


def _of_call(row: lists.Row, *, may_open: bool) -> Iterator[TimelineEntry]:
    call = row.call
    ended_url = url_for("video_call.ended", call_id=call.id) if may_open else ""

    def entry(at: datetime, title: str, icon: str, detail: str = "", url: str = "") -> TimelineEntry:
        return TimelineEntry(
            at=at, title=title, detail=detail, icon=icon, url=url or None, owner="video_call"
        )

    by = _("By %(name)s", name=call.invited_by_name)
    if call.scheduled_at is not None:
        yield entry(call.created_at, _("Video consultation planned"), "calendar-time", by)
    else:
        yield entry(call.created_at, _("Invited to a video consultation"), "send", by)
    if call.connected_at is not None:
        detail = _("With %(name)s", name=call.clinician_name)
        yield entry(call.connected_at, _("Video consultation"), "video", detail, ended_url)
    if row.state == states.MISSED:
        at = call.ended_at or call.expires_at
        yield entry(at, _("Video consultation missed"), "user-off", url=ended_url)
    elif call.state == states.DECLINED and call.ended_at is not None:
        yield entry(
            call.ended_at, _("Video consultation declined"), "phone-off", call.reason or "", ended_url
        )
    elif call.state == states.ENDED and call.ended_at is not None:
        yield entry(call.ended_at, *_end(row), ended_url)


def _end(row: lists.Row) -> tuple[str, str, str]:
    """Title, icon and detail of how it ended."""
    call, minutes = row.call, row.minutes
    lasted = ngettext("%(num)d minute", "%(num)d minutes", minutes) if minutes else ""
    if call.outcome == "completed":
        return _("Video consultation completed"), "circle-check", lasted
    if call.outcome == "unsuccessful":
        if call.outcome_reason == "cancelled":
            return _("Video consultation cancelled"), "ban", ""
        return (
            _("Video consultation unsuccessful"),
            "alert-triangle",
            wording.reasons()[call.outcome_reason or "other"],
        )
    return _("Video call ended"), "phone-off", lasted
