"""What can go wrong with a file, and the sentence that tells the person what to do about it."""

from __future__ import annotations

from typing import Final

from core.errors import Refused
from core.i18n import _l


class FilesError(Exception):
    """Base of the errors of this room."""


class FileMissing(FilesError):
    """No such file or rendition in this practice, or its bytes are gone from the store."""


class BlobDamaged(FilesError):
    """Stored bytes fail their authentication: cut, changed, moved, or of another file or practice."""


class PictureFailed(FilesError):
    """The rendering child refused the picture; ``reason`` is a key of :data:`REASONS`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


REASONS: Final = {
    "empty": _l("This file is empty. Please choose the photo again."),
    "too_large": _l("This photo is too large. Please choose a smaller one."),
    "format": _l("This is not a photo that we can open. Please send a JPEG, PNG, WebP or HEIC photo."),
    "drawing": _l("This is a drawing (SVG). Please send a photo: JPEG, PNG, WebP or HEIC."),
    "animated": _l("This is a moving picture. Please send a still photo."),
    "too_many_pixels": _l(
        "This photo has more than 50 million pixels. Please take it again with a smaller size."
    ),
    "incomplete": _l("A part of this photo is missing. Please choose it again or take a new one."),
    "damaged": _l("This photo is damaged and cannot be opened. Please take a new one."),
    "active": _l("This document contains a program. Please send it without, or as a photo."),
    "too_complex": _l("This photo needs too much work to open. Please take a new one."),
    "lost": _l("This photo could not be kept. Please send it again."),
    "unavailable": _l("Photos cannot be stored at the moment. Please try again in a few minutes."),
}
"""Reason code -> what the person reads. The codes are stored; the sentences are translated when shown."""


class StoreUnavailable(FilesError, Refused):
    """The blob store cannot take or give bytes now (disk full, network away). Nothing half-written stays."""

    def __init__(self, why: str) -> None:
        Refused.__init__(self, refusal_text("unavailable"), "unavailable", status=503)
        self.why = why


_STATUS: Final = {"too_large": 413, "format": 415, "drawing": 415, "animated": 415}


class FileRefused(FilesError, Refused):
    """This file is not taken. ``reason`` is a stable code, ``message`` a translated sentence for the person.

    A plugin may raise it with a reason of its own (the eleventh photo) and must then give the message.
    HTTP status: 413 too large, 415 not a format of ours, else 422.
    """

    def __init__(self, reason: str, message: object | None = None) -> None:
        self.reason = reason
        self.own_message = None if message is None else str(message)
        Refused.__init__(
            self, self.own_message or refusal_text(reason), reason, status=_STATUS.get(reason, 422)
        )


def refusal_text(reason: str) -> str:
    """The translated sentence for a stored reason code."""
    return str(REASONS.get(reason, REASONS["damaged"]))
