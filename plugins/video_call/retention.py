"""How long consultations stay: the log of the line, invitations that came to nothing, and those that were held."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, delete, func, or_, select

from core.sdk import RetentionKind, _l, db
from plugins.video_call import leaving, states
from plugins.video_call.models import Call, Document, LineEntry, Message

Where = Callable[[datetime], ColumnElement[bool]]


def _left_something() -> ColumnElement[bool]:
    """Whatever was noted, written, drawn or kept belongs to the record, however the call ended."""
    documents = select(Document.id).where(Document.call_id == Call.id).exists()
    lines = select(Message.id).where(Message.call_id == Call.id).exists()
    return or_(Call.connected_at.is_not(None), func.coalesce(Call.notes, "") != "", documents, lines)


def _came_to_nothing(before: datetime) -> ColumnElement[bool]:
    return Call.state.in_(states.OVER) & ~_left_something() & (Call.ended_at < before)


def _held(before: datetime) -> ColumnElement[bool]:
    return Call.state.in_(states.OVER) & _left_something() & (Call.ended_at < before)


def _old_lines(before: datetime) -> ColumnElement[bool]:
    return LineEntry.created_at < before


def _count(model: type[Any], old: Where) -> Callable[[datetime], int]:
    return lambda before: db.session().scalar(select(func.count(model.id)).where(old(before))) or 0


def _remove_calls(old: Where) -> Callable[[datetime, int], int]:
    """A call goes with everything that belongs to it, its files too; what happened stays on the audit trail."""

    def remove(before: datetime, limit: int) -> int:
        calls = db.session().scalars(select(Call).where(old(before)).order_by(Call.id).limit(limit)).all()
        leaving.remove(calls)
        return len(calls)

    return remove


def _remove_lines(before: datetime, limit: int) -> int:
    ids = db.session().scalars(
        select(LineEntry.id).where(_old_lines(before)).order_by(LineEntry.id).limit(limit)
    )
    found = list(ids)
    if found:
        db.session().execute(delete(LineEntry).where(LineEntry.id.in_(found)))
    return len(found)


KINDS: Final = (
    RetentionKind(
        "video_call.line_log",
        _l("Log of the line of video calls"),
        _l("How good picture and sound were: figures and codes, no content. Of use while somebody asks why."),
        90,
        _count(LineEntry, _old_lines),
        _remove_lines,
        least_days=7,
    ),
    RetentionKind(
        "video_call.not_held",
        _l("Video consultations that did not take place"),
        _l(
            "Invitations that nobody followed, and consultations that were cancelled, declined or never connected."
        ),
        None,
        _count(Call, _came_to_nothing),
        _remove_calls(_came_to_nothing),
        least_days=30,
    ),
    RetentionKind(
        "video_call.held",
        _l("Video consultations that were held"),
        _l(
            "With notes, chat, drawings and pictures, which are part of the medical record. Choose a time only if "
            "your law allows it, or if the record is kept elsewhere."
        ),
        None,
        _count(Call, _held),
        _remove_calls(_held),
        least_days=365,
    ),
)
