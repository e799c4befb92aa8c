"""A patient's picture as an answer: never kept by a cache, never taken for anything but a picture."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Final

from flask import Response, abort, request

from core import files

_PIECE: Final = 256 * 1024
_MOST_AT_ONCE: Final = 4 * 1024 * 1024


def file_response(file: files.File, rendition: str = "large") -> Response:
    """The rendition "large" or "thumb" of a file that the caller has found and may show; 404 while there is none.

    A file that is no photo is answered as it came: a recording to be played, a document to be kept.

    Use it in a view with an open scope of the practice. Reading is not audited here: the view knows why.
    One range of bytes may be asked for (206, or 416 beyond the end); several, or what is no range, get the whole.
    If-Range has no place here: nothing is cached, and a rendition's bytes never change.
    """
    if file.media_type in files.ATTACHMENTS:
        return _as_it_came(file)
    try:
        found = files.rendition(file.id, rendition)
        wanted = _wanted(found.size)
        with files.open(file.id, rendition) as plain:
            plain.seek(wanted.start)
            content = plain.read(len(wanted))
    except files.FileMissing:
        abort(404)
    response = Response(content, mimetype=found.media_type)
    response.headers["Content-Disposition"] = files.disposition(files.name_of(file))
    return _guarded(response, wanted, found.size)


def _as_it_came(file: files.File) -> Response:
    wanted = _wanted(file.size)
    if request.range is not None:
        wanted = wanted[:_MOST_AT_ONCE]  # a player asks for the rest when it needs it
    try:
        plain = files.open(file.id)
    except files.FileMissing:
        abort(404)
    plain.seek(wanted.start)
    response = Response(_pieces(plain, len(wanted)), mimetype=file.media_type)
    response.content_length = len(wanted)
    kind = "attachment" if file.media_type == "application/pdf" else "inline"
    response.headers["Content-Disposition"] = files.disposition(files.name_of(file), kind)
    return _guarded(response, wanted, file.size)


def _pieces(plain: BinaryIO, left: int) -> Iterator[bytes]:
    """The next so many bytes, a piece at a time: a recording is too large to be held."""
    with plain:
        while left > 0 and (piece := plain.read(min(left, _PIECE))):
            left -= len(piece)
            yield piece


def _guarded(response: Response, wanted: range, size: int) -> Response:
    if not wanted:
        response.status_code = 416
        response.headers["Content-Range"] = f"bytes */{size}"
    elif len(wanted) < size:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{size}"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _wanted(size: int) -> range:
    """The bytes that the request asks for; empty: none that there are."""
    asked = request.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return range(size)
    start, end = asked.ranges[0]
    if start < 0:  # the last so many bytes
        return range(max(0, size + start), size)
    return range(start, min(size if end is None else end, size))
