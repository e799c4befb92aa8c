"""The practice's own pictures that clinicians can put behind themselves in a call.

They go the way of every picture that a stranger sends: the worker makes a clean one, and only that is ever shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, Any, Final
from uuid import UUID

from sqlalchemy import func, select

from core.sdk import _, _l, audit, db, files, publish, tenancy, topic
from plugins.video_call.errors import BackgroundRefused
from plugins.video_call.models import Background

MOST: Final = 8
MAX_BYTES: Final = 8 * 1024 * 1024
MAX_NAME: Final = 60
LEAST_WIDTH: Final = 640
SUBJECT: Final = "video_call.background"

audit.describe(
    {
        "video_call.background_added": _l("Background for video consultations added"),
        "video_call.background_removed": _l("Background for video consultations removed"),
    }
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A background as a list shows it. refusal: why the worker did not take the picture."""

    row: Background
    is_ready: bool
    refusal: str | None = None


def listed() -> list[Shown]:
    """All of the practice, by name."""
    wanted = select(Background, files.File).join(
        files.File,
        (files.File.practice_id == Background.practice_id) & (files.File.id == Background.file_id),
    )
    found = db.session().execute(wanted.order_by(Background.name, Background.id))
    return [
        Shown(
            row,
            file.state == "ready",
            refusal_text(file.reject_reason or "damaged") if file.state == "rejected" else None,
        )
        for row, file in found
    ]


def usable() -> list[Background]:
    """Those that can be chosen in a call."""
    return [one.row for one in listed() if one.is_ready]


def get(background_id: UUID) -> Background | None:
    """The background, or None."""
    return db.get(Background, background_id)


def check_name(name: str) -> str:
    """What the picture is called, for those who choose it and cannot see it. Raises BackgroundRefused."""
    name = " ".join(name.split())
    if not name:
        raise BackgroundRefused(_("Give the picture a name, for example “Treatment room”."), field="name")
    if len(name) > MAX_NAME:
        raise BackgroundRefused(
            _("This name is too long: %(most)s characters at most.", most=MAX_NAME), field="name"
        )
    return name


def stage(stream: IO[bytes], name: str, *, practice_id: UUID) -> files.Staged:
    """Make a picture durable; outside any transaction. Raises BackgroundRefused."""
    try:
        staged = files.stage(
            stream, owner="video_call", name=name, max_size=MAX_BYTES, practice_id=practice_id
        )
    except files.FileRefused as refused:
        raise BackgroundRefused(refusal_text(refused.reason), status=refused.status) from refused
    if (staged.sniffed.width or LEAST_WIDTH) < LEAST_WIDTH:
        files.discard(staged)
        raise BackgroundRefused(
            _("This picture is too small. It should be at least %(width)s pixels wide.", width=LEAST_WIDTH)
        )
    return staged


def add(staged: files.Staged, name: str) -> Background:
    """Keep a staged picture. Raises BackgroundRefused when there is no room; the bytes are the caller's then."""
    name = check_name(name)
    tenancy.held()  # of two who add the last one, the second is told
    if _count() >= MOST:
        raise BackgroundRefused(
            _("There is room for %(most)s pictures. Remove one first.", most=MOST), status=409
        )
    actor = audit.actor()
    made = Background(name=name, file_id=files.keep(staged).id, added_by=actor.id, added_by_name=actor.name)
    db.session().add(made)
    db.session().flush()
    audit.record("video_call.background_added", subject=(SUBJECT, made.id))
    publish(topic(SUBJECT), "added", background=made.id)
    return made


def remove(background: Background) -> None:
    """Take it away; who has it on keeps it until the end of the call."""
    background_id, file_id = background.id, background.file_id
    db.session().delete(background)
    db.session().flush()
    files.delete(file_id)
    audit.record("video_call.background_removed", subject=(SUBJECT, background_id))
    publish(topic(SUBJECT), "removed", background=background_id)


def file_changed(file_id: UUID) -> None:
    """The worker is done with a picture: the page that shows it fetches again."""
    found = db.session().scalar(select(Background.id).where(Background.file_id == file_id))
    if found is not None:
        publish(topic(SUBJECT), "prepared", background=found)


def refusal_text(reason: str) -> str:
    """Why a picture cannot be a background, in words."""
    words: dict[str, Any] = {
        "empty": _("This file is empty. Please choose another."),
        "too_large": _(
            "This picture is too large. Use one of at most %(limit)s MB.", limit=MAX_BYTES // (1024 * 1024)
        ),
        "drawing": _("This is a drawing (SVG), which can carry a program. Use a JPEG, PNG or WebP picture."),
        "format": _("This is not a picture that we can open. Use a JPEG, PNG or WebP."),
        "animated": _("This picture moves. Use a still one."),
    }
    return words.get(reason) or _("This picture cannot be used. Please try another.")


def _count() -> int:
    return db.session().scalar(select(func.count(Background.id))) or 0
